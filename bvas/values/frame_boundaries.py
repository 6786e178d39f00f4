"""Boundaries of frames: where ranges of frames begin and end."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bvas.values.annotations import Interval
from bvas.values.checks import checked_seconds


def nearest_boundary(times: NDArray[np.float64], duration_seconds: float, seconds: float) -> int:
    """Return the number of the boundary that is nearest to a time, of two the earlier.

    Boundary i is before frame i, and boundary L after the last frame. A range from boundary a to boundary b covers the
    frames a to b - 1. So times that a file rounds to milliseconds name the same frames.

    Args:
        times: Time of each frame from the first one, [L], ascending.
        duration_seconds: End of the last frame.
        seconds: The time.

    Raises:
        ConfigError: `seconds` is NaN or not a number.
    """
    distances = np.abs(np.append(times, duration_seconds) - checked_seconds(seconds))
    return int(distances.argmin())


def frames_between(
    times: NDArray[np.float64], duration_seconds: float, start_seconds: float, end_seconds: float
) -> tuple[int, int]:
    """Return the frames [first, stop) of a stretch of time; arguments as of `nearest_boundary`.

    >>> frames_between(np.array([0.0, 0.04, 0.08]), 0.12, 0.04, 0.12)
    (1, 3)
    """
    first, stop = (
        nearest_boundary(times, duration_seconds, seconds) for seconds in (start_seconds, end_seconds)
    )
    return first, stop


def on_frames(
    intervals: Sequence[Interval], times: NDArray[np.float64], duration_seconds: float
) -> tuple[Interval, ...]:
    """Return intervals that begin and end with frames of a video, each with at least one frame.

    Arguments as of `frames_between`.
    """
    borders = np.append(times, duration_seconds)
    found = []
    for one in intervals:
        first, stop = frames_between(times, duration_seconds, one.start_seconds, one.end_seconds)
        first = min(first, len(times) - 1)
        begin, end = borders[[first, max(stop, first + 1)]].tolist()
        found.append(replace(one, start_seconds=begin, end_seconds=end))
    return tuple(found)
