"""Import of other formats as drafts of matches, and the writer of `dataset.json`.

clip_drafts.py         drafts of clips with one label each, and splits where a data set has none
draft.py               drafts of matches from other formats, and the writer of `dataset.json`
frame_ranges.py        matches of annotation programs that hold ranges of frames alone
format_choice.py       format of labels, by the names and the content of their files
from_class_folders.py  import of folders of classes, with or without splits
from_corrections.py    import of `corrections.json`, which the page of `bvas report` saves
from_csv.py            import of tables with a line for each annotation: video, label, seconds or frame, and more
from_e2e_spot.py       import of E2E-Spot's `{train,val,test}.json` and `class.txt`
from_fiftyone.py       import of FiftyOne's temporal detections
from_hmdb51.py         import of HMDB51's lists
from_kinetics.py       import of Kinetics' tables
from_label_studio.py   import of Label Studio's timeline labels
from_osl.py            import of OSL JSON: each sample with a video is a match, or a half of one
from_soccernet.py      import of SoccerNet's layouts: two videos a match (2023, Action Spotting) or one (2024, 2025)
from_spacejam.py       import of SpaceJam: clips and joints side by side
from_ucf101.py         import of UCF101's lists
merging.py             merge of corrected matches into an existing data root
prepared_root.py       second data root whose videos are prepared copies
"""
