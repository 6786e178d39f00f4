"""Tracking: boxes of single frames in, one track for each player out. NumPy and SciPy only.

association.py       detections to predicted boxes, one to one, in rounds
camera_motion.py     translation of the picture, from the boxes alone
frame_boxes.py       FrameBoxes: boxes found in one frame
mot_files.py         MOT text files: detections, true tracks and results, read and written
motion.py            Kalman filter of boxes over continuous time
noise_estimation.py  noise and agitation, from a video's own tracklets
online_tracking.py   search frame by frame: detections to tracklets
smoothing.py         likeliest boxes of a track, given all its detections
swap_correction.py   players exchanged in an encounter, put right
track_filling.py     tracks at every source frame
track_rows.py        rows of tracks, for scoring
tracker.py           track_boxes: detections to tracks
tracker_config.py    TrackerConfig: settings, in seconds
tracklet_linking.py  tracklets to players, over gaps
tracklets.py         Tracklet: detections that belong together
tracks.py            Track: boxes of one player over time
"""
