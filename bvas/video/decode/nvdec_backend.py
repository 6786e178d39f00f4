"""Decoding on an NVIDIA GPU with PyNvVideoCodec.

Packets come from libav, from the same keyframes and with the same times as for `pyav`; only the decoding is NVDEC's.
Every picture carries the time of its packet, which is compared with the index, so a frame cannot be taken for its
neighbor. NVDEC conceals damage without reporting it; a frame that it does not output is still noticed.

The decoder owns a pool of pictures that its next call overwrites. So the luma is copied out first, on the decoder's
CUDA stream, which is waited for before a frame is returned. A decoder serves one sequence header (nvdec_session.py);
when its reader is closed, the next file with an equal header takes it over (`DecoderPool`).
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bvas.errors import DecodeError
from bvas.system.log_lines import first_line
from bvas.system.nvdec_caps import decoder_caps
from bvas.video.container.time_repair import NO_TIME
from bvas.video.decode.backends import Backend, BackendOptions, DeviceBackend, TensorPlanes
from bvas.video.decode.nvdec_session import CODECS, NvdecSession, Picture, SessionError
from bvas.video.decode.packet_seek import PacketSource
from bvas.video.decode.pynvvideocodec import DecoderPool, gpu_of, load_pynvvideocodec, refusal
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import changes_system, table_of_video

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

_PIXEL_FORMATS = ("yuv420p", "yuvj420p", "nv12", "yuv420p10le", "yuv420p12le")


def check(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
    """Refuse what NVDEC cannot decode here, or not as libav does. Initialises CUDA.

    Raises:
        DecodeError: names the reason, and the remedy.
    """
    device = options.device
    reasons = [
        (index.decode_order, "carries no reliable presentation times"),
        (info.interlaced, "is interlaced, which NVDEC deinterlaces in its own way"),
        (
            info.crops_corner,
            "cuts rows off the top or columns off the left of its coded pictures, which PyNvVideoCodec does not",
        ),
        (
            info.changes_headers and index.container == "flv",
            "changes its headers, which an flv holds only where they change and not where decoding starts",
        ),
        (info.codec not in CODECS, f"is coded as {info.codec}, not one of {', '.join(CODECS)}"),
        (
            options.is_color and table_of_video(info, index.reading.tone) is not None,
            "is HDR, whose color is mapped to SDR on the CPU",
        ),
        (changes_system(info), "changes between SDR and HDR, and NVDEC does not give the tags of frames"),
        (info.pixel_format not in _PIXEL_FORMATS, f"stores {info.pixel_format}, not 4:2:0"),
        (not device.startswith("cuda"), f'is to be decoded on "{device}"; nvdec needs device="cuda"'),
    ]
    for applies, reason in reasons:
        if applies:
            raise refusal(info, reason)
    gpu = gpu_of(device, info)
    load_pynvvideocodec(info)
    try:
        caps = decoder_caps(gpu, info.codec, info.bit_depth)
    except (OSError, RuntimeError) as error:
        raise refusal(info, f"cannot be checked against the GPU: {first_line(error)}") from error
    if not caps.is_supported:
        raise refusal(info, f"is {info.bit_depth}-bit {info.codec}, which this GPU does not decode")
    height, width = info.stored_size
    for name, size, low, high in (
        ("width", width, caps.min_width, caps.max_width),
        ("height", height, caps.min_height, caps.max_height),
    ):
        if not low <= size <= high:
            raise refusal(info, f"has a {name} of {size}; this GPU decodes {low} to {high} in {info.codec}")
    num, most = -(-width // 16) * -(-height // 16), caps.max_macroblocks
    if num > most:
        raise refusal(
            info, f"has pictures of {num} macroblocks; this GPU decodes up to {most} in {info.codec}"
        )


def open_backend(index: VideoIndex, info: VideoInfo, options: BackendOptions) -> Backend:
    """Open a file that `check` admits.

    Raises:
        DecodeError: the file cannot be opened.
    """
    return NvdecBackend(index, info, options)


class NvdecBackend(DeviceBackend):
    """Frames of one open file by NVDEC, matched by presentation time."""

    def __init__(self, index: VideoIndex, info: VideoInfo, options: BackendOptions) -> None:
        self._index = index
        self._info = info
        nvc = load_pynvvideocodec(info)
        self._source = PacketSource(index)
        self._first_aspect = self._source.decoder.sample_aspect_ratio
        # Without a pool, a decoder ends with its reader.
        pool = DecoderPool(max_idle=0) if options.pool is None else options.pool
        tone = table_of_video(info, index.reading.tone)
        self._session = NvdecSession(
            nvc, gpu_of(options.device, info), info, tone, pool, is_color=options.is_color
        )
        self._run: _Run | None = None

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, wanted or not."""
        return self._session.num_decoded

    def tensor_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, Tensor]]":
        """Yield (index, luma as stored), uint8 [h, w] on the GPU; see `DeviceBackend`."""
        for index, planes in self._pictures(indices):
            yield index, planes[0]

    def tensor_color_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, TensorPlanes]]":
        """Yield (index, luma and chroma as stored) on the GPU; see `DeviceBackend`."""
        for index, planes in self._pictures(indices):
            luma, blue, red = planes
            yield index, (luma, blue, red)

    def _pictures(self, indices: Sequence[int]) -> "Iterator[tuple[int, Sequence[Tensor]]]":
        if not indices:
            return
        wanted = {int(self._index.pts[index]) for index in indices}
        last = int(self._index.pts[indices[-1]])
        for index in indices:
            planes, aspect = self._frame(index, lambda pts: pts in wanted or pts > last)
            self.sample_aspect = None if aspect == self._first_aspect else aspect or Fraction(1)
            for plane in planes:
                self._session.hand_over(plane)
            yield index, planes

    def close(self) -> None:
        """Close the file, and leave the decoder to the next one like it."""
        self._run = None
        self._source.close()
        self._session.close()

    def _frame(self, index: int, keep: Callable[[int], bool]) -> "tuple[Sequence[Tensor], Fraction | None]":
        while True:
            try:
                return self._find(index, keep)
            except SessionError as error:
                self._run = None
                if not error.was_borrowed:
                    raise self._index.error(
                        f"NVDEC failed before frame {index} of {self._index.path}: {error}; "
                        'the file can be read with backend="pyav"',
                    ) from error
                logger.info("%s gets a decoder of its own: %s", self._info.path.name, error)
                self._session.may_borrow = False

    def _find(self, index: int, keep: Callable[[int], bool]) -> "tuple[Sequence[Tensor], Fraction | None]":
        target = int(self._index.pts[index])
        keyframe = self._index.keyframe_of(index)
        run = self._run
        if run is None or target <= run.done or self._source.is_far(index, run.done, run.keyframe):
            run = self._start_at(keyframe)
        while True:
            picture = self._next_picture(run, keep)
            if picture is None or picture.pts > target:
                # A decoder may need to start one keyframe earlier than the packets' flags say.
                if run.started > max(keyframe - 2, 0):
                    run = self._start_at(run.started - 1)
                    continue
                if picture is not None:
                    run.ready.appendleft(picture)
                raise self._lost(index, None if picture is None else picture.pts)
            run.done = picture.pts
            if picture.pts == target:
                if picture.planes is not None:
                    return picture.planes, picture.sample_aspect
                # It was decoded for an earlier call that did not keep it.
                run = self._start_at(keyframe)

    def _start_at(self, keyframe: int) -> "_Run":
        self._run = None
        self._source.start_at(keyframe)
        self._session.begin()
        self._run = _Run(started=keyframe, keyframe=keyframe, ready=deque())
        return self._run

    def _next_picture(self, run: "_Run", keep: Callable[[int], bool]) -> Picture | None:
        """Return the next picture, without planes where it is not wanted; None at the end."""
        while not run.ready:
            if run.ended:
                return None
            packet = self._source.next_packet()
            run.ended = packet is None
            if packet is not None and packet.is_keyframe:
                run.keyframe = max(run.keyframe, self._source.keyframe_passed(packet))
            run.ready += self._session.decode(packet, self._source.extradata, keep)
        return run.ready.popleft()

    def _lost(self, index: int, next_pts: int | None) -> DecodeError:
        pts = self._index.pts
        stop = len(pts) if next_pts is None else int(np.searchsorted(pts, next_pts))
        return self._index.error(
            f"NVDEC does not output frame {index} ({self._index.seconds_of(index):.3f} s) of "
            f"{self._index.path}: {stop - index} frame(s) lost; reading can continue at frame {stop}, "
            'or with backend="pyav"',
            lost=range(index, max(stop, index + 1)),
        )


@dataclass(slots=True)
class _Run:
    """State of decoding since the last seek."""

    started: int
    """Keyframe that it began with."""
    keyframe: int
    """Last keyframe fed to the decoder."""
    ready: deque[Picture]
    done: int = NO_TIME
    """Time of the last picture taken."""
    ended: bool = False
