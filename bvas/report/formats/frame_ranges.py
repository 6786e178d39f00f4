"""Spots and intervals as ranges of frames, for annotation programs that count frames."""

import logging
from dataclasses import dataclass

from bvas.errors import ConfigError
from bvas.results.video_result import VideoResult
from bvas.values.frame_boundaries import frames_between

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrameRange:
    """A label of some frames; a spot has one frame."""

    label: str
    first: int
    """Its first frame, as decoding counts them, from 0."""
    last: int
    """Its last frame, inclusive."""
    confidence: float


def frame_ranges(part: VideoResult) -> list[FrameRange]:
    """Return the spots and intervals of a video, in order of their first frames; none is empty.

    Raises:
        ConfigError: the video is unknown.
    """
    frames = part.video.frames
    if frames is None:
        raise ConfigError(
            f"{part.video.name}: this format counts frames, and the video is unknown; name it with --video"
        )
    if frames.variable_rate:
        logger.warning(
            "%s has a varying frame rate, and annotation programs show frames by a constant one: label a copy of "
            "constant rate",
            part.video.name,
        )
    found = []
    for spot in part.spots:
        frame = frames.nearest(spot.seconds)
        found.append(FrameRange(spot.label, frame, frame, spot.confidence))
    for one in part.intervals:
        ends = (one.start_seconds, one.end_seconds)
        first, stop = frames_between(frames.seconds, frames.duration_seconds, *ends)
        first = min(first, frames.num_frames - 1)
        found.append(FrameRange(one.label, first, max(stop - 1, first), one.confidence))
    return sorted(found, key=lambda one: (one.first, one.last))
