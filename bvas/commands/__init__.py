"""Command lines: one file a verb, with `add_options(parser)` and `run(args)`; `cli.main` runs them.

A run returns an exit code, or None for 0. The docstring of a verb's file is the text of its --help.

class_listing.py        classes of a published network
class_run.py            classification of one video: estimate, table, results
classifier_choice.py    choice of a classifier: published, trained or exported
classify.py             `bvas classify`: name what clips or stretches of a video show
clip_check.py           findings of `bvas data check` about clips with a class each
console.py              runner of the verbs: exit codes, error lines, progress bars
cut.py                  `bvas cut`: cut intervals or moments out of videos
data_check.py           `bvas data check`: list the faults of a data root
data_download.py        `bvas data download`: download SoccerNet's videos and labels
data_import.py          `bvas data import`: make a dataset.json from other formats
data_synth.py           `bvas data synth`: make synthetic matches
demo.py                 `bvas demo`: make matches, train, predict, score and report in minutes on a CPU
doctor.py               `bvas doctor`: check this machine, with a remedy for each problem
evaluate.py             `bvas evaluate`: score an experiment's predictions, or compare experiments
experiment_ensemble.py  `bvas experiment ensemble`: average the score curves of several experiments
experiment_preview.py   `bvas experiment preview`: draw training clips before training
experiment_rate.py      `bvas experiment rate`: find a learning rate
experiment_run.py       `bvas experiment run`: train, predict and score experiments that build on each other
experiment_stages.py    stages of a chain: folds trained, held-out matches predicted and scored
experiment_submit.py    `bvas experiment submit`: write the zip for SoccerNet's server
experiment_suspects.py  `bvas experiment suspects`: rank annotations that look like mistakes
experiment_tune.py      `bvas experiment tune`: choose smoothing, distances and operating points
fold_training.py        training of several folds at once, each with a progress line
intervals.py            `bvas intervals`: find the stretches of a recording in which something is present
label.py                `bvas label`: label videos, in a page or by frame numbers
option_values.py        parsers of option values: times, rates, sizes, ranges, worker counts
options.py              options of the verbs: each is spelled and described here, once
players.py              `bvas players`: find the players of a video, follow each, and name what he does
players_clips.py        `bvas players clips`: cut players' windows out of videos as a data set of clips
players_by_hand.py      page of players, and corrections that it has saved
players_output.py       results of `bvas players`: files, annotated video, printed lines
players_run.py          players of one video: detection, tracks, actions, estimates
players_detector.py     `bvas players detector`: train a small detector on videos with true boxes
players_score.py        `bvas players score`: score tracks of players against true tracks
predict.py              `bvas predict`: predict held-out matches, the challenge, or what a manifest lists
prepare_root.py         preparation of a whole data root by `bvas video prepare`
ray_options.py          options of the verbs that can work on a Ray cluster
recording_run.py        trained models over the files of a recording
report.py               `bvas report`: write a page that shows spots on the video and lets you correct them
score_table.py          tables of scores for the terminal
scored_options.py       options of the verbs that compare files of spots with files of labels
spot.py                 `bvas spot`: find the actions in a recording or a stream
spot_live.py            `bvas spot --live`: print the spots of a running source as JSON lines
spots_export.py         `bvas spots export`: write spots for other programs
spots_overlay.py        `bvas spots overlay`: draw spots, annotations and score curves on their video
spots_pictures.py       `bvas spots pictures`: draw pictures of predictions against labels
spots_score.py          `bvas spots score`: score the predictions of any system against labels
train.py                `bvas train`: train an experiment on folds
video_check.py          `bvas video check`: print properties of video files, and decoders that read them
video_frames.py         `bvas video frames`: write frames as numbered pictures
video_prepare.py        `bvas video prepare`: make copies of videos for fast random access
weights_download.py     `bvas weights download`: download published weights, and import them
weights_export.py       `bvas weights export`: write a trained model as ONNX files
weights_import.py       `bvas weights import`: import weights of the reference system
weights_pull.py         `bvas weights pull`: pull an experiment from the Hugging Face Hub
weights_push.py         `bvas weights push`: upload an experiment to the Hugging Face Hub
"""
