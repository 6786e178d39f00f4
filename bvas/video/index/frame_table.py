"""Frame table and facts of a video: which frames it shows, at what times, where decoding starts, what a clip costs."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.notices import warn_once
from bvas.values.checks import checked_index, checked_seconds
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import ColorRange
from bvas.values.plural import count_text
from bvas.video.container.coded_rate import RateOrigin
from bvas.video.container.color_tags import NO_TAGS, ColorTags
from bvas.video.container.dolby_vision import DolbyVision
from bvas.video.container.open_container import open_container
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.container.stream_choice import VideoStream
from bvas.video.container.transport_stream import Joints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoIndex:
    """The shown frames of one video in presentation order, and where decoding can start.

    Index 0 is the first shown frame, and time 0 is its time. Pictures that an edit list cuts away, and leading
    pictures that cannot be decoded, are not counted. The container's frame count, rate and seeking by number are not
    used.
    """

    path: Path
    stream: int
    """Number of the video stream in the container, as ffprobe counts all its streams."""
    time_base: Fraction
    """Seconds of a tick."""
    pts: NDArray[np.int64]
    """Presentation time of each frame in ticks of the container's clock, int64 [L], strictly ascending."""
    last_duration: int
    """Ticks that the last frame is shown for."""
    keyframe_pts: NDArray[np.int64]
    """Presentation times of the keyframes, int64, strictly ascending; some may not be shown themselves."""
    keyframe_dts: NDArray[np.int64]
    """Decoding times of the same keyframes."""
    seek_by_dts: bool
    """A keyframe is found by its decoding time (mpegts, flv), not by its presentation time."""
    decode_order: bool
    """Packets carry no reliable times: frames are numbered as they come out, and read in order."""
    gradual_refresh: bool
    """Some keyframes only begin a gradual refresh, or are not keyframes at all; reads begin farther back."""
    container: str
    """Short name that libav has for the container, such as `mov`, `matroska`, `mpegts`, `avi`."""
    rate: Fraction
    """Frames per second: the constant rate that the times follow, else their average."""
    variable_rate: bool
    reading: ReadOptions = DEFAULT_READING
    """How the file is read; `open` reads it alike."""
    is_fetched: bool = False
    """The pieces of a playlist are joined outside libav."""
    joints: Joints | None = None
    """Of a transport stream: places where its video continues in packets of another kind."""

    def __post_init__(self) -> None:
        for array in (self.pts, self.keyframe_pts, self.keyframe_dts):
            array.setflags(write=False)

    def open(self) -> tuple[Any, Any]:
        """Open the file as it was opened for this index; return and errors as of `open_container`."""
        reading = replace(self.reading, stream=self.stream)
        return open_container(self.path, reading=reading, joints=self.joints, is_fetched=self.is_fetched)

    @property
    def num_frames(self) -> int:
        """Shown frames (L)."""
        return len(self.pts)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Time of each frame from the first, float64 [L]."""
        seconds: NDArray[np.float64] = (
            (self.pts - self.pts[0]) * self.time_base.numerator / self.time_base.denominator
        )
        return seconds

    @property
    def duration_seconds(self) -> float:
        """Time from the first shown frame to the end of the last."""
        return float((int(self.pts[-1] - self.pts[0]) + self.last_duration) * self.time_base)

    @property
    def keyframe_intervals(self) -> NDArray[np.int64]:
        """Frames shown from each keyframe up to the next one, or to the end; int64, one for each keyframe."""
        first_frames = np.searchsorted(self.pts, self.keyframe_pts)
        return np.diff(np.append(first_frames, self.num_frames)).astype(np.int64)

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame from the first one.

        Raises:
            IndexError: `index` lies outside [0, num_frames).
            TypeError: it is not an integer.
        """
        index = checked_index(index)
        self.check([index])
        return float((int(self.pts[index]) - int(self.pts[0])) * self.time_base)

    def ticks_of(self, index: int) -> int:
        """Return how long a frame is shown, in ticks."""
        is_last = index + 1 == self.num_frames
        return self.last_duration if is_last else int(self.pts[index + 1] - self.pts[index])

    def frame_at(self, seconds: float) -> int:
        """Return the frame on screen at a time, with half a tick of tolerance.

        A time before the first frame gives the first, a time after the last the last; infinities likewise.
        `frame_at(seconds_of(i)) == i`.

        Raises:
            ConfigError: `seconds` is NaN or not a number.
        """
        ticks = checked_seconds(seconds) / float(self.time_base) + 0.5
        return max(int(np.searchsorted(self.pts - self.pts[0], ticks, side="right")) - 1, 0)

    def keyframe_of(self, index: int) -> int:
        """Return the number of the keyframe from which frame `index` is decoded."""
        return max(int(np.searchsorted(self.keyframe_pts, self.pts[index], side="right")) - 1, 0)

    def first_of_keyframe(self, keyframe: int) -> int:
        """Return the first frame shown at or after a keyframe; `num_frames` behind the last."""
        if keyframe >= len(self.keyframe_pts):
            return self.num_frames
        return int(np.searchsorted(self.pts, self.keyframe_pts[keyframe]))

    def first_of_next_keyframe(self, index: int) -> int:
        """Return the first frame shown at or after the keyframe behind that of frame `index`."""
        return self.first_of_keyframe(self.keyframe_of(index) + 1)

    def error(self, text: str, lost: range | None = None) -> DecodeError:
        """Return an error about this file."""
        return DecodeError(text, path=self.path, lost=lost)

    def check(self, indices: NDArray[np.int64] | list[int]) -> None:
        """Refuse indices outside the video.

        Raises:
            IndexError: names the first such index, the file and its length.
        """
        for index in indices:
            if not 0 <= index < self.num_frames:
                held = count_text(self.num_frames, "frame")
                raise IndexError(f"frame {index} of {self.path.name} is outside the video ({held})")


def start_frames(index: VideoIndex) -> NDArray[np.int64]:
    """Return the frames that decoding can start from, int64, ascending; only 0 where frames are counted."""
    if index.decode_order:
        return np.zeros(1, np.int64)
    return np.unique(np.searchsorted(index.pts, index.keyframe_pts)).astype(np.int64)


def frames_per_clip(starts: NDArray[np.int64], num_frames: int) -> float:
    """Return how many frames are decoded for a clip of 15, every other frame, on average over all frames as its center.

    Decoding goes from the last start at or before the clip's first frame to its last frame:
    with a start every 250 frames and a clip that spans 29, 29 + 124.5 of them.

    Args:
        starts: Frames that decoding can start from, ascending.
        num_frames: Frames of the video (L), at least 1.
    """
    clip = ClipConfig()
    first = np.maximum(np.arange(num_frames) - clip.frames_before, 0)
    last = np.minimum(np.arange(num_frames) + clip.frames_after, num_frames - 1)
    start = starts[np.maximum(np.searchsorted(starts, first, side="right") - 1, 0)]
    # Frames that lead the first keyframe are decoded from themselves.
    return float(np.mean(last - np.minimum(start, first) + 1))


class KeyframeIntervals(NamedTuple):
    """Frames from a keyframe up to the next one, or to the end."""

    shortest: int
    median: int
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """Facts of a video that are known before its frames are read."""

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
    """The container's time of the first shown frame; add it where a player counts on the container's clock."""
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
    """Source of the rate."""
    choices: tuple[str, ...] = ()
    """A line for each choice or assumption where file and caller left it open, and for what is not read."""
    color: ColorTags = NO_TAGS
    """Transfer characteristic, primaries and matrix of the first frame: the bitstream's, else the container's."""
    container_color: ColorTags = NO_TAGS
    """The container's own tags, which count where the bitstream has none."""
    later_transfers: tuple[int, ...] = ()
    """Transfer characteristics that later headers name and the first frame does not (ITU-T H.273)."""
    dolby_vision: DolbyVision | None = None
    damaged: tuple[int, ...] = ()
    """Frames delivered so far that follow an error which the decoder reported in their keyframe interval."""

    @property
    def is_turned(self) -> bool:
        """The upright picture has the rows of the stored one for columns."""
        return self.rotation in (90, 270)

    @property
    def stored_size(self) -> tuple[int, int]:
        """(h, w) of the stored picture."""
        return (self.width, self.height) if self.is_turned else (self.height, self.width)


def say_once(info: VideoInfo) -> None:
    """Log the choices made for a file, one line each, once in a process."""
    for line in info.choices:
        warn_once(str(info.path), line)
