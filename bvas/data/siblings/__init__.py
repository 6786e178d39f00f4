"""Search for samples on different sides of a split that are one.

candidates.py       pairs that may be copies, by a hash of their keypoints
confirmation.py     confirmation of a pair: one map that fits keypoints, movements and pictures of all moments
motion_features.py  keypoints of what moves in a video
samples.py          samples that are compared, with their sides
search.py           the search: same content, near copies, the result kept in the cache folder
"""
