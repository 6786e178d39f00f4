"""The frames of a video on an even grid in time, as an experiment counts them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.video.index import VideoIndex
from bvas.video.rate import as_rate, same_rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Grid frames of one video: which source frame each shows, and when."""

    rate: Fraction
    """Grid frames per second."""
    indices: NDArray[np.int64]
    """Source frame shown at each grid frame, int64 [G], ascending; repeats where the source is slower."""
    seconds: NDArray[np.float64]
    """Time of each grid frame from the first shown frame, float64 [G]."""

    @property
    def num_frames(self) -> int:
        """Grid frames (G), at least 1."""
        return len(self.indices)

    def nearest(self, seconds: float) -> int:
        """Return the grid frame nearest in time (ties: the earlier); the first or last for a time outside."""
        later = min(int(np.searchsorted(self.seconds, seconds)), self.num_frames - 1)
        earlier = max(later - 1, 0)
        # A billionth of a second absorbs the rounding of a tie.
        is_later = self.seconds[later] - seconds < seconds - self.seconds[earlier] - 1e-9
        return later if is_later else earlier


def make_grid(index: VideoIndex, rate: float | Fraction) -> Grid:
    """Put a video on a grid of `rate` frames per second.

    A video of that constant rate is taken frame for frame. Any other shows at grid frame i, at i / rate
    seconds, the frame nearest in presentation time (ties: the earlier), up to the end of its last frame.

    Raises:
        ConfigError: `rate` is not a positive number.
    """
    exact = as_rate(rate)
    if not index.variable_rate and same_rate(index.rate, exact):
        return Grid(rate=exact, indices=np.arange(index.num_frames), seconds=index.seconds)
    # A grid frame that begins within half a tick of the end would show nothing of its own.
    end = index.duration_seconds - 0.5 * float(index.time_base)
    count = max(int(np.ceil(end * float(exact))), 1)
    steps = np.arange(count)
    ticks_per_step = float(1 / (exact * index.time_base))
    ticks = (index.pts - index.pts[0]).astype(np.float64)
    return Grid(
        rate=exact,
        # Halves of ticks are exact in float64; a thousandth of one only absorbs its rounding.
        indices=_nearest(ticks, (steps * ticks_per_step).astype(np.float64), tie=1e-3),
        seconds=steps / float(exact),
    )


def _nearest(times: NDArray[np.float64], wanted: NDArray[np.float64], *, tie: float) -> NDArray[np.int64]:
    """Return the place in `times` nearest to each wanted time; up to `tie` past the middle the earlier."""
    middles = (times[1:] + times[:-1]) / 2
    return np.searchsorted(middles, wanted - tie, side="left").astype(np.int64)
