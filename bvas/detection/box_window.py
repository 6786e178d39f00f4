"""Square window of a picture around a box, scaled so that the box always has the same size in it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left edge, upper edge, width and height, in pixels."""

WINDOW = 160
"""Pixels of a side of the window."""
BOX_SIDE = 64
"""Pixels of the longer side of the box in it."""


@dataclass(frozen=True, slots=True)
class BoxWindow:
    """Place of a window in the picture."""

    left: int
    top: int
    side: int
    """Pixels of the picture on each side."""

    @classmethod
    def around(cls, box: Box) -> "BoxWindow":
        """Return the window with a box in its center."""
        x, y, width, height = box
        side = max(round(max(width, height) * WINDOW / BOX_SIDE), 2)
        return cls(round(x + width / 2 - side / 2), round(y + height / 2 - side / 2), side)

    @property
    def scale(self) -> float:
        """Pixels of the window in one of the picture."""
        return WINDOW / self.side

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the window, uint8 [160, 160, 3]; beyond the picture, its edge goes on."""
        rows = np.clip(np.arange(self.top, self.top + self.side), 0, picture.shape[0] - 1)
        columns = np.clip(np.arange(self.left, self.left + self.side), 0, picture.shape[1] - 1)
        part = picture[rows[:, None], columns]
        how = cv2.INTER_AREA if self.side > WINDOW else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (WINDOW, WINDOW), interpolation=how), np.uint8)

    def inside(self, box: Box) -> Box:
        """Return a box of the picture in pixels of the window."""
        x, y, width, height = box
        scale = self.scale
        return (x - self.left) * scale, (y - self.top) * scale, width * scale, height * scale
