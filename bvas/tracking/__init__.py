"""Tracking: boxes of single frames in, one track for each player out. NumPy and SciPy only.

frame_boxes.py  FrameBoxes: boxes found in one frame
mot_files.py    MOT text files: detections, true tracks and results, read and written
track_rows.py   rows of tracks, for scoring
tracks.py       Track: boxes of one player over time
"""
