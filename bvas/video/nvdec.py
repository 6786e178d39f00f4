"""Decoding on an NVIDIA GPU with PyNvVideoCodec.

Packets come from libav, from the same keyframes and with the same times as for `pyav`; only their decoding is
NVDEC's. Every frame that it hands out carries the time of its packet, which is compared with the index, so a
frame cannot be taken for its neighbor. NVDEC conceals damage without reporting it; a frame that it does not
output is missed all the same.

The decoder owns a pool of pictures that the next call overwrites, so the luma is copied out first, on the
decoder's CUDA stream, which is waited for before a frame is handed over.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.bitstream import annex_b, parameter_sets
from bvas.video.cuda_side import CudaSide
from bvas.video.index import VideoIndex
from bvas.video.protocol import VideoInfo
from bvas.video.reader import Backend
from bvas.video.seek import PacketSource

if TYPE_CHECKING:
    from torch import Tensor

# Our names of codecs -> PyNvVideoCodec's.
_CODECS = {"h264": "H264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
_PIXEL_FORMATS = ("yuv420p", "yuvj420p", "nv12", "yuv420p10le", "yuv420p12le")
# A keyframe this near is reached by decoding on.
_NEAR_FRAMES = 16


def check(index: VideoIndex, info: VideoInfo, device: str) -> None:
    """Refuse what NVDEC cannot decode here, or not as libav does. Initialises CUDA.

    Raises:
        DecodeError: names the reason, and the remedy.
    """
    reasons = [
        (index.decode_order, "carries no reliable presentation times"),
        (info.interlaced, "is interlaced, which NVDEC deinterlaces in its own way"),
        (info.codec not in _CODECS, f"is coded as {info.codec}, not one of {', '.join(_CODECS)}"),
        (info.pixel_format not in _PIXEL_FORMATS, f"stores {info.pixel_format}, not 4:2:0"),
        (not device.startswith("cuda"), f'is to be decoded on "{device}"; nvdec needs device="cuda"'),
    ]
    for applies, reason in reasons:
        if applies:
            raise _refusal(info, reason)
    gpu = _gpu_of(device, info)
    nvc = _load(info)
    try:
        caps = nvc.GetDecoderCaps(
            gpuid=gpu,
            codec=getattr(nvc.cudaVideoCodec, _CODECS[info.codec]),
            chromaformat=getattr(nvc.cudaVideoChromaFormat, "420"),
            bitdepth=info.bit_depth,
        )
    except _errors_of(nvc) as error:
        raise _refusal(info, f"cannot be checked against the GPU: {_first_line(error)}") from error
    if not caps.get("supported", 1):
        raise _refusal(info, f"is {info.bit_depth}-bit {info.codec}, which this GPU does not decode")
    height, width = _stored_shape(info)
    for name, size in (("width", width), ("height", height)):
        low, high = caps.get(f"{name}_min", 0), caps.get(f"{name}_max", size)
        if not low <= size <= high:
            raise _refusal(info, f"has a {name} of {size}; this GPU decodes {low} to {high} in {info.codec}")


def open_backend(index: VideoIndex, info: VideoInfo, device: str) -> Backend:
    """Open a file that `check` admits.

    Raises:
        DecodeError: the file cannot be opened.
    """
    return NvdecBackend(index, info, gpu=_gpu_of(device, info))


class NvdecBackend:
    """Frames of one open file by NVDEC, matched by presentation time."""

    def __init__(self, index: VideoIndex, info: VideoInfo, *, gpu: int) -> None:
        self.damaged: set[int] = set()
        self._index = index
        self._info = info
        self._nvc = _load(info)
        self._side = CudaSide(gpu)
        self._source = PacketSource(index)
        self._decoder: Any = None
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
            self._side.hand_over(luma)
            yield index, luma

    def close(self) -> None:
        """Close the file and end decoding."""
        self._run = None
        self._decoder = None
        self._source.close()

    def _frame(self, index: int, wanted: set[int], last: int) -> "Tensor":
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
                run.ready.append((pts, self._side.luma_of(frame) if keep else None))
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
                self._decoder = self._side.create_decoder(nvc, _CODECS[codec])
            return list(self._side.run(self._decoder.Decode, data))
        except _errors_of(nvc) as error:
            self._run = self._decoder = None
            raise DecodeError(
                f"NVDEC failed before frame {index} of {self._index.path}: {_first_line(error)}; "
                'the file can be read with backend="pyav"',
                path=self._index.path,
            ) from error

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


def _load(info: VideoInfo) -> Any:
    # It links the driver's libraries when it is imported, so it is imported by whom decodes with it, and
    # fails with whatever its loader raises.
    try:
        return import_module("PyNvVideoCodec")
    except (ImportError, RuntimeError, OSError) as error:
        raise _refusal(
            info,
            f"cannot be decoded by NVDEC here, PyNvVideoCodec does not load ({_first_line(error)}): "
            "install the NVIDIA driver; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video",
        ) from error


def _gpu_of(device: str, info: VideoInfo) -> int:
    import torch

    if not torch.cuda.is_available():
        raise _refusal(info, "cannot be decoded by NVDEC here, torch finds no CUDA device")
    gpu = torch.device(device).index
    gpu = torch.cuda.current_device() if gpu is None else gpu
    if gpu >= torch.cuda.device_count():
        raise _refusal(
            info, f"is to be decoded on {device}, torch has {torch.cuda.device_count()} CUDA devices"
        )
    return gpu


def _errors_of(nvc: Any) -> tuple[type[Exception], ...]:
    return (RuntimeError, ValueError, nvc.PyNvVCException, nvc.PyNvVCExceptionUnsupported)


def _stored_shape(info: VideoInfo) -> tuple[int, int]:
    return (info.width, info.height) if info.rotation in (90, 270) else (info.height, info.width)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _refusal(info: VideoInfo, reason: str) -> DecodeError:
    return DecodeError(f'{info.path} {reason}; backend="pyav" reads it on the CPU', path=info.path)
