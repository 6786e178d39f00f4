"""Encoding: video files written frame by frame, copies, previews, sound.

browser_preview.py    small copies that browsers play frame by frame
copied_frames.py      frames as pictures of a copy, and its times
copied_stretches.py   stretches of videos joined without encoding their pictures again
copy_estimate.py      estimate of the size of a copy
encoder.py            Coding, EncodedFile: all of a file or nothing
joined_sound.py       sound of stretches on the time line of the file that joins them
joined_stretches.py   stretches of videos joined by one encode
prepared_copy.py      copies for fast random access
sound.py              sound of a video, copied or encoded again
stretches.py          stretches of videos, and the time line of their file
video_writer.py       VideoWriter for gray and RGB frames
"""
