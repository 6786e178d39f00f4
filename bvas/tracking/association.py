"""Association of detections with predicted boxes: the likeliest pairs, one to one."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bvas.tracking.motion import Floats, MotionModel, MotionStates, noise_variances

GATE = 150.0
"""Squared distance, in standard deviations over four coordinates, beyond which a box is another player's."""
_TAIL = 8.0


def association_costs(
    states: MotionStates, measured: Floats, model: MotionModel, loose: float = 0.0
) -> tuple[Floats, Floats]:
    """Return costs [T, N] and squared distances [T, N] of predicted states and detections [N, 4].

    A cost is the negative logarithm of a Student t density of the surprise, in units of the box: detectors err
    more often by much than a normal distribution says.
    """
    variances = states.position_variances[:, None] + noise_variances(states.positions, model)[:, None]
    variances[..., :2] += loose
    surprise = measured[None] - states.positions[:, None]
    distances: Floats = (surprise**2 / variances).sum(axis=2)
    units = np.maximum(states.positions[:, [3, 3, 2, 3]], 1.0)
    spread = 0.5 * np.log(variances[:, 0] / units**2).sum(axis=1)
    costs: Floats = spread[:, None] + 0.5 * (_TAIL + 4) * np.log1p(distances / _TAIL)
    return costs, distances


def matched(
    costs: Floats, allowed: NDArray[np.bool_], miss_cost: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the pairs of least total cost; a pair dearer than `miss_cost` stays apart.

    Args:
        costs: [T, N]
        allowed: [T, N] pairs that may be.
        miss_cost: What a track without a detection costs.
    """
    gains = np.where(allowed, np.minimum(costs - miss_cost, 0.0), 0.0)
    rows, columns = linear_sum_assignment(gains)
    kept = gains[rows, columns] < 0
    return rows[kept], columns[kept]
