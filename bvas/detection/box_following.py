"""One drawn box followed from picture to picture, until it is lost.

    window around the last box -> flow of its points: shift and growth (box_motion.py)
                               -> OpenCV's tracker in the moved window: correction of the shift
                               -> colors (box_colors.py): is it still the player?

OpenCV's TrackerMIL (Babenko et al., CVPR 2009) does not adapt its size, sees no color, and never says that it lost what
it follows. So it is given windows in which the box has a fixed size, as gray pictures mixed with the probability of
each pixel's color. Where the contrib package is installed, CSRT takes its place.
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.detection.box_colors import BoxColors
from bvas.detection.box_motion import box_motion
from bvas.detection.box_window import Box, BoxWindow
from bvas.errors import ConfigError
from bvas.system.c_random import seed_c_random

# The stubs of OpenCV lack the trackers.
_OPENCV: Any = cv2
FollowerKind = Literal["auto", "csrt", "mil"]

_SEARCH = 10.0
"""Pixels of the window that MIL searches around the box that the flow has moved."""
_COLOR_SHARE = 0.3
"""Of the probabilities in the picture that the tracker sees; the rest is luma."""
_LEARNING_RATE = 0.03
"""Of the colors, a frame."""
_LEAST_LIKENESS = 0.6
_LEAST_LEAD = 0.02
"""The box is lost where its colors are not so much more like its own than like those around it."""
_LEAD_RATE = 0.1
"""Of the mean lead of the drawn colors, a frame. Below 0, what is around has longer looked more like the player."""
_LEAST_INSIDE = 0.5
"""Share of the box that lies in the picture; below, the player has left it."""
_LARGEST_SHIFT = 0.6
"""Of the longer side in one frame; more is a jump to something else."""


class BoxFollower:
    """Follows one box; the same pictures give the same boxes (on Windows, MIL's may differ a little).

    Args:
        frame: uint8 [H, W, 3] of RGB, in which the box was drawn.
        box: Left edge, upper edge, width and height, in pixels.
        kind: OpenCV's tracker: `mil`, `csrt` of the contrib package, or `auto`, CSRT where it is installed.

    Raises:
        ConfigError: less than half of the box lies in the picture, or CSRT is not installed.
    """

    def __init__(self, frame: NDArray[np.uint8], box: Box, kind: FollowerKind = "auto") -> None:
        if not (box[2] > 0 and box[3] > 0 and _share_inside(box, frame.shape) >= _LEAST_INSIDE):
            shown = ", ".join(f"{side:g}" for side in box)
            raise ConfigError(
                f"the box {shown} (x, y, width, height) lies by less than half in the picture of "
                f"{frame.shape[1]}x{frame.shape[0]}; draw it around the player"
            )
        self.kind = _chosen_kind(kind)
        """`csrt` or `mil`"""
        self._box: Box | None = box
        self._frame = frame
        self._count = 0
        window = BoxWindow.around(box)
        pixels, inner = window.cut(frame), window.inside(box)
        self._colors = BoxColors(pixels, inner)
        self._drawn_colors = BoxColors(pixels, inner)
        self._lead = self._drawn_colors.lead(pixels, inner)
        self._tracker = _new_tracker(self.kind)
        left, top, width, height = (round(side) for side in inner)
        self._seed()
        self._tracker.init(self._seen(pixels), (left, top, max(width, 1), max(height, 1)))

    def update(self, frame: NDArray[np.uint8]) -> Box | None:
        """Return the box in the next picture; None from the picture on in which it is lost."""
        if self._box is None:
            return None
        moved = self._moved(self._box, frame)
        found = self._corrected(moved, frame)
        self._box = found if self._is_found(self._box, found, frame) else None
        self._frame = frame
        return self._box

    def drawn_likeness(self, frame: NDArray[np.uint8]) -> float:
        """Return how alike the colors in the box are to those it was drawn with, in [0, 1]; 0 once it is lost.

        Args:
            frame: The picture that was given last.
        """
        if self._box is None:
            return 0.0
        window = BoxWindow.around(self._box)
        return self._drawn_colors.likeness(window.cut(frame), window.inside(self._box))[0]

    def _moved(self, box: Box, frame: NDArray[np.uint8]) -> Box:
        """Return the box as the flow of its points moves it."""
        window = BoxWindow.around(box)
        before, after = window.cut(self._frame), window.cut(frame)
        across, down, growth = box_motion(
            before, after, window.inside(box), self._colors.probabilities(before)
        )
        x, y, width, height = box
        middle_x, middle_y = x + width / 2 + across / window.scale, y + height / 2 + down / window.scale
        width, height = width * growth, height * growth
        return middle_x - width / 2, middle_y - height / 2, width, height

    def _corrected(self, box: Box, frame: NDArray[np.uint8]) -> Box:
        """Return the box with its center where the tracker finds it."""
        window = BoxWindow.around(box)
        self._seed()
        is_found, (left, top, across, down) = self._tracker.update(self._seen(window.cut(frame)))
        if not is_found:
            return box
        _, _, width, height = box
        middle_x = window.left + (left + across / 2) / window.scale
        middle_y = window.top + (top + down / 2) / window.scale
        return middle_x - width / 2, middle_y - height / 2, width, height

    def _is_found(self, before: Box, box: Box, frame: NDArray[np.uint8]) -> bool:
        """Return whether a box shows the player; if so, learn its colors."""
        shift = max(abs(box[axis] - before[axis]) for axis in (0, 1))
        if shift > _LARGEST_SHIFT * max(before[2:]) or _share_inside(box, frame.shape) < _LEAST_INSIDE:
            return False
        window = BoxWindow.around(box)
        pixels, inner = window.cut(frame), window.inside(box)
        own, around = self._colors.likeness(pixels, inner)
        if own < _LEAST_LIKENESS or own - around < _LEAST_LEAD:
            return False
        # Learned colors follow a box that drifts onto the ground; the drawn ones do not.
        self._lead += _LEAD_RATE * (self._drawn_colors.lead(pixels, inner) - self._lead)
        if self._lead < 0:
            return False
        self._colors.learn(pixels, inner, _LEARNING_RATE)
        return True

    def _seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a window as the tracker sees it, uint8 [160, 160, 3]."""
        if self.kind == "csrt":
            return np.ascontiguousarray(pixels[..., ::-1])
        luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        mixed = _COLOR_SHARE * 255 * self._colors.probabilities(pixels) + (1 - _COLOR_SHARE) * luma
        return np.repeat(mixed.astype(np.uint8)[..., None], 3, axis=2)

    def _seed(self) -> None:
        # MIL draws its features and samples from the C library's one generator, which other followers use too.
        seed_c_random(self._count)
        self._count += 1


def _chosen_kind(kind: FollowerKind) -> Literal["csrt", "mil"]:
    has_csrt = hasattr(_OPENCV, "TrackerCSRT")
    if kind == "auto":
        return "csrt" if has_csrt else "mil"
    if kind == "csrt" and not has_csrt:
        raise ConfigError(
            "this OpenCV has no CSRT; install opencv-contrib-python-headless in place of opencv-python-headless, or "
            "take kind 'mil'"
        )
    if kind not in ("csrt", "mil"):
        raise ConfigError(f"unknown follower {kind!r}; known are auto, csrt and mil")
    return kind


def _new_tracker(kind: Literal["csrt", "mil"]) -> Any:
    if kind == "csrt":
        return _OPENCV.TrackerCSRT.create()
    params = _OPENCV.TrackerMIL_Params()
    params.samplerSearchWinSize = _SEARCH
    return _OPENCV.TrackerMIL.create(params)


def _share_inside(box: Box, shape: tuple[int, ...]) -> float:
    """Return the share of a box that lies in a picture of shape (H, W, 3)."""
    x, y, width, height = box
    across = min(x + width, shape[1]) - max(x, 0)
    down = min(y + height, shape[0]) - max(y, 0)
    return max(across, 0) * max(down, 0) / (width * height)
