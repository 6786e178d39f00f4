"""Grid of a running source: equal to that of frame_grid.py, each grid frame as soon as it is certain."""

from dataclasses import dataclass
from fractions import Fraction

from bvas.video.container.frame_rate import as_rate
from bvas.video.index.frame_grid import TIE, follows_to_the_end, most_deviation, num_steps, ticks_per_step


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
