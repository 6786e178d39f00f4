"""Correction of swaps: two tracks that exchanged their players while they were close.

While tracking, a choice rests on the past alone. Afterwards both sides of an encounter are known. The sum of two
tracks is the same whichever box is whose; their difference moves smoothly only if nobody was exchanged. So each
encounter asks for the time from which the difference, with its sign turned, is likelier under the model of motion.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded

from bvas.tracking.motion import Floats, MotionModel
from bvas.tracking.smoothing import precision_bands

NEAR = 1.0
AROUND_SECONDS = 1.0
APART_SECONDS = 0.4
MARGIN = 6.0
LEAST_ROWS = 4
MOST_CANDIDATES = 24


def encounters(seconds: Floats, first: Floats, second: Floats) -> list[tuple[int, int]]:
    """Return half-open ranges of rows in which two tracks are close."""
    sizes = (first[:, 2:] + second[:, 2:]) / 2
    near = (np.abs(first[:, :2] - second[:, :2]) < NEAR * sizes).all(axis=1)
    rows = np.flatnonzero(near)
    if not len(rows):
        return []
    cuts = np.flatnonzero(np.diff(seconds[rows]) > APART_SECONDS) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(rows, cuts)]


def turn(
    seconds: Floats, first: Floats, second: Floats, start: int, stop: int, model: MotionModel
) -> int | None:
    """Return the row from which the two are exchanged in an encounter, or None."""
    low = int(np.searchsorted(seconds, seconds[start] - AROUND_SECONDS))
    high = int(np.searchsorted(seconds, seconds[stop - 1] + AROUND_SECONDS, side="right"))
    if high - low < LEAST_ROWS:
        return None
    times = seconds[low:high]
    difference = first[low:high] - second[low:high]
    sizes = np.maximum(np.median((first[low:high] + second[low:high]) / 2, axis=0), 1.0)
    candidates = (
        np.unique(np.linspace(start, stop, min(MOST_CANDIDATES, stop - start + 1)).round().astype(int)) - low
    )
    candidates = candidates[(candidates > 0) & (candidates < high - low)]
    if not len(candidates):
        return None
    signs = np.ones((high - low, len(candidates) + 1))
    for column, row in enumerate(candidates):
        signs[row:, column + 1] = -1.0
    energy = np.zeros(len(candidates) + 1)
    for axis in range(4):
        variance = 2 * (sizes[[2, 3, 2, 3]][axis] * model.noise[axis]) ** 2
        unit = sizes[[3, 3, 2, 3]][axis]
        density = 2 * model.agitation[axis] * unit**2
        weights = np.full(len(times), 1 / variance)
        bands = precision_bands(times, weights, density, model.memory[axis], 1e-2 / unit**2)
        target = np.zeros((2 * len(times), len(candidates) + 1))
        target[0::2] = signs * (difference[:, axis] / variance)[:, None]
        factor = cholesky_banded(bands, check_finite=False)
        solution = cho_solve_banded((factor, False), target, check_finite=False)
        energy += (difference[:, axis] ** 2).sum() / variance - (target * solution).sum(axis=0)
    best = int(np.argmin(energy[1:]))
    if energy[best + 1] + MARGIN >= energy[0]:
        return None
    return int(candidates[best]) + low


def corrected(
    tracks: list[tuple[NDArray[np.int64], Floats, Floats]], model: MotionModel
) -> tuple[list[NDArray[np.int64]], int]:
    """tracks: rows, seconds, measured. Return owner of each track's row, and number of swaps."""
    raise NotImplementedError
