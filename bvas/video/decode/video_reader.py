"""`FrameReader`: random access to one file, over any backend.

A backend (backends.py) yields luma or color planes of ascending frames, as stored. Order, repeats, rotation, fitting,
checks and ownership are handled here, once.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.closing import Closing
from bvas.values.checks import integer
from bvas.values.color import FrameForm
from bvas.values.input_format import WHOLE_PICTURE, Cut
from bvas.values.plural import count_text
from bvas.video.decode.backends import Backend, Batches, DeviceBackend, Indices, PictureBackend
from bvas.video.decode.color_fit import ColorFit
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.reader_ownership import Ownership, owned
from bvas.video.decode.rgb_bytes import RgbFit
from bvas.video.index.frame_table import VideoIndex, VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

_BATCH_FRAMES = 16
# glibc keeps memory up to this size for the next allocation.
_BATCH_BYTES = 32 << 20

FrameFit: TypeAlias = UprightFit | ColorFit | RgbFit
"""Stored luma or planes to the frames that a reader returns."""


def form_of(fit: FrameFit, info: VideoInfo) -> FrameForm:
    """Return what the bytes of fitted luma or planes mean."""
    return info.color_range if isinstance(fit, UprightFit) else fit.layout


class FrameReader(Closing):
    """Random access to the frames of a finished file, as `open_video` returns it: also a `FrameStream`.

    The file is opened at the first read.
    """

    def __init__(
        self,
        index: VideoIndex,
        info: VideoInfo,
        *,
        backend: str,
        open_backend: Callable[[], Backend],
        fit: FrameFit,
        device: str = "cpu",
        num_engines: int = 1,
    ) -> None:
        self.index = index
        self._info = info
        self.backend = backend
        """`pyav`, `opencv` or `nvdec`."""
        self.device = device
        self.num_engines = num_engines
        """Decoders of the machine of which each reader of this file keeps one busy: those of the GPU, or 1."""
        self._fit = fit
        self.size = fit.size
        """(H, W) of the frames it gives."""
        self.frame_shape = fit.frame_shape
        """Shape of a frame: (H, W) of luma, (H, W, 3) of RGB, (bytes,) of planes."""
        self.form = form_of(fit, info)
        """What the bytes of luma or planes mean; RGB is made of the latter."""
        self._open_backend = open_backend
        self._opened: Backend | None = None
        self._owner = Ownership(info.path.name)

    @property
    def info(self) -> VideoInfo:
        """Facts about the video; `damaged` grows with what is read. Any thread may ask."""
        # One look at the attribute: another thread may read, or close the reader, meanwhile.
        opened = self._opened
        if opened is not None and len(opened.damaged) != len(self._info.damaged):
            self._info = replace(self._info, damaged=tuple(sorted(opened.damaged)))
        return self._info

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, those on the way to wanted ones included."""
        return 0 if self._opened is None else self._opened.num_decoded

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame from the first one; see `VideoIndex.seconds_of`."""
        return self.index.seconds_of(index)

    def frame_at(self, seconds: float) -> int:
        """Return the frame on screen at a time; see `VideoIndex.frame_at`."""
        return self.index.frame_at(seconds)

    @owned
    def read(self, indices: Indices, cuts: Sequence[Cut] | None = None) -> "Tensor":
        """Return the frames at `indices`, uint8 `[T, *frame_shape]` on the reader's device, in the order asked.

        That is [T, H, W] of luma, [T, H, W, 3] of RGB, [T, bytes] of planes. The tensor is the caller's own. With
        `nvdec` on a CUDA device the frames are fitted there, within 1 of the pixels of `read_into` where they are
        resampled. It needs PyTorch, which `read_array`, `read_into` and `stream` do not.

        Args:
            indices: Frames, in any order.
            cuts: Part of each picture that fills the frame; None: by the reader's `fit`. `box_cuts` makes
                them of boxes.

        Raises:
            IndexError: an index lies outside the video.
            DecodeError: a frame is not output by the decoder.
        """
        import torch

        wanted = self._checked(indices, cuts)
        if len(wanted) and self.device != "cpu" and isinstance(self._backend(), DeviceBackend):
            frames = torch.empty((len(wanted), *self.frame_shape), dtype=torch.uint8, device=self.device)
            self.read_to(wanted, list(frames), cuts)
            return frames
        return torch.from_numpy(self.read_array(wanted, cuts)).to(self.device)

    @owned
    def read_array(self, indices: Indices, cuts: Sequence[Cut] | None = None) -> NDArray[np.uint8]:
        """As `read`, as an array in the CPU's memory, without PyTorch."""
        wanted = self._checked(indices, cuts)
        pixels = np.empty((len(wanted), *self.frame_shape), dtype=np.uint8)
        self.read_into(wanted, pixels, cuts)
        return pixels

    @owned
    def read_to(self, indices: Indices, outs: Sequence["Tensor"], cuts: Sequence[Cut] | None = None) -> None:
        """As `read`, each frame into a tensor of `outs`, uint8 `[*frame_shape]`, on the reader's device.

        The copies are on the current stream of their device: synchronize it before another process reads them.

        Raises:
            IndexError: an index lies outside the video.
            DecodeError: a frame is not output by the decoder; the content of `outs` is then undefined.
            ValueError: `outs` are fewer or more than the indices, or one has another shape or type.
        """
        import torch

        wanted = self._checked(indices, cuts)
        self._check_outs(len(wanted), [(tuple(out.shape), out.dtype == torch.uint8) for out in outs])
        if not len(wanted):
            return
        backend = self._backend()
        if not isinstance(backend, DeviceBackend):
            for out, frame in zip(outs, self.read(wanted, cuts), strict=True):
                out.copy_(frame)
            return
        unique, slots = np.unique(wanted, return_inverse=True)
        for rank, (index, stored) in enumerate(self._tensors(backend, unique.tolist())):
            done: dict[Cut, Tensor] = {}
            for slot in np.flatnonzero(slots == rank).tolist():
                cut = WHOLE_PICTURE if cuts is None else cuts[slot]
                if cut not in done:
                    done[cut] = self._fit.apply_tensor(index, stored, backend.sample_aspect, cut)
                outs[slot].copy_(done[cut])

    @owned
    def read_into(
        self,
        indices: Indices,
        out: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
        cuts: Sequence[Cut] | None = None,
    ) -> None:
        """As `read`, into `out`: uint8 `[T, *frame_shape]`, C-contiguous, or T arrays `[*frame_shape]`. Needs no torch.

        Raises:
            IndexError: an index lies outside the video.
            DecodeError: a frame is not output by the decoder; the content of `out` is then undefined.
            ValueError: `out` has another shape, type or layout.
        """
        wanted = self._checked(indices, cuts)
        shape = (len(wanted), *self.frame_shape)
        if not isinstance(out, np.ndarray):
            self._check_outs(len(wanted), [(frame.shape, frame.dtype == np.uint8) for frame in out])
        elif out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(
                f"out must be uint8 {shape} and C-contiguous, got {out.dtype} {out.shape}; "
                "make it with np.empty((len(indices), *reader.frame_shape), np.uint8)"
            )
        if not len(wanted):
            return
        outs = list(out)
        unique, slots = np.unique(wanted, return_inverse=True)
        backend = self._backend()
        for rank, (index, stored) in enumerate(self._arrays(backend, unique.tolist())):
            done: dict[Cut, NDArray[np.uint8]] = {}
            for slot in np.flatnonzero(slots == rank).tolist():
                cut = WHOLE_PICTURE if cuts is None else cuts[slot]
                if cut in done:
                    outs[slot][...] = done[cut]
                    continue
                self._fit.apply(index, stored, outs[slot], backend.sample_aspect, cut)
                done[cut] = outs[slot]

    @owned
    def stream(
        self, start: int = 0, stop: int | None = None, step: int = 1, batch_size: int | None = None
    ) -> Batches:
        """Yield (index of the first frame, uint8 `[n, *frame_shape]`) in order, n <= batch_size.

        Each batch is the caller's own.

        Args:
            start: First frame.
            stop: Behind the last frame; None for the end.
            step: Source frames from one frame to the next, at least 1.
            batch_size: Frames in a batch, at least 1. None: 16, or as many as fit into 32 MB (12 of RGB at 720p).
                Larger memory is allocated from the system for each batch, which costs a fifth of the decoding.

        Raises:
            IndexError: `start` or `stop` lies outside the video.
            DecodeError: the decoder does not output the frames `error.lost`. Those before them were yielded;
                `stream(error.lost.stop)` continues behind them.
        """
        if batch_size is None:
            batch_size = max(1, min(_BATCH_FRAMES, _BATCH_BYTES // math.prod(self.frame_shape)))
        start, step, batch_size = integer(start), integer(step), integer(batch_size)
        stop = self._info.num_frames if stop is None else integer(stop)
        if not (0 <= start <= self._info.num_frames and 0 <= stop <= self._info.num_frames):
            name, held = self._info.path.name, count_text(self._info.num_frames, "frame")
            raise IndexError(f"frames {start} to {stop} of {name} reach outside the video ({held})")
        if step < 1 or batch_size < 1:
            raise ValueError(f"step and batch_size must be at least 1, got {step} and {batch_size}")
        return self._owner.steps(self._batches(range(start, stop, step), batch_size))

    def _batches(self, wanted: range, batch_size: int) -> Batches:
        for offset in range(0, len(wanted), batch_size):
            part = wanted[offset : offset + batch_size]
            batch = np.empty((len(part), *self.frame_shape), dtype=np.uint8)
            filled = 0
            try:
                backend = self._backend()
                for index, stored in self._arrays(backend, part):
                    self._fit.apply(index, stored, batch[filled], backend.sample_aspect)
                    filled += 1
            except DecodeError:
                if filled:
                    yield part[0], batch[:filled]
                raise
            yield part[0], batch

    def close(self) -> None:
        """Close the file. A closed reader cannot be used again; closing twice is allowed.

        Raises:
            RuntimeError: another thread reads from it now; it stays open.
        """
        with self._owner.closing() as is_here:
            # The closed backend is kept: what it has counted can still be asked for.
            if self._opened is not None and is_here:
                self._opened.close()

    def __reduce__(self) -> NoReturn:
        self._owner.refuse_pickling()

    def __repr__(self) -> str:
        about = f"{count_text(self._info.num_frames, 'frame')}, size {self.size}, {self.backend}"
        return f"<FrameReader {self._info.path.name}: {about}>"

    def _arrays(self, backend: Backend, indices: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Return what the backend gives of these frames in host memory: luma, or for color its planes."""
        if isinstance(self._fit, UprightFit):
            return backend.frames(indices)
        if isinstance(backend, DeviceBackend):
            frames = backend.tensor_color_frames(indices)
            return ((index, tuple(plane.cpu().numpy() for plane in planes)) for index, planes in frames)
        assert isinstance(backend, PictureBackend), backend
        return backend.color_frames(indices)

    def _tensors(self, backend: DeviceBackend, indices: Sequence[int]) -> Iterator[tuple[int, Any]]:
        if isinstance(self._fit, UprightFit):
            return backend.tensor_frames(indices)
        return backend.tensor_color_frames(indices)

    def _backend(self) -> Backend:
        if self._opened is None:
            self._opened = self._open_backend()
        return self._opened

    def _checked(self, indices: Indices, cuts: Sequence[Cut] | None) -> NDArray[np.int64]:
        wanted: NDArray[Any] = np.asarray(indices)
        if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
            raise TypeError(
                f"indices must be a sequence of integers, got {wanted.dtype} of shape {wanted.shape}"
            )
        outside = wanted[(wanted < 0) | (wanted >= self._info.num_frames)]
        if len(outside):
            self.index.check([int(outside[0])])
        if cuts is not None and len(cuts) != len(wanted):
            raise ValueError(f"{len(wanted)} indices need as many cuts, got {len(cuts)}")
        return wanted.astype(np.int64)

    def _check_outs(self, num_wanted: int, outs: Sequence[tuple[tuple[int, ...], bool]]) -> None:
        """Refuse output frames of another shape or type, and other numbers of them than indices."""
        wrong = [shape for shape, is_uint8 in outs if shape != self.frame_shape or not is_uint8]
        if wrong or len(outs) != num_wanted:
            about = f", one of them {wrong[0]}" if wrong else ""
            raise ValueError(
                f"{num_wanted} indices need as many uint8 frames of shape {self.frame_shape} to fill, "
                f"got {len(outs)}{about}"
            )
