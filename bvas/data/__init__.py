"""Labels, matches and their files.

action.py               Action Spotting (SoccerNet-v2): 17 labels in broadcast matches, sparse in time
ball.py                 Ball Action Spotting 2023: passes and drives in nine matches of the English Football League
ball12.py               Ball Action Spotting since 2024: twelve labels, some of them rare
class_names.py          files of class names: one a line, or JSON
clip_table.py           table of the files of a data root
data_check.py           faults of a data root, found in one pass over its files
dataset_annotations.py  annotations of a `dataset.json`: moments, and from version 2 on ranges
dataset_json.py         format `dataset.json`: matches, videos, annotations and folds
dataset_match.py        matches and samples of a `dataset.json`, and what must hold among them
division.py             division of labelled matches into folds or splits
file_tree.py            files below a folder or inside a zip, read alike; a zip is never unpacked
importing/              import of other formats as `dataset.json`
interval_files.py       readers and writers of files of intervals
joints.py               joints of a clip's player, beside the video
json_object.py          JSON objects structured by cattrs; every fault is noted with its place
labelled_ranges.py      ranges of a match or sample in seconds
labels_file.py          labels file of `bvas label`
matches.py              matches of a data root: from its `dataset.json`, or found in SoccerNet's layout
named_files.py          videos that files of other programs name
osl_json.py             OSL JSON, the annotation format of OpenSportsLib
osl_labels.py           labels of whole samples in OSL JSON
raw_annotations.py      raw annotations of a file, and the faults found in it
siblings/               samples on different sides of a split that are one
soccernet_download.py   download of SoccerNet's data by its own package
soccernet_entries.py    annotations and predictions as the official evaluation reads them
soccernet_files.py      SoccerNet's files: names of videos, label files read, results files written and read
soccernet_objects.py    the one parser of entries in SoccerNet's files
splits.py               folds and splits drawn by group
spot_files.py           readers of files of spots: results_spotting.json, OSL JSON, spots.csv, JSON lines
spotting_task.py        a spotting task: labels, matches, folds, and how its files are named
video_end.py            check that the time of an annotation lies within its video
"""
