"""MOT text files: detections, true tracks and results of trackers, as MOTChallenge and SportsMOT keep them.

A line is a box: frame, identity, x, y, width, height, confidence, and further columns, which are not read (class,
visibility, or a place in the world). Commas or spaces separate them; lines that begin with `#` and empty lines are
skipped. Frames in files count from 1, source frames from 0. The corner of a box is taken as it stands, in pixels, as
TrackEval takes it.

The confidence may be missing; -1 stands for a box without one. In a file of true tracks it is a flag: MOTChallenge
ignores a row whose flag is 0 when it scores, and so do we. A track's box on such a row is a false alarm.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.metrics.track_overlaps import TrackRows, repeated_row
from bvas.system.atomic_files import write_text
from bvas.system.text_files import read_text, text_lines
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.tracks import Track
from bvas.values.arrays import Bools, Floats, Ints
from bvas.values.boxes import Boxes
from bvas.values.plural import count_text

NO_IDENTITY = -1
"""Identity of a box that belongs to no track."""
_COLUMNS = ("frame", "identity", "x", "y", "width", "height", "confidence")
_NEEDED = 6
_WHOLE = _COLUMNS[:2]
_NO_CONFIDENCE = -1.0
# Beyond it, float64 has no fractions, and neighbors of whole numbers are lost.
_MOST = 2.0**53
# Letters that no NaN, infinity or digit of another script is made of.
_PLAIN = re.compile(r"[-+0-9.eE,\s]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SHOWN = 40
_EXAMPLE = "1,3,420.5,311,52,140,0.97,-1,-1,-1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotBoxes:
    """The R boxes of a file, in its order."""

    path: Path
    frames: Ints
    """int64 [R], source frames from 0"""
    identities: Ints
    """int64 [R], as in the file; `NO_IDENTITY` for a detection"""
    boxes: Boxes
    """[R, 4]"""
    confidences: Floats
    """float64 [R], as in the file; NaN where it has none, or -1."""
    lines: Ints
    """int64 [R], lines of the file, from 1"""

    def place(self, row: int) -> str:
        """Return where a row stands, for messages."""
        return f"{self.path}, line {self.lines[row]}"


def read_mot(path: Path) -> MotBoxes:
    """Return the boxes of a file.

    Raises:
        DataError: it cannot be read; a line has fewer than six columns or one that is not a number; a frame is below 1;
            or a box has no area. The message names the line.
    """
    lines, rows = [], []
    for number, line in enumerate(text_lines(read_text(path)), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            lines.append(number)
            rows.append(_numbers(text, f"{path}, line {number}"))
    table = np.array(rows, dtype=np.float64).reshape(-1, len(_COLUMNS))
    confidences = table[:, 6]
    return MotBoxes(
        path=path,
        frames=table[:, 0].astype(np.int64) - 1,
        identities=table[:, 1].astype(np.int64),
        boxes=table[:, 2:6].copy(),
        confidences=np.where(confidences == _NO_CONFIDENCE, np.nan, confidences),
        lines=np.array(lines, dtype=np.int64),
    )


def read_truth(path: Path) -> TrackRows:
    """Return the rows of true tracks for scoring; those with confidence 0 are left out.

    Raises:
        DataError: as `read_mot`; or an identity is -1, or has two boxes in a frame.
    """
    held = read_mot(path)
    return _track_rows(held, held.confidences != 0)


def read_track_rows(path: Path) -> TrackRows:
    """Return the rows of a tracker's results for scoring; all count, whatever their confidence.

    Raises:
        DataError: as `read_mot`; or an identity is -1, or has two boxes in a frame.
    """
    held = read_mot(path)
    return _track_rows(held, np.ones(len(held.frames), dtype=bool))


def read_tracks(path: Path, seconds: Floats) -> list[Track]:
    """Return the tracks of a file in order of their numbers; a confidence of -1 is that of a filled box, NaN.

    Args:
        path: The file.
        seconds: Times of the video's F frames [F].

    Raises:
        DataError: as `read_mot`; an identity is below 1 or has two boxes in a frame; a frame lies beyond the video; or
            a confidence is outside of [0, 1].
    """
    held = read_mot(path)
    _check_identities(held, np.arange(len(held.frames)))
    _check_video(held, len(seconds))
    for row in np.flatnonzero(held.identities < 1)[:1].tolist():
        raise DataError(f"{held.place(row)}: identity is {held.identities[row]}; number tracks from 1")
    scores = _scores(held)
    order = np.lexsort((held.frames, held.identities))
    numbers, firsts = np.unique(held.identities[order], return_index=True)
    return [
        Track(
            number=number,
            frames=held.frames[rows],
            seconds=seconds[held.frames[rows]],
            boxes=held.boxes[rows],
            scores=scores[rows],
        )
        for number, rows in zip(numbers.tolist(), np.split(order, firsts[1:]), strict=False)
    ]


def read_detections(path: Path, seconds: Floats) -> list[FrameBoxes]:
    """Return the boxes of each frame that has any, in order of frames; identities are not read.

    A box without a confidence has 1.

    Args:
        path: The file.
        seconds: Times of the video's F frames [F].

    Raises:
        DataError: as `read_mot`; a frame lies beyond the video; or a confidence is outside of [0, 1].
    """
    held = read_mot(path)
    _check_video(held, len(seconds))
    scores = np.nan_to_num(_scores(held), nan=1.0)
    order = np.argsort(held.frames, kind="stable")
    shown, firsts = np.unique(held.frames[order], return_index=True)
    return [
        FrameBoxes(frame=frame, seconds=float(seconds[frame]), boxes=held.boxes[rows], scores=scores[rows])
        for frame, rows in zip(shown.tolist(), np.split(order, firsts[1:]), strict=False)
    ]


def mot_text(tracks: Sequence[Track]) -> str:
    """Return tracks as MOT lines in order of frames, then of numbers; boxes to a thousandth of a pixel."""
    lines = []
    for track in tracks:
        for frame, box, score in zip(track.frames.tolist(), track.boxes.tolist(), track.scores, strict=True):
            sides = ",".join(f"{value:.3f}" for value in box)
            lines.append((frame, track.number, f"{sides},{_confidence_text(score)}"))
    lines.sort(key=lambda line: line[:2])
    return "".join(f"{frame + 1},{number},{rest},-1,-1,-1\n" for frame, number, rest in lines)


def write_mot(path: Path, tracks: Sequence[Track]) -> None:
    """Write tracks to a file, whole or not at all; a filled box has the confidence -1.

    Raises:
        DataError: it cannot be written.
    """
    write_text(path, mot_text(tracks))


def _numbers(text: str, where: str) -> list[float]:
    """Return the seven numbers of a line; NaN for a confidence that is missing."""
    cells = text.split(",") if "," in text else text.split()
    if len(cells) < _NEEDED:
        raise DataError(
            f"{where} has {count_text(len(cells), 'column')}, and six are needed at least: frame, identity, x, y, "
            f"width, height; write it like {_EXAMPLE}"
        )
    values = _plain_numbers(text, cells)
    if values is None:
        values = [_number(cell.strip(), name, where) for cell, name in zip(cells, _COLUMNS, strict=False)]
    if len(values) < len(_COLUMNS):
        values.append(math.nan)
    frame, _, _, _, width, height, _ = values
    if frame < 1:
        raise DataError(
            f"{where}: frame is {frame:g}, and frames of MOT files count from 1; add {1 - frame:g} to all frames"
        )
    if width <= 0 or height <= 0:
        raise DataError(
            f"{where}: width and height are {width:g} and {height:g}, and must be above 0; correct or delete the line"
        )
    return values


def _plain_numbers(text: str, cells: list[str]) -> list[float] | None:
    """Return the numbers of a line of plain ones, which is most of them; None where `_number` must look at each."""
    if not _PLAIN.fullmatch(text):
        return None
    try:
        values = [float(cell) for cell in cells[: len(_COLUMNS)]]
    except ValueError:
        return None
    return (
        values
        if values[0].is_integer() and values[1].is_integer() and max(map(abs, values)) <= _MOST
        else None
    )


def _number(cell: str, column: str, where: str) -> float:
    if not cell and column == _COLUMNS[-1]:
        return math.nan
    if _NUMBER.fullmatch(cell):
        value = float(cell)
        if abs(value) <= _MOST and (value.is_integer() or column not in _WHOLE):
            return value
    rule = "a whole number" if column in _WHOLE else "a finite number"
    raise DataError(
        f"{where}: {column} is {cell[:_SHOWN]!r}, and must be {rule}; write lines like {_EXAMPLE}, and begin others "
        "with #"
    )


def _track_rows(held: MotBoxes, is_scored: Bools) -> TrackRows:
    kept = np.flatnonzero(is_scored)
    _check_identities(held, kept)
    return TrackRows(frames=held.frames[kept], identities=held.identities[kept], boxes=held.boxes[kept])


def _check_identities(held: MotBoxes, rows: Ints) -> None:
    """Raise where one of these rows has no identity, or that of another row of its frame."""
    for row in rows[held.identities[rows] == NO_IDENTITY][:1].tolist():
        raise DataError(
            f"{held.place(row)}: identity is {NO_IDENTITY}, which is that of a detection; give a file of tracks, or "
            "delete such lines"
        )
    repeated = repeated_row(held.frames[rows], held.identities[rows])
    if repeated is not None:
        row = rows[repeated]
        raise DataError(
            f"{held.place(row)}: identity {held.identities[row]} has a box in frame {held.frames[row] + 1} already; "
            "delete one, or give it another identity"
        )


def _check_video(held: MotBoxes, num_frames: int) -> None:
    for row in np.flatnonzero(held.frames >= num_frames)[:1].tolist():
        raise DataError(
            f"{held.place(row)}: frame is {held.frames[row] + 1}, and the video has {count_text(num_frames, 'frame')}; "
            "give the file that was made from this video"
        )


def _scores(held: MotBoxes) -> NDArray[np.float32]:
    """Return confidences as float32 [R]; NaN for a missing one."""
    wrong = np.flatnonzero((held.confidences < 0) | (held.confidences > 1))
    for row in wrong[:1].tolist():
        raise DataError(
            f"{held.place(row)}: confidence is {held.confidences[row]:g}, and must lie in [0, 1], or be -1 for none; "
            "scale them all"
        )
    return held.confidences.astype(np.float32)


def _confidence_text(score: np.float32) -> str:
    """Return the shortest text that is read as the same float32; -1 for NaN."""
    return "-1" if np.isnan(score) else np.format_float_positional(score, trim="-")
