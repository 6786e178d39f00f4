"""Rows of tracks as arrays, and the overlaps of true and tracked boxes in each frame.

All scores of tracks are made from these overlaps.
"""

from dataclasses import dataclass

import numpy as np

from bvas.errors import ConfigError
from bvas.values.arrays import Floats, Ints
from bvas.values.boxes import Boxes, box_overlaps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackRows:
    """Boxes of some identities over time: R rows in any order."""

    frames: Ints
    """int64 [R], source frames"""
    identities: Ints
    """int64 [R], any integers; an identity has at most one box in a frame."""
    boxes: Boxes
    """float64 [R, 4], x, y, width, height in pixels"""

    def __post_init__(self) -> None:
        shapes = [list(array.shape) for array in (self.frames, self.identities, self.boxes)]
        num_rows = len(self.frames)
        if shapes != [[num_rows], [num_rows], [num_rows, 4]]:
            raise ConfigError(
                f"frames, identities and boxes must be [R], [R] and [R, 4], got {shapes}; give a row for each box"
            )
        for name, array in (("frames", self.frames), ("identities", self.identities)):
            if not np.issubdtype(array.dtype, np.integer):
                raise ConfigError(f"{name} must be integers, got {array.dtype}; round them first")
        wrong = np.flatnonzero(~np.isfinite(self.boxes).all(axis=1))
        if len(wrong):
            row = wrong[0]
            raise ConfigError(
                f"identity {self.identities[row]} has the box {self.boxes[row].tolist()} in frame {self.frames[row]}; "
                "its numbers must be finite; leave the row out"
            )
        repeated = repeated_row(self.frames, self.identities)
        if repeated is not None:
            raise ConfigError(
                f"identity {self.identities[repeated]} has several boxes in frame {self.frames[repeated]}, and may "
                "have one; give each player another identity, or delete the others"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameOverlaps:
    """True and tracked boxes of one frame."""

    truth: Ints
    """[G], place of each true box's identity among those of the sequence"""
    tracks: Ints
    """[T], place of each tracked box's identity among those of the sequence"""
    overlaps: Floats
    """[G, T], intersection over union in [0, 1]"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SequenceOverlaps:
    """A sequence of frames with true and tracked boxes."""

    frames: tuple[FrameOverlaps, ...]
    """Frames with a box of either kind, in order."""
    truth_lengths: Ints
    """[I], boxes of each true identity"""
    track_lengths: Ints
    """[J], boxes of each tracked identity"""


def repeated_row(frames: Ints, identities: Ints) -> int | None:
    """Return the first row whose frame [R] and identity [R] are those of an earlier row; None where none is."""
    order = np.lexsort((identities, frames))
    same = (np.diff(frames[order]) == 0) & (np.diff(identities[order]) == 0)
    # The sort is stable: of equal rows the later one stands behind.
    later = order[1:][same]
    return int(later.min()) if len(later) else None


def sequence_overlaps(truth: TrackRows, tracks: TrackRows) -> SequenceOverlaps:
    """Return the overlaps of true and tracked boxes in all frames of a sequence."""
    truth_ids, truth_lengths = _places(truth.identities)
    track_ids, track_lengths = _places(tracks.identities)
    shown = np.union1d(truth.frames, tracks.frames)
    truth_parts, track_parts = _by_frame(truth.frames, shown), _by_frame(tracks.frames, shown)
    return SequenceOverlaps(
        frames=tuple(
            FrameOverlaps(
                truth=truth_ids[rows],
                tracks=track_ids[others],
                overlaps=box_overlaps(truth.boxes[rows], tracks.boxes[others]),
            )
            for rows, others in zip(truth_parts, track_parts, strict=True)
        ),
        truth_lengths=truth_lengths,
        track_lengths=track_lengths,
    )


def _places(identities: Ints) -> tuple[Ints, Ints]:
    """Return the place of each row's identity among all [R], and the rows of each identity."""
    _, places, lengths = np.unique(identities, return_inverse=True, return_counts=True)
    return places.astype(np.int64), lengths.astype(np.int64)


def _by_frame(frames: Ints, shown: Ints) -> list[Ints]:
    """Return the rows of each shown frame, in the order given."""
    order = np.argsort(frames, kind="stable")
    return np.split(order, np.searchsorted(frames[order], shown[1:]))
