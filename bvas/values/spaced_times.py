"""Times at least so far apart, chosen from a longer list of them."""

import numpy as np
from numpy.typing import NDArray

# Times of frames are rounded to ticks: one this share of the distance too early is not passed over.
_ROUNDING_SHARE = 0.02


def spaced_times(seconds: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    """Return the places of the first time, and of each that is at least `least` behind the one before.

    Args:
        seconds: Times, ascending.
        least: Seconds; 0 takes all.
    """
    least *= 1 - _ROUNDING_SHARE
    places, last = [], -np.inf
    for place, now in enumerate(seconds.tolist()):
        if now - last >= least:
            places.append(place)
            last = now
    return np.array(places, np.int64)
