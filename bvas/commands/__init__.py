"""Command lines: one file a verb, with `build_parser(prog)` and `run(args) -> exit code`; `cli.main` runs them.

console.py              runner of the verbs: exit codes, error lines, progress bars
data_check.py           `bvas data check`: list all faults of a data root
data_download.py        `bvas data download`: download SoccerNet's videos and labels
data_import.py          `bvas data import`: make a dataset.json from other formats
data_synth.py           `bvas data synth`: make synthetic matches
demo.py                 `bvas demo`: render, train, predict, score and report in minutes on a CPU
doctor.py               `bvas doctor`: check this machine, with a remedy for each problem
evaluate.py             `bvas evaluate`: score an experiment's predictions, or compare experiments
experiment_ensemble.py  `bvas experiment ensemble`: average the score curves of several experiments
experiment_preview.py   `bvas experiment preview`: draw training clips before training
experiment_run.py       `bvas experiment run`: train, predict and score the stages of a chain
experiment_stages.py    stages of a chain: folds trained, held-out matches predicted and scored
experiment_submit.py    `bvas experiment submit`: write the zip for SoccerNet's evaluation server
experiment_suspects.py  `bvas experiment suspects`: rank annotations that look like mistakes
experiment_tune.py      `bvas experiment tune`: choose smoothing, distances and operating points
fold_training.py        training of several folds at once, each with a progress line
option_values.py        parsers of option values: times, rates, sizes, worker counts
options.py              options of the verbs: each is spelled and described here, once
predict.py              `bvas predict`: predict matches
report.py               a page to look at spots and to correct them: bvas report NAME|RESULTS
score_table.py          tables of scores for the terminal
scored_options.py       options of the verbs that compare files of spots with files of labels
spot.py                 `bvas spot`: find the actions in a recording or a stream
spot_live.py            spots of a running source as JSON lines: bvas spot SOURCE --live
spots_export.py         spots for other programs: bvas spots export SPOTS... --to FORMAT
spots_overlay.py        spots, annotations and score curves drawn on their video: bvas spots overlay VIDEO
spots_pictures.py       pictures of predictions against labels: bvas spots pictures
spots_score.py          score predictions of any system against labels: bvas spots score
train.py                `bvas train`: train an experiment on folds
video_check.py          `bvas video check`: properties of video files, decoders that read them, and remedies
video_prepare.py        `bvas video prepare`: copies of videos for fast random access
weights_download.py     `bvas weights download`: published weights of the reference system, imported by name
weights_export.py       `bvas weights export`: write a trained model as ONNX files
weights_import.py       `bvas weights import`: take in weights of the reference system
"""
