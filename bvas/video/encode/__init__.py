"""Encoding: video files written frame by frame, copies, previews, sound.

browser_preview.py  small copies that browsers play frame by frame
copied_frames.py    frames as pictures of a copy, and its times
encoder.py          Coding, EncodedFile: all of a file or nothing
prepared_copy.py    copies for fast random access
sound.py            sound of a video, copied or encoded again
video_writer.py     VideoWriter for gray and RGB frames
"""
