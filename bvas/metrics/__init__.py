"""Scores of spots, intervals, classes and tracks against annotations: pure functions, without files and torch.

matching.py           matching of spots to annotations
average_precision.py  average precision at a tolerance in seconds
official.py           SoccerNet's scores
team.py               SoccerNet's team-aware scores
exact.py              area under the precision-recall curve
label_events.py       events of each label as arrays
tally.py              counts at thresholds, which add up over matches
bootstrap.py          intervals over matches
analysis.py           hits, misses, false alarms, timing, blind baseline
confusion.py          confusion matrix
precision_recall.py   precision-recall curves
suspects.py           annotations and spots that look like label errors
score_rules.py        ScoreRules: metric, tolerances, operating points
scorer.py             score_sheet: all figures of some videos
score_sheet.py        ScoreSheet: these figures as values
temporal_detection.py average precision and recall at thresholds of temporal IoU
interval_scores.py    IntervalScores: all figures of intervals
class_figures.py      rates of classes, top-k hits, intervals, calibration
class_scores.py       ClassificationScores: all figures of a classifier
track_overlaps.py     TrackRows: rows of tracks, and overlaps of true and tracked boxes
hota.py               HOTA of tracks and its parts
identity_scores.py    IDF1 of tracks and its counts
clear_mot.py          MOTA of tracks, switches and fragments
track_labels.py       LabelScores: labels of tracked boxes against true ones
tracking_scores.py    TrackingScores: all figures of tracks
"""
