"""`FrameStream`: protocol of readers of frames in order."""

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_info import VideoInfo


class FrameStream(Protocol):
    """The luma plane of one video, frame after frame.

    Index 0 is the first shown frame. Frames are uint8, upright, `size` = (H, W): the picture's own size, or the
    one that was asked for when the video was opened.

    A reader belongs to one process: it refuses to be pickled, and to be used after a fork. Any thread may use it,
    one at a time. What a second thread calls meanwhile (the next step of a stream, close) raises a RuntimeError and
    changes nothing. Threads that read at the same time need a reader each.

    `open_stream` returns one for a source that runs (pipe, growing file, URL). It gives each frame once; `index`
    and `info` cover the frames known so far, and equal those of the saved file at the end.
    """

    backend: str
    """`pyav`, `opencv` or `nvdec`."""
    size: tuple[int, int]
    """(H, W) of the frames it gives."""

    @property
    def index(self) -> VideoIndex:
        """The frames; those known so far while the source runs."""
        ...

    @property
    def info(self) -> VideoInfo:
        """Facts about the video; `damaged` grows with what is read."""
        ...

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, those on the way to wanted ones included."""
        ...

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame in seconds from the first one.

        Raises:
            IndexError: `index` lies outside [0, num_frames).
        """
        ...

    def stream(
        self, start: int = 0, stop: int | None = None, step: int = 1, batch_size: int = 16
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Yield (index of the first frame, uint8 [n, H, W]) in order, n <= batch_size.

        Raises:
            DecodeError: the decoder does not output the frames `error.lost`. Those before them were yielded;
                `stream(error.lost.stop)` continues behind them.
        """
        ...

    def close(self) -> None:
        """Close the source. Closing twice is allowed; any read afterwards is an error.

        Raises:
            RuntimeError: another thread reads from it now; it stays open.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
