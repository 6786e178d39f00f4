"""Cuts: which frames intervals and spots name, joined, titled, and written as one file, as clips or as pictures.

clip_names.py      names of clips, and of the pictures of frames
cut_list.py        VideoCut: frames with their labels; overlapping cuts joined
cut_video.py       `cut`: highlights in one file, or a file for each cut
frame_pictures.py  numbered pictures of a video
interval_cuts.py   cuts of intervals
spot_cuts.py       cuts around spots
titles.py          titles over the first pictures of a cut
"""
