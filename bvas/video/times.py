"""What times of frames can be believed, and what stands in for those that cannot."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# A recording of more than ten days is taken for a broken time: the grid of one (grid.py) fills the memory.
_LONGEST_SECONDS = 10 * 24 * 3600
_SLOWEST, _FASTEST = Fraction(1, 100), Fraction(1000)
DEFAULT_RATE = Fraction(25)
"""Of frames of which nothing says how many a second there are."""
# So many of the times in the decoder's order have to ascend for the others to be fitted in between.
_MIN_ASCENDING = 0.9


def is_one_recording(first: int, last: int, time_base: Fraction) -> bool:
    """Return whether two times in ticks are so near to each other that one recording can hold both."""
    return (last - first) * time_base <= _LONGEST_SECONDS


def usual_rates(claims: Iterable[Fraction | None]) -> tuple[Fraction, ...]:
    """Return those rates of a container that a camera may have had."""
    rates = [Fraction(claim) for claim in claims if claim]
    return tuple(rate for rate in rates if _SLOWEST <= rate <= _FASTEST)


def ascending_times(
    output: Sequence[int | None], time_base: Fraction, rates: Sequence[Fraction]
) -> tuple[NDArray[np.int64], Fraction]:
    """Return (a time for each frame, strictly ascending, int64 [L]; seconds of a tick).

    Args:
        output: Times of frames in the order in which the decoder outputs them; None where it knows none.
        time_base: Seconds of a tick.
        rates: Frames per second by the container's word, the best first.

    A few times that are missing or out of order are replaced by what fits between the others. Where most
    are, all frames are put one period of the rate apart.
    """
    places = _in_order(output)
    if len(places) >= _MIN_ASCENDING * len(output):
        known = np.array([output[place] for place in places], dtype=np.int64)
        if is_one_recording(int(known[0]), int(known[-1]), time_base):
            return _filled(known, np.array(places), len(output)), time_base
    rate = next(iter(rates), DEFAULT_RATE)
    return np.arange(len(output), dtype=np.int64), 1 / rate


def _in_order(output: Sequence[int | None]) -> list[int]:
    """Return the places of the most times that can be kept so that none is before an earlier one."""
    known = [(place, time) for place, time in enumerate(output) if time is not None]
    if all(after >= before for (_, before), (_, after) in pairwise(known)):
        return [place for place, _ in known]
    # The last place and time of the best choice of each length, and what came before each place in it.
    ends: list[int] = []
    times: list[int] = []
    before: dict[int, int | None] = {}
    for place, time in known:
        length = bisect_left(times, time)
        before[place] = ends[length - 1] if length else None
        ends[length : length + 1] = [place]
        times[length : length + 1] = [time]
    chosen = []
    place_or_none: int | None = ends[-1]
    while place_or_none is not None:
        chosen.append(place_or_none)
        place_or_none = before[place_or_none]
    return chosen[::-1]


def _filled(known: NDArray[np.int64], places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    ranks = np.arange(count)
    # Relative to the first, so that large times keep their last digits in float64.
    ticks = np.round(np.interp(ranks, places, known - known[0])).astype(np.int64)
    if len(known) > 1:
        step = int(np.median(np.diff(known) / np.diff(places)))
        ticks[: places[0]] = (ranks[: places[0]] - places[0]) * step
        ticks[places[-1] + 1 :] = ticks[places[-1]] + (ranks[places[-1] + 1 :] - places[-1]) * step
    # Frames that share a time are put a tick apart, so that each has a moment of its own.
    ascending: NDArray[np.int64] = np.maximum.accumulate(ticks - ranks) + ranks + known[0]
    return ascending
