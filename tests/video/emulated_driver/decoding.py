"""Decoding with libav in NVDEC's place: packets in, whole coded pictures out, in the order of display."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from bvas.video.container.sequence_headers import Sequence
from bvas.video.container.sequence_tracking import SequenceHeaders
from bvas.video.index.stored_picture import samples_of

# cudaVideoCodec -> our name of the codec, libav's of a decoder.
_CODECS = {4: ("h264", "h264"), 8: ("hevc", "hevc"), 10: ("vp9", "vp9"), 11: ("av1", "libdav1d")}


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """One picture as NVDEC has it: with what its headers cut off. See `struct emulation_picture`."""

    height: int
    width: int
    coded_height: int
    coded_width: int
    top: int
    left: int
    bit_depth: int
    num_surfaces: int
    time: int
    planes: bytes
    """NV12: luma, then blue and red difference in turn."""


class LibavDecoder:
    """What one parser decodes.

    Args:
        codec: Number that NVIDIA has for it.
    """

    def __init__(self, codec: int) -> None:
        self._codec, self._name = _CODECS[codec]
        self._start()

    def decode(self, coded: bytes, time: int, *, is_whole: bool, is_end: bool) -> Iterator[CodedPicture]:
        """Yield the pictures that a packet brings.

        A parser sees that a picture is over when the next one begins, or because it is told so.
        """
        if coded:
            yield from self._decode_waiting()
            self._waiting = (coded, time)
        if is_whole or is_end:
            yield from self._decode_waiting()
        if is_end:
            yield from self._pictures(self._decoder.decode(None))
            self._start()

    def _start(self) -> None:
        self._waiting: tuple[bytes, int] | None = None
        self._headers = SequenceHeaders(self._codec)
        self._sequences: dict[int, Sequence | None] = {}
        self._decoder = av.CodecContext.create(self._name, "r")
        self._decoder.thread_count = 1
        self._decoder.options = {"apply_cropping": "0"} if self._codec in ("h264", "hevc") else {}

    def _decode_waiting(self) -> Iterator[CodedPicture]:
        if self._waiting is None:
            return
        (coded, time), self._waiting = self._waiting, None
        self._sequences[time] = self._headers.at(coded)
        packet = av.Packet(coded)
        packet.pts = time
        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:
            # What NVDEC makes of it nobody but a chip can say.
            frames = []
        yield from self._pictures(frames)

    def _pictures(self, frames: list[Any]) -> Iterator[CodedPicture]:
        for frame in frames:
            yield _coded_picture(frame, self._sequences.pop(frame.pts, None))


def _coded_picture(frame: Any, sequence: Sequence | None) -> CodedPicture:
    wide = frame.format.name.endswith(("10le", "12le"))
    bits = frame.format.components[0].bits
    luma, blue, red = (samples_of(plane, "<u2" if wide else "u1") for plane in frame.planes)
    # NVDEC has the bits of a sample at the top of 16.
    planes = [plane << (16 - bits if wide else 0) for plane in (luma, np.stack([blue, red], axis=-1))]
    height, width = (frame.height, frame.width) if sequence is None else sequence.size
    top, left = (0, 0) if sequence is None else sequence.corner
    return CodedPicture(
        height=height,
        width=width,
        coded_height=frame.height,
        coded_width=frame.width,
        top=top,
        left=left,
        bit_depth=bits,
        num_surfaces=5 if sequence is None else sequence.num_references + 1,
        time=frame.pts,
        planes=b"".join(plane.tobytes() for plane in planes),
    )
