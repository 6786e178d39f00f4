"""Tracks: the boxes of one player over time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.values.boxes import Boxes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """Boxes of one player in L source frames; frames in which he is unseen have none."""

    number: int
    """Identity, from 1, in order of the first frame."""
    frames: NDArray[np.int64]
    """Source frames [L], ascending, from 0; a step of more than 1 is a gap."""
    seconds: NDArray[np.float64]
    """Their times [L]."""
    boxes: Boxes
    """[L, 4]"""
    scores: NDArray[np.float32]
    """Confidence of the detection [L]; NaN where the box was filled in between two detections."""

    def __post_init__(self) -> None:
        length = len(self.frames)
        assert self.boxes.shape == (length, 4)
        assert len(self.seconds) == len(self.scores) == length > 0
        assert self.number >= 1
        assert bool((np.diff(self.frames) > 0).all())

    def boxes_at(self, seconds: NDArray[np.float64]) -> Boxes:
        """Return boxes [T, 4] at times [T], interpolated linearly; outside of the track its first and last."""
        columns = [np.interp(seconds, self.seconds, column) for column in self.boxes.T]
        return np.stack(columns, axis=1)
