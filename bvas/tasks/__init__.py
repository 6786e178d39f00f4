"""Task kinds: how clips are drawn, scored and learned, and what a score curve becomes.

peaks.py  smoothing and peak finding in score curves
"""
