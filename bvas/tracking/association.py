"""Association of detections with predicted boxes, one to one, in rounds."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bvas.tracking.motion import Floats, MotionModel, MotionStates, cornered, noise_variances
from bvas.values.boxes import box_overlaps

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

_GATE = 150.0
"""Squared distance in standard deviations, over four coordinates, beyond which a box is another player's."""
_TAIL = 8.0
"""Degrees of freedom of the surprise: detectors err by much more often than a normal distribution says."""
_MISS_COST = 4.0
"""Negative logarithm of a density (in units of the box) above which no pair is better than a pair."""
_LEAST_OVERLAP = 0.2
"""Of the last round, for players who jump, fall or turn: faster than the motion foresees."""


def likely_pairs(states: MotionStates, measured: Floats, model: MotionModel, loose: float = 0.0) -> Pairs:
    """Return the pairs of tracks and detections that are likeliest in all.

    Args:
        states: Predicted, T of them.
        measured: [N, 4] centers and sizes.
        model: The motion.
        loose: Variance added to centers, in squared pixels.
    """
    variances = states.position_variances + noise_variances(states.positions, model)
    variances[:, :2] += loose
    surprise = measured[None] - states.positions[:, None]
    distances = (surprise**2 / variances[:, None]).sum(axis=2)
    units = np.maximum(states.positions[:, [3, 3, 2, 3]], 1.0)
    # The density is lower where a track is uncertain: a sure one takes the box before.
    spread = 0.5 * np.log(variances / units**2).sum(axis=1)
    costs = spread[:, None] + 0.5 * (_TAIL + 4) * np.log1p(distances / _TAIL)
    return _assigned(np.where(distances < _GATE, costs - _MISS_COST, 0.0))


def overlapping_pairs(states: MotionStates, measured: Floats, taken: Pairs) -> Pairs:
    """Return the pairs, and behind them those of what is left that overlap best."""
    tracks, boxes = _others(len(states), taken[0]), _others(len(measured), taken[1])
    if not (len(tracks) and len(boxes)):
        return taken
    overlaps = box_overlaps(cornered(states.positions[tracks]), cornered(measured[boxes]))
    rows, columns = _assigned(np.where(overlaps > _LEAST_OVERLAP, -overlaps, 0.0))
    return np.concatenate([taken[0], tracks[rows]]), np.concatenate([taken[1], boxes[columns]])


def _others(count: int, taken: NDArray[np.int64]) -> NDArray[np.int64]:
    is_free = np.ones(count, bool)
    is_free[taken] = False
    return np.flatnonzero(is_free)


def _assigned(gains: Floats) -> Pairs:
    """Return rows and columns of the pairs of least sum; only pairs below 0."""
    rows, columns = linear_sum_assignment(gains)
    kept = gains[rows, columns] < 0
    return rows[kept].astype(np.int64), columns[kept].astype(np.int64)
