"""Annotated video of players: a box with name and action for each, in the color of the track.

Boxes and labels of a frame are those of its rows in `players.csv`. Frames keep their times, and the sound goes along.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.players.players_result import PlayerRow, PlayersResult
from bvas.report.annotated_video import AnnotatedVideo, CanvasConfig, Overlay
from bvas.report.player_drawing import PlayerDrawing
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions


def write_players_overlay(
    path: Path,
    result: PlayersResult,
    *,
    from_seconds: float = 0.0,
    to_seconds: float | None = None,
    config: CanvasConfig | None = None,
    reading: ReadOptions = DEFAULT_READING,
    progress: Callable[[int, int], None] | None = None,
) -> Overlay:
    """Write an annotated video, frame by frame.

    Args:
        path: `.mp4`; written beside and renamed, so nothing is left after an error.
        result: The players of the video that it names.
        from_seconds: Where to begin, in the source's time; the frame on screen then is the first, at time zero.
        to_seconds: Where to end; None: with the source.
        config: Size of the picture.
        reading: How the video was read when the players were found.
        progress: Called with the frames done and all there are.

    Raises:
        ConfigError: a range that holds no frame.
        DecodeError: the source is not a video, or no frame of the range can be decoded.
        DataError: the video has other frames than the players; the file cannot be written, or its times came out
            otherwise.
    """
    copy = AnnotatedVideo(result.path, config or CanvasConfig(), reading)
    _check_is_of(result, copy)
    drawing = PlayerDrawing((copy.height, copy.width), result.size)
    rows = _RowsOfFrames(result.rows())

    def paint(picture: NDArray[np.uint8], number: int, _now: float) -> NDArray[np.uint8]:
        drawing.draw(picture, rows.at(number))
        return picture

    return copy.write(path, paint, from_seconds=from_seconds, to_seconds=to_seconds, progress=progress)


def _check_is_of(result: PlayersResult, copy: AnnotatedVideo) -> None:
    known = result.num_frames, result.size
    if known == (copy.info.num_frames, (copy.info.height, copy.info.width)):
        return
    (rows, columns), info = result.size, copy.info
    raise DataError(
        f"{result.path} has {info.num_frames} frames of {info.width}x{info.height}, and the players were found in "
        f"{result.num_frames} frames of {columns}x{rows}; find them again in this video"
    )


class _RowsOfFrames:
    """Rows of one frame after the other, of frames that rise; few are in memory at a time."""

    def __init__(self, rows: Iterable[PlayerRow]) -> None:
        self._groups = groupby(rows, key=lambda row: row.frame)
        self._frame: int | None = -1
        self._rows: list[PlayerRow] = []

    def at(self, frame: int) -> list[PlayerRow]:
        """Return the rows of a frame; empty where it has none."""
        while self._frame is not None and self._frame < frame:
            self._frame, group = next(self._groups, (None, ()))
            self._rows = list(group)
        return self._rows if self._frame == frame else []
