"""The reader that `open_video` gives: all that is the same whatever decodes the file.

A backend yields the stored luma of ascending frames. Order, repeats, rotation, fitting, checks and
ownership are dealt with here, once. Another backend is one more file with a `Backend` in it and one more
name in `open.py`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.fit import plan_fit
from bvas.video.index import VideoIndex
from bvas.video.protocol import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor


class Backend(Protocol):
    """What decodes one open file. It need not check indices, and may assume one process and one thread."""

    damaged: set[int]
    """Frames delivered although a reported error came before them in their keyframe interval."""

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index, luma) for each index; luma is uint8 [h, w] as stored, valid until the next one.

        Args:
            indices: Ascending and distinct, each inside the video.

        Raises:
            DecodeError: a frame is not to be had; `lost` starts with it. The next call works again.
        """
        ...

    def close(self) -> None:
        """Let go of the file and the decoder."""
        ...


@runtime_checkable
class DeviceBackend(Protocol):
    """A backend that decodes on a GPU and can leave the frames there."""

    def tensor_frames(self, indices: Sequence[int]) -> "Iterator[tuple[int, Tensor]]":
        """As `frames`, with CUDA tensors that are complete when they are yielded."""
        ...


class VideoReader:
    """Random access to the luma of one video: a `FrameDecoder` over any backend."""

    def __init__(
        self,
        index: VideoIndex,
        info: VideoInfo,
        *,
        backend: str,
        open_backend: Callable[[], Backend],
        size: tuple[int, int] | None = None,
        device: str = "cpu",
    ) -> None:
        self.index = index
        self.info = info
        self.backend = backend
        self.device = device
        self._plan = plan_fit((info.height, info.width), size, info.sample_aspect)
        self.size = self._plan.size
        self._open_backend = open_backend
        self._opened: Backend | None = None
        self._closed = False
        self._pid = os.getpid()

    @property
    def damaged(self) -> tuple[int, ...]:
        """Frames delivered so far that follow a reported error in their keyframe interval, ascending."""
        return () if self._opened is None else tuple(sorted(self._opened.damaged))

    def read(self, indices: Sequence[int] | NDArray[np.int64]) -> "Tensor":
        """Return the frames at `indices`, uint8 [T, H, W] on the reader's device, in the order asked.

        The tensor is the caller's own. With `nvdec` on a CUDA device the frames are fitted there,
        within 1 of what `read_into` gives where they are resampled.

        Raises:
            IndexError: an index lies outside the video.
            DecodeError: a frame is not output by the decoder.
        """
        import torch

        wanted = self._checked(indices)
        backend = self._backend() if len(wanted) else None
        if isinstance(backend, DeviceBackend) and self.device != "cpu":
            frames = torch.empty((len(wanted), *self.size), dtype=torch.uint8, device=self.device)
            unique, slots = np.unique(wanted, return_inverse=True)
            for rank, (index, luma) in enumerate(backend.tensor_frames(unique.tolist())):
                self._check_shape(index, tuple(luma.shape))
                fitted = self._plan.apply_tensor(torch.rot90(luma, -self.info.rotation // 90))
                for slot in np.flatnonzero(slots == rank):
                    frames[int(slot)].copy_(fitted)
            return frames
        pixels = np.empty((len(wanted), *self.size), dtype=np.uint8)
        self.read_into(wanted, pixels)
        return torch.from_numpy(pixels).to(self.device)

    def read_into(self, indices: Sequence[int] | NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """As `read`, into `out`: uint8 [T, H, W], C-contiguous. Needs no torch.

        Raises:
            IndexError: an index lies outside the video.
            DecodeError: a frame is not output by the decoder; `out` then holds no frames to be used.
            ValueError: `out` has another shape, type or layout.
        """
        wanted = self._checked(indices)
        shape = (len(wanted), *self.size)
        if out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(
                f"out must be uint8 {shape} and C-contiguous, got {out.dtype} {out.shape}; "
                "make it with np.empty((len(indices), *reader.size), np.uint8)"
            )
        if not len(wanted):
            return
        unique, slots = np.unique(wanted, return_inverse=True)
        for rank, (index, luma) in enumerate(self._backend().frames(unique.tolist())):
            first, *repeats = np.flatnonzero(slots == rank)
            self._fit(index, luma, out[first])
            for slot in repeats:
                out[slot] = out[first]

    def stream(
        self, start: int = 0, stop: int | None = None, step: int = 1, batch_size: int = 64
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index of the first frame, uint8 [n, H, W]) in order, n <= batch_size.

        Each batch is the caller's own.

        Args:
            start: First frame.
            stop: Behind the last frame; None for the end.
            step: Source frames from one frame to the next, at least 1.
            batch_size: Frames in a batch, at least 1.

        Raises:
            IndexError: `start` or `stop` lies outside the video.
            DecodeError: frames `error.lost` are not to be had; what came before them was
                yielded, and `stream(error.lost.stop)` goes on behind them.
        """
        stop = self.info.num_frames if stop is None else stop
        if not (0 <= start <= self.info.num_frames and 0 <= stop <= self.info.num_frames):
            raise IndexError(
                f"frames {start} to {stop} of {self.info.path.name} reach outside the video "
                f"({self.info.num_frames} frames)"
            )
        if step < 1 or batch_size < 1:
            raise ValueError(f"step and batch_size must be at least 1, got {step} and {batch_size}")
        self._check_owner()
        return self._batches(range(start, stop, step), batch_size)

    def _batches(self, wanted: range, batch_size: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for offset in range(0, len(wanted), batch_size):
            part = wanted[offset : offset + batch_size]
            batch = np.empty((len(part), *self.size), dtype=np.uint8)
            filled = 0
            try:
                for index, luma in self._backend().frames(part):
                    self._fit(index, luma, batch[filled])
                    filled += 1
            except DecodeError:
                if filled:
                    yield part[0], batch[:filled]
                raise
            yield part[0], batch

    def close(self) -> None:
        """Close the file. A closed reader cannot be used again; closing twice is allowed."""
        self._closed = True
        # A copy of the reader in a forked process has a decoder that is not its own to close.
        if self._opened is not None and os.getpid() == self._pid:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"the reader of {self.info.path.name} cannot be pickled or copied; "
            "send the path, and call open_video in the process that reads"
        )

    def __repr__(self) -> str:
        about = f"{self.info.num_frames} frames, size {self.size}, {self.backend}"
        return f"<VideoReader {self.info.path.name}: {about}>"

    def _check_owner(self) -> None:
        if os.getpid() != self._pid:
            raise RuntimeError(
                f"the reader of {self.info.path.name} was made in process {self._pid} and is used in "
                f"{os.getpid()}; call open_video in the process that reads"
            )
        if self._closed:
            raise RuntimeError(f"the reader of {self.info.path.name} is closed; call open_video again")

    def _backend(self) -> Backend:
        self._check_owner()
        if self._opened is None:
            self._opened = self._open_backend()
        return self._opened

    def _checked(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        self._check_owner()
        wanted: NDArray[Any] = np.asarray(indices)
        if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
            raise TypeError(
                f"indices must be a sequence of integers, got {wanted.dtype} of shape {wanted.shape}"
            )
        outside = wanted[(wanted < 0) | (wanted >= self.info.num_frames)]
        if len(outside):
            self.index.check([int(outside[0])])
        return wanted.astype(np.int64)

    def _check_shape(self, index: int, shape: tuple[int, ...]) -> None:
        height, width = self.info.height, self.info.width
        expected = (width, height) if self.info.rotation in (90, 270) else (height, width)
        if shape != expected:
            raise DecodeError(
                f"frame {index} of {self.info.path.name} is {shape[1]}x{shape[0]}, the video began with "
                f"{expected[1]}x{expected[0]}; re-encode it to one size: ffmpeg -i IN -vf scale=W:H OUT",
                path=self.info.path,
                lost=range(index, index + 1),
            )

    def _fit(self, index: int, luma: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        self._check_shape(index, luma.shape)
        upright = np.rot90(luma, -self.info.rotation // 90) if self.info.rotation else luma
        # cv2 wants rows that lie in memory as they are shown.
        if self._plan.is_resampled:
            upright = np.ascontiguousarray(upright)
        self._plan.apply(upright, out)
