"""Results of videos: the one value for what was found, and the one store of its files.

experiment_curves.py  score curves of an experiment, read and checked
frame_times.py        FrameTimes: seconds of each frame of a video
interval_rows.py      intervals as rows of a table
made_from.py          Record: weights, settings and video files behind results
read_spots.py         reader of a folder of results, or of files of spots of any system
recording.py          Recording: the videos of one `bvas spot`, and its JSON form
recording_folder.py   folder of a recording: its place, the identity of its files, stale files
sample_predictions.py  probabilities of the samples of kind clip, in one file
store.py              names of result folders and files, their reading and writing
tuned_peaks.py        file of the peak rules that `bvas experiment tune` found
video_result.py       VideoResult: file, curve, spots, gaps, annotations and clock of a video
"""
