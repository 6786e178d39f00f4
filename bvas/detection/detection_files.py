"""Detections of a video from a file: MOT text, COCO JSON, or a table.

    MOT    frame,-1,x,y,width,height,confidence   frames from 1 (bvas.tracking.mot_files), also `tracks.txt`
    table  frame or seconds, x, y, width, height, confidence: named in the first line; frames from 0; also `players.csv`
    COCO   a list of {image_id, category_id, bbox, score}, or {images, annotations, categories} (coco_detections.py)

A `.json` is COCO; another file is a table where its first line names columns, else MOT.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bvas.detection.coco_detections import read_coco
from bvas.detection.detection_rows import DetectionRow, frame_boxes
from bvas.errors import DataError
from bvas.system.table_files import Table, TableRow, head_names, read_table
from bvas.system.text_files import read_text, text_lines
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.mot_files import read_detections
from bvas.values.arrays import Floats
from bvas.values.plural import count_text
from bvas.video.index.frame_table import VideoIndex

_SIDES = ("x", "y", "width", "height")
_TIMES = ("frame", "seconds")
_CONFIDENCE = "confidence"
# Of players.csv, where the confidence is that of the action.
_ACTION = "label"
_KNOWN = (*_TIMES, *_SIDES, _CONFIDENCE, _ACTION)
_NUMBERS = (*_TIMES, *_SIDES, _CONFIDENCE)


def read_detection_file(path: Path, index: VideoIndex, *, first_image: int | None = None) -> list[FrameBoxes]:
    """Return the boxes of each frame that has any, in order of frames.

    A box without a confidence has 1, and so have those of `players.csv`.

    Args:
        path: The file.
        index: The video.
        first_image: Number of the first frame in COCO's image ids or file names, 0 or 1; None: as they show it.

    Raises:
        DataError: the file is missing or malformed, or has frames that the video has not; the message says where.
    """
    seconds = index.seconds
    if path.suffix.lower() == ".json":
        return read_coco(path, seconds, first_image=first_image)
    lines = (line for line in text_lines(read_text(path)) if line.strip())
    if head_names(next(lines, ""), _SIDES):
        return _read_table(path, seconds)
    return read_detections(path, seconds)


def _read_table(path: Path, seconds: Floats) -> list[FrameBoxes]:
    table = read_table(path, _KNOWN, numbers=_NUMBERS)
    missing = [column for column in _SIDES if column not in table.columns]
    times = [column for column in _TIMES if column in table.columns]
    if missing or not times:
        lacks = " and ".join([*missing, *([] if times else ["frame or seconds"])])
        raise DataError(
            f"{path} has no column {lacks}; name the columns in the first line: frame (from 0) or seconds, "
            f"{', '.join(_SIDES)}, and, where known, {_CONFIDENCE}"
        )
    column = times[0]
    frames = (
        [_frame(table, row) for row in table.rows] if column == "frame" else _frames_of_times(table, seconds)
    )
    return frame_boxes(_rows(table, frames), seconds)


def _rows(table: Table, frames: Iterable[int]) -> Iterable[DetectionRow]:
    has_confidence = _CONFIDENCE in table.columns and _ACTION not in table.columns
    for row, frame in zip(table.rows, frames, strict=True):
        x, y, width, height = (table.number(row, side) for side in _SIDES)
        stated = has_confidence and row.text(_CONFIDENCE)
        score = table.number(row, _CONFIDENCE) if stated else 1.0
        yield DetectionRow(f"{table.path}, line {row.line}", frame, (x, y, width, height), score)


def _frame(table: Table, row: TableRow) -> int:
    value = table.number(row, "frame")
    if not value.is_integer():
        raise DataError(
            f"{table.path}, line {row.line}: frame is {value:g}, and must be a whole number from 0; name a column of "
            "times 'seconds'"
        )
    return int(value)


def _frames_of_times(table: Table, seconds: Floats) -> list[int]:
    """Return the frame nearest to each row's time; times may be rounded.

    Raises:
        DataError: a time lies outside of the video, or two different times are nearest to one frame: they are of a
            video with more frames.
    """
    half = float(np.median(np.diff(seconds))) / 2 if len(seconds) > 1 else 0.5
    frames, time_of = [], dict[int, float]()
    for row in table.rows:
        time = table.number(row, "seconds")
        if not -half <= time <= seconds[-1] + 2 * half:
            raise DataError(
                f"{table.path}, line {row.line}: {time:g} s lies outside of the video, which runs from 0 s to "
                f"{seconds[-1] + 2 * half:.3f} s in {count_text(len(seconds), 'frame')}; give the detections of this "
                "video"
            )
        after = int(np.searchsorted(seconds, time))
        near = [frame for frame in (after - 1, after) if 0 <= frame < len(seconds)]
        frame = min(near, key=lambda one: abs(float(seconds[one]) - time))
        if time_of.setdefault(frame, time) != time:
            raise DataError(
                f"{table.path}, line {row.line}: {time_of[frame]:g} s and {time:g} s are both nearest to frame "
                f"{frame} ({seconds[frame]:.3f} s); the detections are of a video with more frames a second: make them "
                "from this one"
            )
        frames.append(frame)
    return frames
