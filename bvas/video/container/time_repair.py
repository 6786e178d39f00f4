"""Repair of presentation times: missing, repeated and descending times are replaced by ascending ones."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

# Marks an unknown time.
NO_TIME = int(np.iinfo(np.int64).min)
# A recording of more than ten days counts as a broken time: its grid (frame_grid.py) would fill the memory.
_LONGEST_SECONDS = 10 * 24 * 3600
_SLOWEST, _FASTEST = Fraction(1, 100), Fraction(1000)
DEFAULT_RATE = Fraction(25)
"""Frames per second where no source states a rate."""
# This share of the times has to ascend in the decoder's order; the others are then interpolated.
_MIN_ASCENDING = 0.9
# A run of so many ascending times is a recording of its own; a shorter one counts as wrong times.
_SHORTEST_RUN = 12
# A step of more periods is a pause, and not the frame period.
_LONGEST_PERIODS = 3


class Ticks:
    """Times in ticks, 8 bytes each. A view of them stays as it is while more are added."""

    def __init__(self) -> None:
        self._buffer: NDArray[np.int64] = np.empty(1024, dtype=np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, time: int) -> None:
        """Add one time."""
        self.extend([time])

    def extend(self, times: Sequence[int]) -> None:
        """Add several times."""
        end = self._count + len(times)
        if end > len(self._buffer):
            # Views of the old buffer keep it.
            larger = np.empty(max(2 * len(self._buffer), end), dtype=np.int64)
            larger[: self._count] = self._buffer[: self._count]
            self._buffer = larger
        self._buffer[self._count : end] = times
        self._count = end

    def view(self) -> NDArray[np.int64]:
        """Return the times so far, int64, read-only, without a copy."""
        times = self._buffer[: self._count]
        times.setflags(write=False)
        return times

    def holds(self, time: int) -> bool:
        """Return whether a time is among these, which must be ascending."""
        times = self.view()
        place = int(np.searchsorted(times, time))
        return place < len(times) and int(times[place]) == time


def is_one_recording(first: int, last: int, time_base: Fraction) -> bool:
    """Return whether two times in ticks are near enough for one recording to hold both."""
    return (last - first) * time_base <= _LONGEST_SECONDS


def usual_rates(claims: Iterable[Fraction | None]) -> tuple[Fraction, ...]:
    """Return the claimed rates that a camera may have."""
    rates = [Fraction(claim) for claim in claims if claim]
    return tuple(rate for rate in rates if _SLOWEST <= rate <= _FASTEST)


def ascending_times(
    output: Sequence[int | None], time_base: Fraction, rates: Sequence[Fraction]
) -> tuple[NDArray[np.int64], Fraction]:
    """Return (a time for each frame, strictly ascending, int64 [L]; seconds of a tick).

    Args:
        output: Times of frames in the order in which the decoder outputs them; None where it knows none.
        time_base: Seconds of a tick.
        rates: Frames per second that the container claims, the best first.

    A few times that are missing or out of order are interpolated between the others. A clock that starts again, as
    where recordings are joined, is continued. Where most times are out of order for another reason, all frames are
    put one period of the rate apart.
    """
    if (joined := _of_joined(output, time_base)) is not None:
        return joined, time_base
    places = _in_order(output)
    if len(places) >= _MIN_ASCENDING * len(output):
        known = np.array([output[place] for place in places], dtype=np.int64)
        if is_one_recording(int(known[0]), int(known[-1]), time_base):
            return _filled(known, np.array(places), len(output)), time_base
    rate = next(iter(rates), DEFAULT_RATE)
    return np.arange(len(output), dtype=np.int64), 1 / rate


class SteadyTimes:
    """Ascending times of frames as they come. A time once given stays, unlike in `ascending_times`.

    A clock that starts again is continued one period after the last frame. A single time that is too late is kept,
    and those behind it follow a tick apart until they are later. A few early times count as errors; a long run of
    them as a clock that started again.

    Args:
        times: Those so far, strictly ascending.
        period: Ticks from frame to frame where none are known.
    """

    def __init__(self, times: NDArray[np.int64], period: int) -> None:
        self._times = Ticks()
        self._times.extend(times.tolist())
        self._before, self._last = [None, None, *times.tolist()][-2:]
        self._period = int(times[-1] - times[-2]) if len(times) > 1 else period
        self._offset = 0
        # (last time, offset) of the clock before the present one, as long as the present one may be a few wrong times.
        self._former: tuple[int, int] | None = None
        self._num_since = 0

    @classmethod
    def at_default_rate(cls, times: NDArray[np.int64], time_base: Fraction) -> Self:
        """Return those of a source that states no rate; `time_base`: seconds of a tick."""
        return cls(times, max(round(1 / (DEFAULT_RATE * time_base)), 1))

    def view(self) -> NDArray[np.int64]:
        """Return the times so far, int64, read-only, without a copy."""
        return self._times.view()

    def add(self, time: int) -> None:
        """Add the time of the next frame, `NO_TIME` where the decoder knows none."""
        known = self._times.view()
        if time == NO_TIME:
            self._times.append(int(known[-1]) + self._period if len(known) else 0)
            return
        self._follow_clock(time, int(known[-1]) if len(known) else None)
        before, self._before, self._last = self._last, self._last, time
        if before is not None and time > before:
            self._period = min(time - before, _LONGEST_PERIODS * self._period)
        earliest = int(known[-1]) + 1 if len(known) else time
        self._times.append(max(time + self._offset, earliest))

    def _follow_clock(self, time: int, given: int | None) -> None:
        """Find the offset of a time's clock to that of the first frame, where the clock started again."""
        self._num_since += 1
        if self._num_since > _SHORTEST_RUN:
            self._former = None
        # The time fits behind the former clock again: what came between were wrong times, not another clock.
        if self._former is not None and 0 < time - self._former[0] <= _SHORTEST_RUN * self._period:
            self._before, self._last = None, self._former[0]
            self._offset, self._former = self._former[1], None
        elif given is not None and self._begins_again(time):
            if self._former is None and self._last is not None:
                self._former, self._num_since = (self._last, self._offset), 0
            self._offset = given + self._period - time

    def _begins_again(self, time: int) -> bool:
        if self._last is None:
            return True
        # Below the last two: below the last alone, the last one may have been the wrong time.
        return time <= self._last and (self._before is None or time <= self._before)


def _of_joined(output: Sequence[int | None], time_base: Fraction) -> NDArray[np.int64] | None:
    """Return times for long ascending runs of which each starts before the last one ends; None for any other."""
    times = np.array([NO_TIME if time is None else time for time in output], dtype=np.int64)
    backs = np.flatnonzero(np.diff(times) <= 0) + 1
    runs = np.diff([0, *backs.tolist(), len(times)])
    if NO_TIME in times or not len(backs) or runs[:-1].min() < _SHORTEST_RUN:
        return None
    steady = SteadyTimes(times[: backs[0]], 1)
    for time in times[backs[0] :].tolist():
        steady.add(time)
    found = steady.view()
    return found if is_one_recording(int(found[0]), int(found[-1]), time_base) else None


def _in_order(output: Sequence[int | None]) -> list[int]:
    """Return the places of a longest non-descending subsequence of the known times."""
    known = [(place, time) for place, time in enumerate(output) if time is not None]
    if all(after >= before for (_, before), (_, after) in pairwise(known)):
        return [place for place, _ in known]
    # Patience sorting: the last place and time of the best subsequence of each length, and each place's predecessor.
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
