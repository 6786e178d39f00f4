"""Frame rates from presentation times. A rate that the container claims counts only where the times follow it."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError

_WHOLE_RATES = (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
_NTSC_RATES = [Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120, 240)]
_NOMINAL_RATES = [*map(Fraction, _WHOLE_RATES), *_NTSC_RATES]


def as_rate(rate: float | Fraction) -> Fraction:
    """Return a rate as an exact fraction; 29.97, 23.976 and 59.94 mean the NTSC rates.

    >>> as_rate(29.97)
    Fraction(30000, 1001)

    Raises:
        ConfigError: the rate is not a positive number.
    """
    if isinstance(rate, str | bool) or not 0 < rate < float("inf"):
        raise ConfigError(f"a rate must be a positive number of frames per second, got {rate!r}")
    if isinstance(rate, Fraction | int):
        return Fraction(rate)
    return nominal_rate(Fraction(rate), tolerance=1e-5) or Fraction(rate).limit_denominator(100_000)


def same_rate(first: Fraction, second: Fraction) -> bool:
    """Return whether two rates are equal; 30 and 30000/1001 are not."""
    return abs(float(first / second) - 1.0) < 1e-5


def rate_of(pts: NDArray[np.int64], time_base: Fraction, claims: Iterable[Fraction]) -> tuple[Fraction, bool]:
    """Return (rate, variable): the constant rate that the times follow, else their average.

    Args:
        pts: int64 [L], ascending, in units of `time_base`.
        time_base: Seconds of a tick.
        claims: Rates to try, such as those that the container claims.
    """
    claimed = list(claims)
    if len(pts) < 2:
        return (claimed[0] if claimed else Fraction(25)), False
    average = Fraction(len(pts) - 1) / (int(pts[-1] - pts[0]) * time_base)
    nominal = nominal_rate(average, tolerance=1e-3)
    # An average of times that were rounded to ticks is often claimed beside the rate itself.
    claimed.sort(key=lambda rate: rate not in _NOMINAL_RATES)
    for rate in [*claimed, *([nominal] if nominal else []), average]:
        if _follows(pts, time_base, rate):
            return rate.limit_denominator(1_000_000), False
    return average.limit_denominator(1_000_000), True


def _follows(pts: NDArray[np.int64], time_base: Fraction, rate: Fraction) -> bool:
    interval = float(1 / (rate * time_base))
    deviation = (pts - pts[0]) - np.arange(len(pts)) * interval
    # Times are rounded to ticks, and some muxers jitter by a little more.
    tolerance = max(1.01, 0.02 * interval)
    return bool(deviation.max() - deviation.min() <= 2 * tolerance)


def nominal_rate(rate: Fraction, *, tolerance: float) -> Fraction | None:
    """Return the usual rate nearest to this one, or None where none is within `tolerance` of it."""
    nearest = min(_NOMINAL_RATES, key=lambda nominal: abs(nominal - rate))
    return nearest if abs(float(nearest / rate) - 1.0) < tolerance else None
