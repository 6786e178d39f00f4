"""Rows of a file of detections, checked and gathered by frame."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from bvas.errors import DataError
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.values.arrays import Floats
from bvas.values.plural import count_text


class DetectionRow(NamedTuple):
    """One box of a file."""

    place: str
    """File and line, or entry, for messages."""
    frame: int
    """Source frame, from 0."""
    box: tuple[float, float, float, float]
    score: float


def frame_boxes(rows: Iterable[DetectionRow], seconds: Floats) -> list[FrameBoxes]:
    """Return the boxes of each frame that has any, in order of frames.

    Args:
        rows: Boxes in any order.
        seconds: Times of the video's F frames [F].

    Raises:
        DataError: a frame lies outside of the video, a box has no area, or a score is outside of [0, 1]; the message
            names the place.
    """
    found: dict[int, list[DetectionRow]] = {}
    for row in rows:
        _check(row, len(seconds))
        found.setdefault(row.frame, []).append(row)
    return [
        FrameBoxes(
            frame=frame,
            seconds=float(seconds[frame]),
            boxes=np.array([row.box for row in found[frame]], np.float64),
            scores=np.array([row.score for row in found[frame]], np.float32),
        )
        for frame in sorted(found)
    ]


def _check(row: DetectionRow, num_frames: int) -> None:
    if not 0 <= row.frame < num_frames:
        raise DataError(
            f"{row.place}: frame {row.frame} (from 0) lies outside of the video, which has "
            f"{count_text(num_frames, 'frame')}; the file may be of another video, or of one with another rate: give "
            "the detections of this video"
        )
    if not (row.box[2] > 0 and row.box[3] > 0 and all(map(math.isfinite, row.box))):
        raise DataError(
            f"{row.place}: the box is {', '.join(f'{side:g}' for side in row.box)} (x, y, width, height); width and "
            "height must be above 0: correct or delete it"
        )
    if not 0 <= row.score <= 1:
        raise DataError(f"{row.place}: confidence is {row.score:g}, and must lie in [0, 1]; scale them all")
