"""Times of arrival for packets of live sources that carry no times, such as MJPEG over HTTP."""

import time
from fractions import Fraction
from typing import Any


class ArrivalTimes:
    """Stamps each packet with the time at which it came, on the machine's monotonic clock.

    Args:
        time_base: Seconds of a tick of the stream.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._last = -1

    def stamp(self, packet: Any) -> None:
        """Set the packet's times, later than those of all packets before it."""
        now = int(time.monotonic() / self._time_base)
        self._last = max(now, self._last + 1)
        packet.pts = packet.dts = self._last
