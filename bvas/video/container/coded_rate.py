"""Second decoders of a stream's packets: for the rate that headers state, and for errors that libav conceals."""

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
# libav's HEVC decoder drops damaged pictures without an error.
_SILENT_CODECS = ("hevc",)


def is_untimed(container: Any) -> bool:
    """Return whether an open container of PyAV is of a kind without times, such as a file of H.264 alone."""
    return bool(int(container.format.flags) & _NO_TIMESTAMPS)


def _second(decoder: Any) -> Any:
    """Return a second decoder for the same packets, without the headers that the demuxer gave to the first."""
    second = av.CodecContext.create(decoder.codec.name, "r")
    second.extradata = decoder.extradata
    second.thread_count = 1
    return second


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
        self._decoder = _second(decoder)

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


class StrictDecoder:
    """A second decoder of the same packets, set to fail at errors. Its pictures are not used.

    Args:
        codec: libav's name of the format. Only where its decoder conceals errors there is anything to find.
        decoder: PyAV's codec context of the stream.
    """

    def __init__(self, codec: str, decoder: Any) -> None:
        self._decoder: Any = None
        if codec in _SILENT_CODECS:
            self._decoder = _second(decoder)
            self._decoder.options = {"err_detect": "explode"}

    def fails(self, packet: Any | None) -> bool:
        """Return whether decoding a packet, or None for the end, fails without concealment."""
        if self._decoder is None:
            return False
        try:
            self._decoder.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            return True
        return False
