"""`SourceClock`: one clock for all connections to a source.

A source that is opened again does one of three things. It continues (a broadcast), repeats earlier frames (a file on a
server, a list of segments), or has a clock that started again (a restarted camera). Frames are recognized by time and
picture. A frame whose time was given before, with the same picture, is a repeat: then the clock is the same.
"""

import time
import zlib
from collections import deque
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# Frames that are remembered: the first ones, which a file repeats, and the last ones, which a list of segments repeats.
_NUM_FIRST = 64
_NUM_LAST = 8192
# Every eighth row of a picture goes into its checksum.
_ROW_STEP = 8
# A clock that is ahead by so many seconds more than passed here is another one.
_MOST_AHEAD = 60.0


class SourceClock:
    """Times of frames in ticks from the first one, over all connections to a source.

    Args:
        first_pts: Time of the first frame on the clock of the source, in ticks.
        time_base: Seconds of a tick.
    """

    def __init__(self, first_pts: int, time_base: Fraction) -> None:
        self.time_base = time_base
        self.num_frames = 0
        """Frames given so far."""
        self.last: float = -1
        """Ticks of the last one."""
        self._last_at = time.monotonic()
        # A frame of the present connection: its time `_pts` in the source is `_from_ticks` on our clock.
        self._pts, self._from_ticks = first_pts, 0.0
        self._pictures: dict[float, int] = {}
        self._newest: deque[float] = deque()

    def ticks(self, pts: Sequence[int] | NDArray[np.int64], time_base: Fraction) -> list[float]:
        """Return frames' times on our clock, given those of the source."""
        ratio = time_base / self.time_base
        return [self._from_ticks + float((int(one) - self._pts) * ratio) for one in pts]

    def give(self, ticks: Sequence[float], luma: NDArray[np.uint8] | None, *, remember: bool) -> None:
        """Note frames that are given."""
        self.num_frames += len(ticks)
        self.last = ticks[-1]
        self._last_at = time.monotonic()
        if remember and luma is not None:
            for one, picture in zip(ticks, luma, strict=True):
                self._remember(one, picture)

    def reopen(self, first_pts: int, time_base: Fraction, luma: NDArray[np.uint8]) -> float | None:
        """Find the place of a new connection on the clock, by its first frame.

        Returns:
            None where the clock is the same; else the assumed seconds between the last frame and this one, which
            are those that passed here.
        """
        (ticks,) = self.ticks([first_pts], time_base)
        seconds_away = time.monotonic() - self._last_at
        known = self._pictures.get(round(ticks))
        if known is not None and known == _checksum(luma):
            return None
        if known is None and ticks > self.last and self.can_be(ticks):
            return None
        self._pts = first_pts
        self._from_ticks = self.last + max(round(seconds_away / float(self.time_base)), 1)
        return seconds_away

    def can_be(self, ticks: float) -> bool:
        """Return whether a running source can have come so far since the last frame."""
        ahead = (ticks - self.last) * float(self.time_base)
        return ahead <= time.monotonic() - self._last_at + _MOST_AHEAD

    def _remember(self, ticks: float, picture: NDArray[np.uint8]) -> None:
        self._pictures[round(ticks)] = _checksum(picture)
        if len(self._pictures) > _NUM_FIRST:
            self._newest.append(round(ticks))
        if len(self._newest) > _NUM_LAST:
            del self._pictures[self._newest.popleft()]


def _checksum(picture: NDArray[np.uint8]) -> int:
    return zlib.crc32(picture[::_ROW_STEP].tobytes())
