"""Boxes (x, y, width, height) as rows of arrays."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""[N, 4] left edge, upper edge, width, height, in pixels of the upright picture; they may reach beyond it."""


def box_overlaps(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union [N, M] of boxes [N, 4] and [M, 4]; 0 where both are without area."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, :2] + first[:, None, 2:], second[None, :, :2] + second[None, :, 2:])
    shared = np.clip(high - low, 0.0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:], 0.0, None).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    overlaps: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlaps
