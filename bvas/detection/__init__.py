"""Detection: boxes of players in single frames, by a network or from a file.

detector_protocol.py  Detector: what finds boxes in frames
"""
