"""What a reader of one video is, whatever decodes it."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bvas.video.index.video_info import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

    from bvas.video.index.video_index import VideoIndex


class FrameDecoder(Protocol):
    """The luma plane of one video: random access to a file, or a stream of what comes only once.

    Index 0 is the first shown frame. Frames are uint8, upright, `size` = (H, W): the
    picture's own size, or the one that `open_video` was asked to fit it into. A decoder belongs to one
    process: it opens the file at the first read, refuses to be pickled and to be used after a fork. Any thread
    may use it, one at a time: whatever another one calls meanwhile (read, the next step of a stream, close)
    raises a RuntimeError and changes nothing. So threads that read at once have a reader each.

    A source that cannot be indexed beforehand (pipe, growing file, URL) gives its frames by `stream`, each
    once; `index` and `info` are of the frames known so far, and equal those of the saved file at the end.
    """

    backend: str
    """`pyav`, `opencv` or `nvdec`."""
    size: tuple[int, int]
    """(H, W) of the frames it gives."""
    is_growing: bool
    """There is no random access: frames come by `stream` only, and more of them become known."""

    @property
    def index(self) -> "VideoIndex":
        """The frames; of a growing source those known so far."""
        ...

    @property
    def info(self) -> VideoInfo:
        """What is known of the video; `damaged` grows with what is read."""
        ...

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, those on the way to wanted ones included."""
        ...

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame from the first one.

        Raises:
            IndexError: `index` lies outside [0, num_frames).
        """
        ...

    def frame_at(self, seconds: float) -> int:
        """Return the frame on screen at a time, with half a time-base tick of tolerance."""
        ...

    def read(self, indices: Sequence[int] | NDArray[np.int64]) -> "Tensor":
        """Return the frames at `indices`, uint8 [T, H, W], in the order asked, repeats allowed.

        Raises:
            IndexError: an index lies outside [0, num_frames).
            DecodeError: the stream is damaged at one of the frames, or the source is read only once.
        """
        ...

    def read_into(
        self,
        indices: Sequence[int] | NDArray[np.int64],
        out: NDArray[np.uint8] | Sequence[NDArray[np.uint8]],
    ) -> None:
        """As `read`, into `out`: uint8 [T, H, W], C-contiguous, or T arrays uint8 [H, W]."""
        ...

    def read_to(self, indices: Sequence[int] | NDArray[np.int64], outs: Sequence["Tensor"]) -> None:
        """As `read`, each frame into a tensor of `outs`, uint8 [H, W]."""
        ...

    def stream(
        self, start: int = 0, stop: int | None = None, step: int = 1, batch_size: int = 16
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index of the first frame, uint8 [n, H, W]) in order, n <= batch_size.

        Raises:
            DecodeError: frames `error.lost` are not to be had; what came before them was
                yielded, and `stream(error.lost.stop)` goes on behind them.
        """
        ...

    def close(self) -> None:
        """Close the file; a second call does nothing, any read after it is an error.

        Raises:
            RuntimeError: another thread reads from it now; it stays open.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
