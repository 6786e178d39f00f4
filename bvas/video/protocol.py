"""What a reader of one video is, whatever decodes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bvas.luma import ColorRange
from bvas.video.coded_rate import RateOrigin
from bvas.video.color_tags import NO_TAGS, ColorTags
from bvas.video.dolby_vision import DolbyVision
from bvas.video.streams import VideoStream

if TYPE_CHECKING:
    from torch import Tensor

    from bvas.video.index import VideoIndex


class KeyframeIntervals(NamedTuple):
    """Frames from a keyframe up to the next one, or to the end."""

    shortest: int
    median: int
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What is known of a video before a frame of it is decoded."""

    path: Path
    num_frames: int
    """Shown frames, exactly."""
    height: int
    """Rows of an upright picture (rotation tag applied, sample aspect not)."""
    width: int
    sample_aspect: Fraction
    """Width of a sample over its height, in the upright picture; 1 for square samples."""
    rate: Fraction
    """Average frames per second."""
    variable_rate: bool
    duration_seconds: float
    """From the first shown frame to the end of the last."""
    start_seconds: float
    """The container's own time of the first shown frame; add it where a player wants its own clock."""
    codec: str
    pixel_format: str
    bit_depth: int
    color_range: ColorRange
    rotation: int
    """Degrees clockwise that the stored picture is turned by to stand upright: 0, 90, 180 or 270."""
    mirrored: bool
    """The stored picture is flipped left to right before it is turned, as front cameras have it."""
    interlaced: bool
    """Some frames are made of two fields, or the stream's headers allow them to be."""
    keyframe_intervals: KeyframeIntervals
    crops_corner: bool = False
    """Headers of the stream cut rows off the top, or columns off the left, of the coded picture."""
    changes_headers: bool = False
    """The headers beside the stream are followed by others within it."""
    streams: tuple[VideoStream, ...] = ()
    """Video streams of the container, of which `index.stream` is the number of the one that is read."""
    rate_origin: RateOrigin = "times"
    """What says how many frames a second there are."""
    choices: tuple[str, ...] = ()
    """What was chosen or assumed for want of a word by the file or the caller, and what is not read; a line each."""
    color: ColorTags = NO_TAGS
    """Transfer characteristic, primaries and matrix of the first frame: the bitstream's, else the container's."""
    container_color: ColorTags = NO_TAGS
    """The container's own tags, which count where the bitstream has none."""
    later_transfers: tuple[int, ...] = ()
    """Transfer characteristics that later headers name and the first frame does not (ITU-T H.273)."""
    dolby_vision: DolbyVision | None = None
    damaged: tuple[int, ...] = ()
    """Frames delivered so far that follow an error which the decoder reported in their keyframe interval."""


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
