"""Grid of a video: its frames at even distances in time, as an experiment counts them; of a file, and as frames come.

A grid frame depends only on the frames up to the one behind it, so a stream has the grid of the saved file.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.values.checks import checked_seconds
from bvas.video.container.frame_rate import as_rate, same_rate
from bvas.video.index.frame_table import VideoIndex

# In ticks. Half ticks are exact in float64; the tolerance absorbs the rounding of a tie.
TIE = 1e-3


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
        """Return the grid frame nearest in time (ties: the earlier); the first or last for a time outside.

        Raises:
            ConfigError: `seconds` is NaN or not a number.
        """
        seconds = checked_seconds(seconds)
        later = min(int(np.searchsorted(self.seconds, seconds)), self.num_frames - 1)
        earlier = max(later - 1, 0)
        # A billionth of a second absorbs the rounding of a tie.
        is_later = self.seconds[later] - seconds < seconds - self.seconds[earlier] - 1e-9
        return later if is_later else earlier


def make_grid(index: VideoIndex, rate: float | Fraction) -> Grid:
    """Put a video on a grid of `rate` frames per second.

    As long as its times follow that constant rate, a video is taken frame for frame. From the first frame that
    does not, grid frame i shows, at i / rate seconds, the frame nearest in presentation time (ties: the
    earlier), up to the end of the last one.

    Raises:
        ConfigError: `rate` is not a positive number.
    """
    exact = as_rate(rate)
    period = ticks_per_step(exact, index.time_base)
    ticks = (index.pts - index.pts[0]).astype(np.float64)
    own = _num_following(ticks, period)
    if own == index.num_frames and follows_to_the_end(own, index.rate, exact):
        return Grid(rate=exact, indices=np.arange(own), seconds=index.seconds)
    steps = np.arange(own, max(num_steps(index.duration_seconds, index.time_base, exact), own))
    return Grid(
        rate=exact,
        indices=np.append(np.arange(own), _nearest(ticks, (steps * period).astype(np.float64))),
        seconds=np.append(index.seconds[:own], steps / float(exact)),
    )


def ticks_per_step(rate: Fraction, time_base: Fraction) -> float:
    """Return the ticks from one grid frame to the next."""
    return float(1 / (rate * time_base))


def num_steps(duration_seconds: float, time_base: Fraction, rate: Fraction) -> int:
    """Return the grid frames that a video of this duration has if it does not follow the rate, at least 1."""
    # A grid frame within half a tick of the end would lie behind the last frame.
    return max(int(np.ceil((duration_seconds - 0.5 * float(time_base)) * float(rate))), 1)


def most_deviation(period: float) -> float:
    """Return how far the times of frames may lie apart, each measured from its grid frame, both in ticks.

    Times are rounded to ticks, and some muxers jitter by a little more; beyond 0.4 periods the frame before
    or behind may be the nearer one.
    """
    return min(2 * max(1.01, 0.02 * period), 0.4 * period)


def follows_to_the_end(num_frames: int, rate: Fraction, wanted: Fraction) -> bool:
    """Return whether a video whose times all follow the wanted rate has it; a single frame has the rate it claims."""
    return num_frames > 1 or same_rate(rate, wanted)


def _num_following(ticks: NDArray[np.float64], period: float) -> int:
    """Return how many frames, from the first on, follow the rate of the grid."""
    deviation = ticks - np.arange(len(ticks)) * period
    spread = np.maximum.accumulate(deviation) - np.minimum.accumulate(deviation)
    return int(np.searchsorted(spread, most_deviation(period), side="right"))


def _nearest(times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place in `times` nearest to each wanted time; up to `TIE` past the middle the earlier."""
    middles = (times[1:] + times[:-1]) / 2
    return np.searchsorted(middles, wanted - TIE, side="left").astype(np.int64)


@dataclass(frozen=True, slots=True)
class NewSteps:
    """Times in seconds of the grid frames that a new frame makes certain, in this order."""

    before: tuple[float, ...]
    """They show the frame before it."""
    lost: tuple[float, ...]
    """They lie in a gap and show no frame."""
    now: tuple[float, ...]
    """They show it."""


class GrowingGrid:
    """Puts frames on a grid as they come.

    While the times follow the rate, a frame is its own grid frame at once; else a grid frame is certain with
    the first frame behind it.

    Args:
        rate: Grid frames per second.
        time_base: Seconds of a tick.

    Raises:
        ConfigError: `rate` is not a positive number.
    """

    def __init__(self, rate: float | Fraction, time_base: Fraction) -> None:
        self.rate = as_rate(rate)
        self._time_base = time_base
        self._period = ticks_per_step(self.rate, time_base)
        self._most_deviation = most_deviation(self._period)
        self._follows = True
        self._num_frames = 0
        self._num_steps = 0
        self._lowest, self._highest = float("inf"), float("-inf")
        self._last: float = 0
        self._interval: float = self._period

    def add(self, ticks: float, *, after_gap: bool = False) -> NewSteps:
        """Take the next frame.

        Args:
            ticks: Its time from the first frame; ascending.
            after_gap: There may be a gap before it. If more than half a frame is missing, grid frames farther than
                half a step from both frames are lost.
        """
        is_first = self._num_frames == 0
        before: tuple[float, ...] = ()
        lost: tuple[float, ...] = ()
        if after_gap and not is_first and ticks - self._last > 1.5 * max(self._period, self._interval):
            self._follows = False
            before = self._steps_up_to(self._last + self._period / 2)
            lost = self._steps_up_to(ticks - self._period / 2, excluded=True)
        elif not self._still_follows(ticks):
            before = self._steps_up_to((self._last + ticks) / 2)
        if not is_first:
            self._interval = ticks - self._last
        self._last = ticks
        self._num_frames += 1
        if not self._follows:
            return NewSteps(before, lost, ())
        self._num_steps += 1
        return NewSteps((), (), (ticks * self._time_base.numerator / self._time_base.denominator,))

    def finish(self, duration_seconds: float, rate: Fraction) -> tuple[float, ...]:
        """Return the times of the grid frames that still show the last frame.

        Args:
            duration_seconds: From the first frame to the end of the last.
            rate: Rate that the container claims, for a single frame.
        """
        if not self._num_frames or (self._follows and follows_to_the_end(self._num_frames, rate, self.rate)):
            return ()
        stop = max(num_steps(duration_seconds, self._time_base, self.rate), self._num_steps)
        steps = range(self._num_steps, stop)
        self._num_steps = stop
        return tuple(step / float(self.rate) for step in steps)

    def _still_follows(self, ticks: float) -> bool:
        deviation = ticks - self._num_frames * self._period
        self._lowest, self._highest = min(self._lowest, deviation), max(self._highest, deviation)
        self._follows &= self._highest - self._lowest <= self._most_deviation
        return self._follows

    def _steps_up_to(self, ticks: float, *, excluded: bool = False) -> tuple[float, ...]:
        """Return the next grid frames up to a time, or (`excluded`) those before it; with the tolerance of a tie."""
        tie = -TIE if excluded else TIE
        first = self._num_steps
        while self._num_steps * self._period - tie <= ticks:
            self._num_steps += 1
        return tuple(step / float(self.rate) for step in range(first, self._num_steps))
