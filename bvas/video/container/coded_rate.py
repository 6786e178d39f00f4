"""Frame rate that the headers of coded frames state, for sources whose frames have no times of their own."""

from fractions import Fraction
from typing import Any, Literal

import av

from bvas.video.container.time_repair import usual_rates

RateOrigin = Literal["times", "container", "headers", "arrival", "option", "assumed"]
"""In this order: presentation times, the container's header, the coded frames' headers, times of arrival, the
caller, and an assumption where no source states it."""

# AVFMT_NOTIMESTAMPS of libavformat: packets have no times, and libav invents some at 25 a second.
_NO_TIMESTAMPS = 0x80
_MAX_PACKETS = 100


def is_untimed(container: Any) -> bool:
    """Return whether an open container of PyAV is of a kind without times, such as a file of H.264 alone."""
    return bool(int(container.format.flags) & _NO_TIMESTAMPS)


class CodedRate:
    """Finds the rate by decoding the first packets with a decoder that knows none from the demuxer.

    Args:
        decoder: PyAV's codec context of the stream.
    """

    def __init__(self, decoder: Any) -> None:
        self.rate: Fraction | None = None
        """Frames per second: H.264 and HEVC from VUI timing (ITU-T H.264 E.2.1, H.265 E.3.1), MPEG-2 from the
        sequence header; None where the headers do not say."""
        self.is_found = False
        """No more packets are needed."""
        self._num_packets = 0
        self._decoder = av.CodecContext.create(decoder.codec.name, "r")
        self._decoder.extradata = decoder.extradata
        self._decoder.thread_count = 1

    def see(self, packet: Any) -> None:
        """Take the next packet from the start of the stream."""
        if self.is_found:
            return
        self._num_packets += 1
        try:
            pictures = self._decoder.decode(packet)
        except av.FFmpegError:
            pictures = []
        if pictures or self._num_packets >= _MAX_PACKETS:
            self.is_found = True
            self.rate = next(iter(usual_rates([self._decoder.framerate])), None)
