"""Fitting of pictures into the input of a detector, and of its boxes back into the picture."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.boxes import Boxes

PictureFit = Literal["stretch", "pad-corner", "pad-center"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFit:
    """Place of a picture in the input of a detector."""

    source: tuple[int, int]
    """(h, w) of the picture."""
    size: tuple[int, int]
    """(H, W) of the input."""
    content: tuple[int, int]
    """(h, w) of the picture inside the input."""
    top: int
    left: int

    def apply(self, picture: NDArray[np.uint8], padding: float) -> NDArray[np.uint8]:
        """Return a picture, uint8 [h, w, 3], as the input, uint8 [H, W, 3]: bilinear, rounded to whole values.

        Detectors are trained on pictures that OpenCV's bilinear resize made, so nothing smooths before it.
        """
        height, width = self.content
        resized = picture
        if self.content != self.source:
            resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        if self.content == self.size:
            return np.asarray(resized, np.uint8)
        out = np.full((*self.size, 3), round(padding), np.uint8)
        out[self.top : self.top + height, self.left : self.left + width] = resized
        return out

    def boxes_in_picture(self, boxes: Boxes) -> Boxes:
        """Return boxes [N, 4] in pixels of the input as boxes in pixels of the picture; they may reach beyond it."""
        scale = np.tile(np.array(self.source[::-1]) / np.array(self.content[::-1]), 2)
        placed: Boxes = (boxes - [self.left, self.top, 0, 0]) * scale
        return placed


def plan_input(source: tuple[int, int], size: tuple[int, int], fit: str) -> InputFit:
    """Return the place of a picture of `source` (h, w) in an input of `size` (H, W), by a `PictureFit`."""
    if fit == "stretch":
        return InputFit(source=source, size=size, content=size, top=0, left=0)
    ratio = min(side / length for side, length in zip(size, source, strict=True))
    content = max(round(source[0] * ratio), 1), max(round(source[1] * ratio), 1)
    top, left = (0, 0) if fit == "pad-corner" else ((size[0] - content[0]) // 2, (size[1] - content[1]) // 2)
    return InputFit(source=source, size=size, content=content, top=top, left=left)
