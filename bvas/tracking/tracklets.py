"""Tracklets: pieces of tracks that the search frame by frame is sure of, before they are linked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.tracking.motion import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracklet:
    """Detections of one player, L of them."""

    rows: NDArray[np.int64]
    """[L] places in the sequence of frames, ascending."""
    seconds: Floats
    """[L]"""
    measured: Floats
    """[L, 4] center x, center y, width, height in pixels."""
    scores: NDArray[np.float32]
    """[L]"""

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int | None = None) -> "Tracklet":
        """Return the detections of a range."""
        span = slice(start, stop)
        return Tracklet(
            rows=self.rows[span],
            seconds=self.seconds[span],
            measured=self.measured[span],
            scores=self.scores[span],
        )

    def without_camera(self, offsets: Floats) -> Floats:
        """Return centers and sizes [L, 4] less the camera's offsets, given for all frames [F, 2]."""
        result = self.measured.copy()
        result[:, :2] -= offsets[self.rows]
        return result


def chained(parts: Sequence[Tracklet]) -> Tracklet:
    """Return one tracklet of several that follow each other."""
    return Tracklet(
        rows=np.concatenate([part.rows for part in parts]),
        seconds=np.concatenate([part.seconds for part in parts]),
        measured=np.concatenate([part.measured for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
    )
