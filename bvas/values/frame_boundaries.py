"""Boundaries of frames: where ranges of frames begin and end."""

import numpy as np
from numpy.typing import NDArray

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
