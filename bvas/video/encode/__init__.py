"""Encoding: video files written frame by frame, copies, browser previews, sound."""
