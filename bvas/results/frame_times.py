"""Frame times of a video: seconds of each frame, for looking up the frame of a spot."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.values.checks import checked_seconds
from bvas.values.frame_boundaries import nearest_boundary
from bvas.video.index.frame_table import VideoIndex


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FrameTimes:
    """Times at which the frames of a video are shown."""

    seconds: NDArray[np.float64]
    """[L], from the first shown frame, strictly ascending."""
    duration_seconds: float
    """Up to the end of the last one."""
    rate: Fraction
    """Frames per second, their average where it varies."""
    variable_rate: bool = False
    start_seconds: float = 0.0
    """Time of the first shown frame in the container."""

    @property
    def num_frames(self) -> int:
        """L."""
        return len(self.seconds)

    def nearest(self, seconds: float) -> int:
        """Return the frame whose time is nearest; of two the earlier.

        Raises:
            ConfigError: `seconds` is NaN or not a number.
        """
        seconds = checked_seconds(seconds)
        after = int(np.searchsorted(self.seconds, seconds))
        if after == 0:
            return 0
        if after == len(self.seconds):
            return after - 1
        # Times in files are rounded to milliseconds.
        is_nearer = self.seconds[after] - seconds < seconds - self.seconds[after - 1] - 1e-6
        return after if is_nearer else after - 1

    def boundary(self, seconds: float) -> int:
        """Return the frame boundary that is nearest: from 0, before the first frame, to L, after the last.

        Raises:
            ConfigError: `seconds` is NaN or not a number.
        """
        return nearest_boundary(self.seconds, self.duration_seconds, seconds)

    @classmethod
    def of(cls, index: VideoIndex) -> "FrameTimes":
        """Return those of an index."""
        return cls(
            seconds=index.seconds,
            duration_seconds=index.duration_seconds,
            rate=index.rate,
            variable_rate=index.variable_rate,
            start_seconds=float(int(index.pts[0]) * index.time_base),
        )

    @classmethod
    def even(cls, duration_seconds: float, rate: Fraction = Fraction(25)) -> "FrameTimes":
        """Return those of a video of constant rate."""
        num_frames = max(round(duration_seconds * rate), 1)
        return cls(
            seconds=np.arange(num_frames) / float(rate), duration_seconds=num_frames / float(rate), rate=rate
        )
