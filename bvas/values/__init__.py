"""Value types of the field. No I/O and no torch.

annotations.py   annotations, spots, gaps and label sets
arrays.py        names of array types
boxes.py         boxes and their overlap
checks.py        checks of sizes, times and frame numbers that callers give
clip_config.py   ClipConfig: frames of a clip
color.py         4:2:0 planes: what their bytes mean, and RGB of them
frame_boundaries.py  boundaries of frames
input_format.py  form of a model's frames: size, channels, geometry, cuts
luma.py          scaling of stored luma to [0, 1]
match_clock.py   MatchClock: times as people read them
plural.py        counted nouns in messages
progress.py      Progress: how far a long task is
score_curve.py   ScoreCurve: a score of each label for each grid frame
spaced_times.py  times at least so far apart
units.py         durations and file sizes as text
"""
