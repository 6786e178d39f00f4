"""Task kinds: how clips are drawn, learned and measured, and what a score curve becomes.

kinds.py          TaskKind: the protocol of a kind
kind_choice.py    kind of an experiment
frame_kind.py     FrameKind: base of the kinds that score single frames
spot.py           SpotKind: instants of actions
interval.py       IntervalKind: stretches in which something is present
clip.py           ClipKind: clips that have one class each
stretches.py      thresholds with hysteresis in score curves
peaks.py          smoothing and peak finding in score curves
class_runs.py     stretches of a curve whose best class is the same
fold_division.py  matches that a fold trains on and holds out
draw_summary.py   counts of what an epoch draws
trained_model.py  trained model of a checkpoint
"""
