"""Reports: results in, pictures, page, annotated video and files for other programs out.

annotated_video.py      annotated copy of a video: canvas, writing loop
captions.py             captions of the annotated video
class_examples.py       surest right and wrong predictions of each class
class_histogram.py      histogram of clips per class, before and after balancing
class_page.py           error page of kind clip: page, examples and moving sheet in a folder
class_pictures.py       confusion matrix and reliability diagram of an evaluation
class_sheet.py          first and last frames of some samples of each class, and their joints
class_table.py          table of classes
clip_preview.py         preview of training clips: draws, frames, targets, augmentation
confusion_plot.py       confusion matrices
contact_sheet.py        sheet of training clips, and the layout of sheets
content.py              VideoReport, MatchReport: results matched with their annotations
evaluation_pictures.py  timelines and a short clip of scored videos
example_clips.py        moving pictures of samples
figures.py              figures of matplotlib: axes, text, PNG files
fonts.py                fonts that have the characters of a label
formats/                text of spots in the formats of other programs
history_plot.py         curves of a run over its epochs
interval_answers.py     matching of found intervals with annotated ranges
label_report.py         content of a label page
lettering.py            lines of text drawn into pictures
moving_sheet.py         video of a right and a wrong example of each class
overlay.py              annotated video
overlaying.py           input of the annotated video: part of the results, label file
packed_arrays.py        arrays as short text for the page
page.py                 index.html: data, script and style in one file
page_data.py            data of the page, as plain values
page_input.py           reports of an experiment or of a folder of results
palette.py              colors of the pictures
picturing.py            pictures of predictions against labels
player_drawing.py       boxes and captions of players, drawn into a picture
players_overlay.py      annotated video of players
players_page.py         page on which players are chosen and corrected
rate_plot.py            plot of a learning rate search
recording_outputs.py    parts of a recording, and the writer of the files of `bvas spot`
reliability_plot.py     reliability diagram
report_folder.py        folder of a report: the page and its previews
run_curves.py           observer of runs that draws their curves
score_plots.py          precision over recall, and timing of hits
spots_csv.py            table of spots
strip.py                strip of score curves below the annotated video
timeline.py             timeline of a video
training_pictures.py    pictures for TensorBoard
web/                    script and style of the page
worst_events.py         worst misses and false alarms, as a sheet
"""
