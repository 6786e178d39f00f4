"""Motion and growth of a box from one picture to the next, by the flow of points on it.

Points are followed by Lucas and Kanade's method there and back. Of those that return best, the median shift, and the
median ratio of their distances, are those of the box (Kalal et al., "Forward-Backward Error", ICPR 2010).
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.detection.box_window import BOX_SIDE, Box

_ROWS, _COLUMNS = 20, 12
"""Points on the box."""
_FEWEST = 8
_LEAST_PROBABILITY = 0.5
_SURE_RETURN = 0.3
"""Pixels: a point that returns so near is kept in any case."""
_SHORTEST = 0.15 * BOX_SIDE
"""Distances below it say nothing about growth."""
_MOST_GROWTH = 0.05
_FLOW_WINDOW, _FLOW_LEVELS = (11, 11), 2


class BoxMotion(NamedTuple):
    """Change of a box, in pixels of the window."""

    across: float
    down: float
    growth: float
    """Factor of its sides."""


_STILL = BoxMotion(0.0, 0.0, 1.0)


def box_motion(
    before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box, probabilities: NDArray[np.float32]
) -> BoxMotion:
    """Return how a box moves and grows; as if it stood still where too few points can be followed.

    Args:
        before: Window, uint8 [160, 160, 3] of RGB.
        after: The same window of the next picture.
        box: The box in `before`.
        probabilities: That a pixel of `before` belongs to the player: other points are left out.
    """
    points = _points(box, probabilities)
    if len(points) < _FEWEST:
        return _STILL
    first, second = (cv2.cvtColor(window, cv2.COLOR_RGB2GRAY) for window in (before, after))
    there, is_there = _flow(first, second, points)
    back, is_back = _flow(second, first, there)
    missed = np.linalg.norm(back - points, axis=1)
    kept = is_there & is_back & (missed <= max(float(np.median(missed)), _SURE_RETURN))
    if kept.sum() < _FEWEST:
        return _STILL
    origins, ends = points[kept], there[kept]
    across, down = np.median(ends - origins, axis=0).tolist()
    return BoxMotion(across, down, _growth(origins, ends))


def _flow(
    first: Any, second: Any, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return where points [N, 2] of the first picture lie in the second, and whether they were found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points[:, None], None, winSize=_FLOW_WINDOW, maxLevel=_FLOW_LEVELS
    )
    return np.asarray(there[:, 0], np.float32), np.asarray(found[:, 0] > 0)


def _points(box: Box, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y, width, height = box
    rows, columns = np.meshgrid(
        np.linspace(y + 2, y + height - 3, _ROWS), np.linspace(x + 2, x + width - 3, _COLUMNS), indexing="ij"
    )
    most = np.array(probabilities.shape) - 1
    places = np.clip(np.stack([rows.ravel(), columns.ravel()]), 0, most[:, None]).astype(np.int64)
    kept = probabilities[places[0], places[1]] > _LEAST_PROBABILITY
    points: NDArray[np.float32] = np.stack([columns.ravel(), rows.ravel()], axis=1)[kept].astype(np.float32)
    return points


def _growth(origins: NDArray[np.float32], ends: NDArray[np.float32]) -> float:
    first, second = np.triu_indices(len(origins), 1)
    lengths = np.linalg.norm(origins[first] - origins[second], axis=1)
    is_long = lengths > _SHORTEST
    if not is_long.any():
        return 1.0
    ratios = np.linalg.norm(ends[first] - ends[second], axis=1)[is_long] / lengths[is_long]
    return float(np.clip(np.median(ratios), 1 - _MOST_GROWTH, 1 + _MOST_GROWTH))
