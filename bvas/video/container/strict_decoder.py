"""Detection of errors that libav's decoders conceal without reporting them."""

from typing import Any, Self

import av

# libav's HEVC decoder drops damaged pictures without an error.
_SILENT_CODECS = ("hevc",)


class StrictDecoder:
    """A second decoder of the same packets, told to fail at errors. Its pictures are not used.

    Args:
        decoder: PyAV's codec context of the stream.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = av.CodecContext.create(decoder.codec.name, "r")
        self._decoder.extradata = decoder.extradata
        self._decoder.thread_count = 1
        self._decoder.options = {"err_detect": "explode"}

    @classmethod
    def of(cls, codec: str, decoder: Any) -> Self | None:
        """Return one for a codec whose decoder conceals errors; None for any other."""
        return cls(decoder) if codec in _SILENT_CODECS else None

    def fails(self, packet: Any | None) -> bool:
        """Return whether decoding a packet, or None for the end, fails without concealment."""
        try:
            self._decoder.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            return True
        return False
