"""Decoding on an NVIDIA GPU with PyNvVideoCodec.

Packets come from libav, from the same keyframes and with the same times as for `pyav`; only their decoding is
NVDEC's. Every frame that it hands out carries the time of its packet, which is compared with the index, so a
frame cannot be taken for its neighbor. NVDEC conceals damage without reporting it; a frame that it does not
output is missed all the same.

The decoder owns a pool of pictures that the next call overwrites, so the luma is copied out first, on the
decoder's CUDA stream, which is waited for before a frame is handed over. A decoder whose reader is closed
goes on with the next file of its kind (pool.py): at the new stream's parameters NVDEC is reconfigured.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.backends import Backend, BackendOptions
from bvas.video.bitstream import annex_b, parameter_sets
from bvas.video.cuda_decoder import CudaDecoder
from bvas.video.hdr import changes_system, table_of_video
from bvas.video.index import VideoIndex
from bvas.video.nvidia import capabilities, errors_of, first_line, gpu_of, load_pynvvideocodec, refusal
from bvas.video.pool import DecoderPool
from bvas.video.protocol import VideoInfo
from bvas.video.seek import PacketSource

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

# Our names of codecs -> PyNvVideoCodec's.
_CODECS = {"h264": "H264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
_PIXEL_FORMATS = ("yuv420p", "yuvj420p", "nv12", "yuv420p10le", "yuv420p12le")
# A keyframe this near is reached by decoding on.
_NEAR_FRAMES = 16


def check(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
    """Refuse what NVDEC cannot decode here, or not as libav does. Initialises CUDA.

    Raises:
        DecodeError: names the reason, and the remedy.
    """
    reasons = [
        (index.decode_order, "carries no reliable presentation times"),
        (info.interlaced, "is interlaced, which NVDEC deinterlaces in its own way"),
        (info.codec not in _CODECS, f"is coded as {info.codec}, not one of {', '.join(_CODECS)}"),
        (changes_system(info), "changes between SDR and HDR, and NVDEC tells no frame's tags"),
        (info.pixel_format not in _PIXEL_FORMATS, f"stores {info.pixel_format}, not 4:2:0"),
        (
            not options.device.startswith("cuda"),
            f'is to be decoded on "{options.device}"; nvdec needs device="cuda"',
        ),
    ]
    for applies, reason in reasons:
        if applies:
            raise refusal(info, reason)
    gpu = gpu_of(options.device, info)
    nvc = load_pynvvideocodec(info)
    try:
        caps = capabilities(nvc, gpu, _CODECS[info.codec], info.bit_depth)
    except errors_of(nvc) as error:
        raise refusal(info, f"cannot be checked against the GPU: {first_line(error)}") from error
    if not caps.get("supported", 1):
        raise refusal(info, f"is {info.bit_depth}-bit {info.codec}, which this GPU does not decode")
    height, width = _stored_shape(info)
    for name, size in (("width", width), ("height", height)):
        low, high = caps.get(f"{name}_min", 0), caps.get(f"{name}_max", size)
        if not low <= size <= high:
            raise refusal(info, f"has a {name} of {size}; this GPU decodes {low} to {high} in {info.codec}")


def num_engines(info: VideoInfo, device: str) -> int:
    """Return how many decoders the GPU has, of which each reader keeps one busy; 1 if it does not say.

    Args:
        info: A video that `check` admits there.
        device: `cuda` or `cuda:N`.
    """
    nvc = load_pynvvideocodec(info)
    caps = capabilities(nvc, gpu_of(device, info), _CODECS[info.codec], info.bit_depth)
    return max(1, caps.get("num_decoder_engines", 1))


def verdict_depends_on() -> str | None:
    """Return None: it is asked of the GPU and driver that are there now."""
    return None


def open_backend(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> Backend:
    """Open a file that `check` admits.

    Raises:
        DecodeError: the file cannot be opened.
    """
    return NvdecBackend(index, info, gpu=gpu_of(options.device, info), pool=options.pool)


class NvdecBackend:
    """Frames of one open file by NVDEC, matched by presentation time."""

    def __init__(
        self, index: VideoIndex, info: VideoInfo, *, gpu: int, pool: DecoderPool[CudaDecoder]
    ) -> None:
        self.damaged: set[int] = set()
        self.num_decoded = 0
        self.sample_aspect: Fraction | None = None
        self._index = index
        self._info = info
        self._pool = pool
        # A decoder goes on with another file of its codec and depth whose picture is no larger.
        self._kind = (gpu, _CODECS[info.codec], info.bit_depth)
        self._shape = _stored_shape(info)
        self._tone = table_of_video(info, index.reading.tone)
        self._nvc = load_pynvvideocodec(info)
        self._source = PacketSource(index)
        self._decoder: CudaDecoder | None = None
        self._may_borrow = True
        self._is_borrowed = False
        self._run: _Run | None = None

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma as stored) in host memory; see `Backend`."""
        for index, luma in self.tensor_frames(indices):
            yield index, luma.cpu().numpy()

    def tensor_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, Tensor]]":
        """Yield (index, luma as stored), uint8 [h, w] on the GPU; see `DeviceBackend`."""
        if not indices:
            return
        wanted = {int(self._index.pts[index]) for index in indices}
        last = int(self._index.pts[indices[-1]])
        for index in indices:
            luma = self._frame(index, wanted, last)
            assert self._decoder is not None
            self._decoder.hand_over(luma)
            yield index, luma

    def close(self) -> None:
        """Close the file, and leave the decoder to the next one."""
        decoder, self._decoder, self._run = self._decoder, None, None
        self._source.close()
        if decoder is None:
            return
        try:
            # The end of a stream: the next one begins with parameters of its own.
            decoder.decode(self._nvc.PacketData())
        except errors_of(self._nvc) as error:
            logger.info("the decoder of %s is not used again: %s", self._info.path.name, first_line(error))
            decoder.close()
        else:
            self._pool.give(self._kind, decoder)

    def _frame(self, index: int, wanted: set[int], last: int) -> "Tensor":
        try:
            return self._find(index, wanted, last)
        except _StaleDecoderError as error:
            logger.info("%s gets a decoder of its own: %s", self._info.path.name, error)
            self._may_borrow = False
            return self._find(index, wanted, last)

    def _find(self, index: int, wanted: set[int], last: int) -> "Tensor":
        target = int(self._index.pts[index])
        keyframe = self._index.keyframe_of(index)
        run = self._run
        if run is None or self._must_seek(run, index, target):
            run = self._start_at(keyframe)
        while True:
            pts, luma = self._next_picture(run, index, wanted, last)
            if pts is None or pts > target:
                # A decoder may need a keyframe more than its packets say.
                if run.started > max(keyframe - 2, 0):
                    run = self._start_at(run.started - 1)
                    continue
                if pts is not None:
                    run.ready.appendleft((pts, luma))
                raise self._lost(index, pts)
            run.done = pts
            if pts == target:
                if luma is not None:
                    return luma
                # Decoded for an earlier call that did not want it.
                run = self._start_at(keyframe)

    def _must_seek(self, run: "_Run", index: int, target: int) -> bool:
        if run.done is not None and target <= run.done:
            return True
        keyframe = self._index.keyframe_of(index)
        if keyframe <= run.keyframe:
            return False
        here = 0 if run.done is None else int(np.searchsorted(self._index.pts, run.done))
        return self._index.first_of_keyframe(keyframe) - here > _NEAR_FRAMES

    def _start_at(self, keyframe: int) -> "_Run":
        self._run = None
        self._source.start_at(keyframe)
        if self._decoder is not None:
            # An empty packet ends the stream before: what it still gives belongs to the run before.
            self._decode(None, keyframe)
        self._run = _Run(started=keyframe, keyframe=keyframe, ready=deque())
        return self._run

    def _next_picture(
        self, run: "_Run", index: int, wanted: set[int], last: int
    ) -> "tuple[int | None, Tensor | None]":
        """Return (time, luma) of the next picture; no time at the end, no luma where nobody wants it."""
        while not run.ready:
            if run.ended:
                return None, None
            packet = self._source.next_packet()
            run.ended = packet is None
            if packet is not None and packet.is_keyframe:
                run.keyframe = max(run.keyframe, self._source.keyframe_passed(packet))
            for frame in self._decode(packet, index, first=run.is_new):
                pts = int(frame.getPTS())
                keep = pts in wanted or pts > last
                run.ready.append((pts, self._luma_of(frame) if keep else None))
            run.is_new = False
        return run.ready.popleft()

    def _decode(self, packet: Any, index: int, *, first: bool = False) -> list[Any]:
        """Feed one packet, or None for the end of a stream; the pictures live until the next call."""
        nvc, codec = self._nvc, self._info.codec
        data = nvc.PacketData()
        coded = b""
        if packet is not None:
            extradata = self._source.decoder.extradata
            coded = bytes(packet)
            if codec in ("h264", "hevc"):
                coded = annex_b(codec, extradata, coded)
                # The decoder is told the parameters anew at each start: it may never have seen a first frame.
                coded = (parameter_sets(codec, extradata) if first else b"") + coded
            data.pts = packet.pts
        # The array keeps the bytes in place while the decoder reads them.
        memory = np.frombuffer(coded, np.uint8)
        data.bsl_data, data.bsl = (memory.ctypes.data if coded else 0), len(coded)
        try:
            if self._decoder is None:
                self._decoder = self._make_decoder()
            frames = self._decoder.decode(data)
        except errors_of(nvc) as error:
            decoder, self._decoder, self._run = self._decoder, None, None
            if decoder is not None:
                decoder.close()
            kind = _StaleDecoderError if self._is_borrowed else DecodeError
            raise kind(
                f"NVDEC failed before frame {index} of {self._index.path}: {first_line(error)}; "
                'the file can be read with backend="pyav"',
                path=self._index.path,
            ) from error
        self.num_decoded += len(frames)
        self._is_borrowed &= not frames
        return frames

    def _make_decoder(self) -> CudaDecoder:
        height, width = self._shape
        kept = None
        if self._may_borrow:
            kept = self._pool.take(
                self._kind, lambda other: other.size[0] >= height and other.size[1] >= width
            )
        self._is_borrowed = kept is not None
        if kept is not None:
            return kept
        gpu, codec, _ = self._kind
        return CudaDecoder(self._nvc, gpu=gpu, codec=codec, size=self._shape)

    def _luma_of(self, frame: Any) -> "Tensor":
        assert self._decoder is not None
        return self._decoder.luma_of(frame, self._tone)

    def _lost(self, index: int, next_pts: int | None) -> DecodeError:
        pts = self._index.pts
        stop = len(pts) if next_pts is None else int(np.searchsorted(pts, next_pts))
        return DecodeError(
            f"NVDEC does not output frame {index} ({self._index.seconds_of(index):.3f} s) of "
            f"{self._index.path}: {stop - index} frame(s) lost; reading can go on at frame {stop}, "
            'or with backend="pyav"',
            path=self._index.path,
            lost=range(index, max(stop, index + 1)),
        )


class _StaleDecoderError(DecodeError):
    """A decoder that came from another file failed before it gave a picture of this one."""


@dataclass(slots=True)
class _Run:
    """What is known of decoding since the last seek."""

    started: int
    """Keyframe that it began with."""
    keyframe: int
    """Last keyframe fed to the decoder."""
    ready: "deque[tuple[int, Tensor | None]]"
    done: int | None = None
    """Time of the last picture taken."""
    ended: bool = False
    is_new: bool = True


def _stored_shape(info: VideoInfo) -> tuple[int, int]:
    return (info.width, info.height) if info.rotation in (90, 270) else (info.height, info.width)
