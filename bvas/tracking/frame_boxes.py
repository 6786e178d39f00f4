"""Boxes found in one frame of a video."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.values.boxes import Boxes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameBoxes:
    """Boxes of N players in one frame, in any order."""

    frame: int
    """Source frame, from 0."""
    seconds: float
    """Its time, from the first shown frame."""
    boxes: Boxes
    """float64 [N, 4]"""
    scores: NDArray[np.float32]
    """Confidence of each, float32 [N] in [0, 1]."""
    appearance: NDArray[np.float32] | None = None
    """Descriptor of each, float32 [N, D]; None: boxes alone are known."""
