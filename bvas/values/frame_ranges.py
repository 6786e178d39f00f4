"""Stretches of time as frames: the boundaries of frames nearest to two times."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bvas.values.annotations import Interval


def frames_between(
    seconds: NDArray[np.float64], duration_seconds: float, start_seconds: float, end_seconds: float
) -> tuple[int, int]:
    """Return the frames [first, stop) of a stretch of time, by the nearest boundaries (ties: the earlier).

    Files round times, so a boundary is not searched on one side only.

    >>> frames_between(np.array([0.0, 0.04, 0.08]), 0.12, 0.04, 0.12)
    (1, 3)

    Args:
        seconds: Times at which frames begin, float64 [L], ascending.
        duration_seconds: Time at which the last one ends.
        start_seconds: Begin of the stretch.
        end_seconds: End of the stretch.
    """
    borders = np.append(seconds, max(duration_seconds, float(seconds[-1])))
    # A billionth of a second absorbs the rounding of a tie.
    middles = (borders[1:] + borders[:-1]) / 2 + 1e-9
    first, stop = np.searchsorted(middles, (start_seconds, end_seconds)).tolist()
    return int(first), int(stop)


def on_frames(
    intervals: Sequence[Interval], seconds: NDArray[np.float64], duration_seconds: float
) -> tuple[Interval, ...]:
    """Return intervals that begin and end with frames of a video, each with at least one frame.

    Arguments as of `frames_between`.
    """
    borders = np.append(seconds, duration_seconds)
    found = []
    for one in intervals:
        first, stop = frames_between(seconds, duration_seconds, one.start_seconds, one.end_seconds)
        first = min(first, len(seconds) - 1)
        begin, end = borders[[first, max(stop, first + 1)]].tolist()
        found.append(replace(one, start_seconds=begin, end_seconds=end))
    return tuple(found)
