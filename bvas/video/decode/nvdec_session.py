"""NVDEC session of one file: packets to pictures, with one decoder for each sequence header."""

import logging
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from bvas.system.log_lines import first_line
from bvas.video.container.coded_packets import annex_b, parameter_sets
from bvas.video.container.sequence_headers import Sequence
from bvas.video.container.sequence_tracking import SequenceHeaders
from bvas.video.decode.pynvvideocodec import CudaDecoder, DecoderPool, errors_of
from bvas.video.index.frame_table import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

# Our names of codecs -> PyNvVideoCodec's.
CODECS = {"h264": "H264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
# A packet of these holds one whole picture: libav's demuxers and parsers see to that.
_WHOLE_PICTURES = ("h264", "hevc")


class Picture(NamedTuple):
    """One picture of NVDEC."""

    pts: int
    """Time in ticks."""
    planes: "tuple[Tensor, ...] | None"
    """As stored, uint8 on the GPU: luma [h, w], and of color blue and red difference; None where it was not wanted."""
    sample_aspect: Fraction | None
    """Width over height of a sample by its sequence header; None where it states none."""


class SessionError(Exception):
    """NVDEC failed."""

    def __init__(self, reason: str, *, was_borrowed: bool = False) -> None:
        super().__init__(reason)
        self.was_borrowed = was_borrowed
        """The decoder came from another file, and gave no picture of this one: a new one may succeed."""


class NvdecSession:
    """Decodes the packets of one file.

    Args:
        nvc: The module PyNvVideoCodec.
        gpu: Number of the GPU.
        info: The file.
        tone: SDR luma of each code of an HDR video, uint8 [2 ** bits]; None where codes are shifted to 8 bits.
        pool: Decoders are taken from it and returned to it.
        is_color: Chroma is wanted too.
    """

    def __init__(
        self,
        nvc: Any,
        gpu: int,
        info: VideoInfo,
        tone: NDArray[np.uint8] | None,
        pool: DecoderPool,
        *,
        is_color: bool = False,
    ) -> None:
        self.num_decoded = 0
        self.may_borrow = True
        """Decoders of other files may be used."""
        self._nvc = nvc
        self._gpu = gpu
        self._codec = info.codec
        self._size = info.stored_size
        self._tone = tone
        self._is_color = is_color
        self._pool = pool
        self._headers = SequenceHeaders(info.codec)
        self._sequence: Sequence | None = None
        self._sample_aspect: Fraction | None = None
        self._told: bytes | None = None
        self._decoder: CudaDecoder | None = None
        self._is_borrowed = False
        self._is_new = True

    def begin(self) -> None:
        """End the stream so far. What follows starts at a keyframe.

        Raises:
            SessionError: the decoder fails.
        """
        # Pictures that the decoder still holds belong to the stream before, and are dropped.
        self._flush(lambda pts: False)

    def decode(self, packet: Any, extradata: bytes | None, keep: Callable[[int], bool]) -> list[Picture]:
        """Return the pictures that come out of the decoder when a packet goes in.

        Args:
            packet: PyAV's packet; None at the end of the stream.
            extradata: The headers beside the stream that hold for it.
            keep: Whether the picture of a time is wanted.

        Raises:
            SessionError: the decoder fails, or does not give these pictures as they are.
        """
        if packet is None:
            return self._flush(keep)
        coded = self._coded(packet, extradata)
        sequence = self._headers.at(coded)
        pictures = []
        if sequence != self._sequence:
            pictures = self._change(sequence, packet, keep)
            self._sample_aspect = _aspect_of(self._codec, sequence, coded)
        pictures += self._pictures(coded, packet.pts, keep)
        self._is_new = False
        return pictures

    def hand_over(self, plane: "Tensor") -> None:
        """Wait until a plane of a picture is complete, for use on the current stream."""
        # Copies of earlier decoders were waited for when this one took over (`_retire`).
        assert self._decoder is not None
        self._decoder.hand_over(plane)

    def close(self) -> None:
        """Return the decoder to the pool, for the next file of its kind."""
        if self._decoder is None:
            return
        try:
            self.begin()
        except SessionError as error:
            logger.info("a decoder is not used again: %s", error)
        else:
            self._retire()

    def _coded(self, packet: Any, extradata: bytes | None) -> bytes:
        """Return the packet as a decoder without a container reads it."""
        coded = annex_b(self._codec, extradata, bytes(packet))
        # A new decoder may never have seen the first frame of the file.
        must_tell = self._is_new or extradata != self._told
        self._told = extradata
        return parameter_sets(self._codec, extradata) + coded if must_tell and self._codec != "vp9" else coded

    def _change(self, sequence: Sequence | None, packet: Any, keep: Callable[[int], bool]) -> list[Picture]:
        """Return the decoder to the pool, and its last pictures; note the header for the next one."""
        before, pictures = self._sequence, self._flush(keep)
        if self._decoder is not None:
            self._retire()
        self._sequence = sequence
        if sequence is None:
            return pictures
        height, width = sequence.size
        if sequence.corner != (0, 0):
            raise SessionError(
                f"the stream cuts {sequence.corner[0]} rows off the top and {sequence.corner[1]} columns off the "
                "left of its pictures, which PyNvVideoCodec does not"
            )
        if before is not None and self._codec == "vp9" and not packet.is_keyframe:
            raise SessionError(f"pictures become {width}x{height} between keyframes, and would be scaled")
        logger.debug("%s of %dx%d, %d references", self._codec, width, height, sequence.num_references)
        return pictures

    def _flush(self, keep: Callable[[int], bool]) -> list[Picture]:
        """End the stream so far; return the pictures that the decoder still holds."""
        pictures = [] if self._decoder is None or self._is_new else self._pictures(b"", 0, keep)
        self._is_new = True
        return pictures

    def _pictures(self, coded: bytes, pts: int, keep: Callable[[int], bool]) -> list[Picture]:
        pictures: list[Picture] = []
        for frame in self._feed(coded, pts):
            assert self._decoder is not None
            time = int(frame.getPTS())
            try:
                planes = None
                if keep(time):
                    planes = self._decoder.planes_of(frame, self._tone, is_color=self._is_color)
            except ValueError as error:
                raise self._failure(error) from error
            pictures.append(Picture(time, planes, self._sample_aspect))
        return pictures

    def _feed(self, coded: bytes, pts: int) -> list[Any]:
        """Feed some bytes, or none for the end of a stream; the pictures are valid until the next call."""
        data = self._nvc.PacketData()
        data.pts = pts
        if coded and self._codec in _WHOLE_PICTURES:
            # Without the flag the parser holds a picture back until the next one begins.
            data.decode_flag = int(self._nvc.VideoPacketFlag.ENDOFPICTURE)
        # The array keeps the bytes alive while the decoder reads them by address.
        memory = np.frombuffer(coded, np.uint8)
        data.bsl_data, data.bsl = (memory.ctypes.data if coded else 0), len(coded)
        try:
            if self._decoder is None:
                self._decoder = self._take_decoder()
            frames = self._decoder.decode(data)
        except errors_of(self._nvc) as error:
            raise self._failure(error) from error
        self.num_decoded += len(frames)
        self._is_borrowed &= not frames
        return frames

    def _take_decoder(self) -> CudaDecoder:
        kept = self._pool.take(self._kind()) if self.may_borrow and self._sequence is not None else None
        self._is_borrowed = kept is not None
        if kept is not None:
            return kept
        size = self._size if self._sequence is None else self._sequence.size
        return CudaDecoder(self._nvc, gpu=self._gpu, codec=CODECS[self._codec], size=size)

    def _kind(self) -> tuple[int, str, bytes]:
        """Return the kind of decoder. Equal headers need the same size, depth and reference pictures."""
        assert self._sequence is not None
        return self._gpu, self._codec, self._sequence.header

    def _retire(self) -> None:
        decoder, self._decoder = self._decoder, None
        assert decoder is not None
        if self._sequence is None:
            decoder.close()
            return
        # Its copies must be complete: another decoder, on another stream, hands them over.
        decoder.synchronize()
        self._pool.give(self._kind(), decoder)

    def _failure(self, error: Exception) -> SessionError:
        decoder, self._decoder = self._decoder, None
        was_borrowed, self._is_borrowed = self._is_borrowed, False
        self._is_new = True
        if decoder is not None:
            decoder.close()
        return SessionError(first_line(error), was_borrowed=was_borrowed)


def _aspect_of(codec: str, sequence: Sequence | None, coded: bytes) -> Fraction | None:
    """Return the sample aspect of a header that comes with some packet."""
    if codec != "hevc" or sequence is None:
        return None if sequence is None else sequence.sample_aspect
    # HEVC has it far behind in the header. libav's decoder reads it when it is opened with the parameter sets.
    decoder = av.CodecContext.create(codec, "r")
    decoder.extradata = coded
    decoder.open()
    aspect: Fraction | None = decoder.sample_aspect_ratio
    return aspect
