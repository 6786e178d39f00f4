"""Frames in, score curves out: streaming over a video, whole clips as its reference, means of curves."""
