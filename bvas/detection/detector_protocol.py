"""Interface of what finds players in frames."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.values.boxes import Boxes

Found = tuple[Boxes, NDArray[np.float32]]
"""Boxes [N, 4] of one frame and their confidence [N], the highest first."""


class Detector(Protocol):
    """Finds the players in frames. Results do not depend on how frames are batched."""

    name: str
    """Its name or the stem of its file, as results state it."""

    def detect(self, frames: NDArray[np.uint8]) -> Sequence[Found]:
        """Return the boxes of each frame, in pixels of the frames.

        Args:
            frames: uint8 [B, H, W, 3] of full-range RGB, upright.
        """
        ...
