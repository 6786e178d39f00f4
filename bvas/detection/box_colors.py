"""Colors of a followed box and of what is around it, as two histograms.

A pixel's probability to belong to the box is its color's share in the one histogram over the sum of both, as in
Possegger et al., "In Defense of Color-based Model-free Tracking", CVPR 2015.
"""

import numpy as np
from numpy.typing import NDArray

from bvas.detection.box_window import WINDOW, Box
from bvas.values.arrays import Floats

_BINS = 12
"""Of each channel."""
_PRIOR = 1e-5
"""Share of a color that was never seen, in both histograms."""
# Ellipse in the box where the body is, and the surroundings: shares of the box's sides, from its center.
_BODY = (0.42, 0.48)
_AROUND = (1.5, 0.9)
_BACKGROUND_RATE = 0.2


class BoxColors:
    """Colors inside and around a box.

    Args:
        window: uint8 [160, 160, 3] of RGB.
        box: The box in it.
    """

    def __init__(self, window: NDArray[np.uint8], box: Box) -> None:
        self._inside, self._around = _histograms(window, box)

    def learn(self, window: NDArray[np.uint8], box: Box, rate: float) -> None:
        """Move towards what is there now, the box's colors by a share of `rate`."""
        inside, around = _histograms(window, box)
        self._inside += rate * (inside - self._inside)
        self._around += _BACKGROUND_RATE * (around - self._around)

    def probabilities(self, window: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of each pixel to belong to the box, float32 [160, 160]."""
        shares = (self._inside + _PRIOR) / (self._inside + self._around + 2 * _PRIOR)
        return shares.astype(np.float32)[_colors(window)]

    def likeness(self, window: NDArray[np.uint8], box: Box) -> tuple[float, float]:
        """Return the Bhattacharyya coefficients in [0, 1] of a box's colors with those of the box, and of around it."""
        now, _ = _histograms(window, box)
        return float(np.sqrt(now * self._inside).sum()), float(np.sqrt(now * self._around).sum())

    def lead(self, window: NDArray[np.uint8], box: Box) -> float:
        """Return how much more alike the box's colors are to those of a box than the colors around that box are."""
        inside, around = _histograms(window, box)
        return float(np.sqrt(inside * self._inside).sum() - np.sqrt(around * self._inside).sum())


def _colors(window: NDArray[np.uint8]) -> NDArray[np.int64]:
    parts = (window.astype(np.int64) * _BINS) >> 8
    red, green, blue = parts[..., 0], parts[..., 1], parts[..., 2]
    colors: NDArray[np.int64] = (red * _BINS + green) * _BINS + blue
    return colors


def _histograms(window: NDArray[np.uint8], box: Box) -> tuple[Floats, Floats]:
    """Return the colors of the body, weighted by nearness to its middle, and of the surroundings; each sums to 1."""
    x, y, width, height = box
    rows, columns = np.arange(WINDOW)[:, None], np.arange(WINDOW)[None]
    across, down = (columns - x - width / 2) / width, (rows - y - height / 2) / height
    body = np.clip(1 - (across / _BODY[0]) ** 2 - (down / _BODY[1]) ** 2, 0, None)
    is_outside = (np.abs(across) > 0.5) | (np.abs(down) > 0.5)
    around = is_outside & (np.abs(across) < _AROUND[0]) & (np.abs(down) < _AROUND[1])
    colors = _colors(window).ravel()
    return _shares(colors, body), _shares(colors, around)


def _shares(colors: NDArray[np.int64], weights: NDArray[np.generic]) -> Floats:
    counts = np.bincount(colors, weights.ravel().astype(np.float64), _BINS**3)
    shares: Floats = counts / max(float(counts.sum()), 1e-9)
    return shares
