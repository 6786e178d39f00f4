"""Spots in the formats of other programs: each module makes the text of one file.

edit_list.py       edit lists: CMX 3600 and OpenTimelineIO
exported_spots.py  text of a spot
exporting.py       export of spots: what is written, in which format
fiftyone.py        labels of FiftyOne's temporal detections
frame_ranges.py    spots and intervals as ranges of frames
label_studio.py    tasks of Label Studio, and their labeling config
optional.py        packages that only exports need
osl.py             OSL JSON of OpenSportsLib
sportscode.py      Sportscode XML
subtitles.py       subtitles: SubRip and WebVTT
tables.py          csv and JSON lines
timecode.py        edit rates and timecodes
"""
