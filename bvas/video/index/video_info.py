"""`VideoInfo`: facts of a video that are known before its frames are read."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from bvas.system.notices import warn_once
from bvas.values.luma import ColorRange
from bvas.video.container.coded_rate import RateOrigin
from bvas.video.container.color_tags import NO_TAGS, ColorTags
from bvas.video.container.dolby_vision import DolbyVision
from bvas.video.container.stream_choice import VideoStream


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


def say_once(info: VideoInfo) -> None:
    """Log the choices made for a file, one line each, once in a process."""
    for line in info.choices:
        warn_once(str(info.path), line)
