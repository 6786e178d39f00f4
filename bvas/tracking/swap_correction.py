"""Correction of swaps: two tracks that exchanged their players while they were close.

While tracking, a choice rests on the past alone. Afterwards both sides of an encounter are known. The sum of two
tracks is the same whichever box is whose; their difference moves smoothly only if they kept their players. So each
encounter asks for the time from which the difference, with its sign turned, is likelier under the model of motion.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve_banded, cholesky_banded

from bvas.tracking.motion import Floats, MotionModel
from bvas.tracking.smoothing import precision_bands
from bvas.tracking.tracklets import Tracklet, chained

_NEAR = 1.0
"""Boxes are close where their centers lie less than a box apart."""
_AROUND_SECONDS = 1.0
"""Of the tracks before and behind an encounter that are looked at."""
_APART_SECONDS = 0.4
"""Boxes that are apart for longer and close again are another encounter."""
_MARGIN = 6.0
"""By which the exchange must be likelier: twice a logarithm."""
_FIRST_SPEED = 10.0
"""Standard deviation of the difference's first velocity, in units of the box / s: almost unknown."""
_LEAST_ROWS = 4
_MOST_CANDIDATES = 24


def without_swaps(tracklets: Sequence[Tracklet], model: MotionModel) -> list[Tracklet]:
    """Return the tracklets, with the rest of two exchanged wherever that makes both smoother."""
    result = sorted(tracklets, key=lambda tracklet: int(tracklet.rows[0]))
    for first in range(len(result)):
        for second in range(first + 1, len(result)):
            # An exchange leaves the starts where they are: none behind this one is met.
            if result[second].rows[0] > result[first].rows[-1]:
                break
            after = -np.inf
            while (found := _first_swap(result[first], result[second], model, after)) is not None:
                swap, after = found
                result[first], result[second] = _exchanged(result[first], result[second], swap)
    return result


def _exchanged(first: Tracklet, second: Tracklet, seconds: float) -> tuple[Tracklet, Tracklet]:
    one, other = (int(np.searchsorted(tracklet.seconds, seconds)) for tracklet in (first, second))
    return (
        chained([first.part(0, one), second.part(other)]),
        chained([second.part(0, other), first.part(one)]),
    )


def _first_swap(
    first: Tracklet, second: Tracklet, model: MotionModel, after: float
) -> tuple[float, float] | None:
    """Return the time of the first swap in an encounter that ends after a time, and when the encounter ends."""
    if first.rows[0] > second.rows[-1] or second.rows[0] > first.rows[-1]:
        return None
    _, ours, theirs = np.intersect1d(first.rows, second.rows, assume_unique=True, return_indices=True)
    if len(ours) < _LEAST_ROWS:
        return None
    seconds, one, other = first.seconds[ours], first.measured[ours], second.measured[theirs]
    for start, stop in _encounters(seconds, one, other):
        if seconds[stop - 1] > after:
            row = _swapped_row(seconds, one, other, start, stop, model)
            if row is not None:
                return float(seconds[row]), float(seconds[stop - 1])
    return None


def _encounters(seconds: Floats, first: Floats, second: Floats) -> list[tuple[int, int]]:
    """Return half-open ranges of rows in which two tracks are close."""
    sizes = (first[:, 2:] + second[:, 2:]) / 2
    rows = np.flatnonzero((np.abs(first[:, :2] - second[:, :2]) < _NEAR * sizes).all(axis=1))
    if not len(rows):
        return []
    cuts = np.flatnonzero(np.diff(seconds[rows]) > _APART_SECONDS) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(rows, cuts)]


def _swapped_row(
    seconds: Floats, first: Floats, second: Floats, start: int, stop: int, model: MotionModel
) -> int | None:
    """Return the row from which the two are exchanged in an encounter, or None."""
    low = int(np.searchsorted(seconds, seconds[start] - _AROUND_SECONDS))
    high = int(np.searchsorted(seconds, seconds[stop - 1] + _AROUND_SECONDS, side="right"))
    count = high - low
    candidates = (
        np.unique(np.linspace(start, stop, min(_MOST_CANDIDATES, stop - start + 1)).round().astype(int)) - low
    )
    candidates = candidates[(candidates > 0) & (candidates < count)]
    if count < _LEAST_ROWS or not len(candidates):
        return None
    # One column for no exchange, then one for each candidate.
    signs = np.ones((count, len(candidates) + 1))
    for column, row in enumerate(candidates, start=1):
        signs[row:, column] = -1.0
    energies = _energies(seconds[low:high], first[low:high], second[low:high], signs, model)
    best = int(np.argmin(energies[1:]))
    return int(candidates[best]) + low if energies[best + 1] + _MARGIN < energies[0] else None


def _energies(times: Floats, first: Floats, second: Floats, signs: Floats, model: MotionModel) -> Floats:
    """Return [C]: twice the negative log likelihood of the differences times signs [L, C], but for a constant."""
    sizes = np.maximum(np.median((first + second) / 2, axis=0), 1.0)
    difference = first - second
    energies = np.zeros(signs.shape[1])
    for axis, (size, unit) in enumerate(zip(sizes[[2, 3, 2, 3]], sizes[[3, 3, 2, 3]], strict=True)):
        # A difference of two has twice the variance of one.
        weight = 0.5 / (size * model.noise[axis]) ** 2
        density = 2 * model.agitation[axis] * unit**2
        bands = precision_bands(
            times, np.full(len(times), weight), density, model.memory[axis], _FIRST_SPEED**-2 / unit**2
        )
        target = np.zeros((2 * len(times), signs.shape[1]))
        target[0::2] = signs * (weight * difference[:, axis])[:, None]
        factor = cholesky_banded(bands, check_finite=False)
        energies -= (target * cho_solve_banded((factor, False), target, check_finite=False)).sum(axis=0)
    return energies
