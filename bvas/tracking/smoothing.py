"""Smoothing of a track: its likeliest positions, given the detections before and after.

The motion is that of `motion.py`. All times of a track are solved for at once: neighbors alone depend on each other,
so that the normal equations are banded (a Rauch-Tung-Striebel smoother finds the same).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from bvas.tracking.motion import Floats, MotionModel, noise_variances, position_growth

_FIRST_SPEED = 10.0
"""Standard deviation of the first velocity, in units of the box / s: almost unknown."""
_SHORTEST_STEP = 1e-4
"""Seconds."""


def smoothed(
    seconds: Floats, measured: Floats, seen: NDArray[np.bool_], model: MotionModel
) -> tuple[Floats, Floats]:
    """Return positions [L, 4] and velocities [L, 4] at times [L], ascending.

    Args:
        seconds: [L]
        measured: [L, 4] centers and sizes; ignored where unseen.
        seen: [L] where there is a detection.
        model: The motion.
    """
    sizes = np.median(measured[seen], axis=0)
    weights = np.where(
        seen[:, None], 1.0 / noise_variances(np.where(seen[:, None], measured, 1.0), model), 0.0
    )
    units = np.maximum(sizes[[3, 3, 2, 3]], 1.0)
    positions, velocities = np.empty_like(measured), np.empty_like(measured)
    for axis in range(4):
        density, memory = model.agitation[axis] * units[axis] ** 2, model.memory[axis]
        bands = precision_bands(
            seconds, weights[:, axis], density, memory, _FIRST_SPEED**-2 / units[axis] ** 2
        )
        target = np.zeros(2 * len(seconds))
        target[0::2] = np.where(seen, weights[:, axis] * measured[:, axis], 0.0)
        solution = solveh_banded(bands, target, overwrite_ab=True, overwrite_b=True, check_finite=False)
        positions[:, axis], velocities[:, axis] = solution[0::2], solution[1::2]
    return positions, velocities


def precision_bands(seconds: Floats, weights: Floats, density: float, memory: float, prior: float) -> Floats:
    """Return the upper bands [4, 2 L] of the precision of positions and velocities in turn.

    Args:
        seconds: Times [L], ascending.
        weights: [L] inverse variances of the measurement; 0 at times without one.
        density: Of the random acceleration, squared pixels / s^3.
        memory: Of the velocity, seconds.
        prior: Inverse variance of the first velocity.
    """
    # Shorter steps make the equations singular in float64: microseconds in files of variable rate.
    steps = np.maximum(np.diff(seconds), _SHORTEST_STEP)
    kept = np.exp(-steps / memory)
    reach = memory * (1 - kept)
    # The covariance of a step, and its inverse.
    growth = density * position_growth(steps, memory)
    cross = density * reach**2 / 2
    spread = density * memory * (1 - kept**2) / 2
    determinant = growth * spread - cross**2
    first, mixed, second = spread / determinant, -cross / determinant, growth / determinant
    bands = np.zeros((4, 2 * len(seconds)))
    diagonal, above = bands[3], bands[2]
    diagonal[0::2] += weights
    diagonal[1] += prior
    # Behind a step: the inverse itself.
    diagonal[2::2] += first
    above[3::2] += mixed
    diagonal[3::2] += second
    # Before it: turned by the transition [[1, reach], [0, kept]].
    diagonal[0:-2:2] += first
    above[1:-2:2] += reach * first + kept * mixed
    diagonal[1:-2:2] += reach**2 * first + 2 * reach * kept * mixed + kept**2 * second
    # Across it.
    bands[1, 2::2] = -first
    bands[0, 3::2] = -mixed
    bands[2, 2::2] = -(reach * first + kept * mixed)
    bands[1, 3::2] = -(reach * mixed + kept * second)
    return bands
