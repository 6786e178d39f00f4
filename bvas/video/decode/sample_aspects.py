"""Sample aspects that change in mid-stream, as at an advertisement in 4:3."""

from bisect import bisect_right
from fractions import Fraction
from typing import Any

from bvas.video.container.time_repair import NO_TIME


class SampleAspects:
    """Sample aspects of a decoder's pictures, by their times.

    libav's decoder takes over new parameters while earlier pictures are still to be output. So a picture has the
    parameters of the last packet at or before its own time.

    Args:
        decoder: PyAV's codec context of a stream that was just opened, with the parameters of its start.
    """

    def __init__(self, decoder: Any) -> None:
        self._first = self._now = decoder.sample_aspect_ratio
        self._from: list[int] = [NO_TIME]
        self._changes: list[Fraction | None] = [None]
        self._newest = NO_TIME

    def restart(self) -> None:
        """Note a seek: the next packet is decoded with the present parameters, or brings its own."""
        self._from, self._changes = [NO_TIME], [self._changed]
        self._newest = NO_TIME

    def see(self, decoder: Any, pts: int | None) -> None:
        """Note the parameters of a decoder after the packet of a time."""
        now = decoder.sample_aspect_ratio
        if now == self._now:
            return
        self._now = now
        self._from.append(self._newest + 1 if pts is None else pts)
        self._changes.append(self._changed)

    def of(self, pts: int | None) -> Fraction | None:
        """Return width over height of a stored sample of a picture; None: as the stream began."""
        if len(self._changes) == 1 or pts is None:
            return self._changes[-1]
        self._newest = max(self._newest, pts)
        return self._changes[max(bisect_right(self._from, pts) - 1, 0)]

    @property
    def _changed(self) -> Fraction | None:
        return None if self._now == self._first else Fraction(self._now or 1)
