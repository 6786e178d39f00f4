"""Notes on the picture of a video, from its stream, headers and first decoded frames."""

import math
import struct
from typing import Any

import numpy as np

from bvas.video.container.color_tags import IPT_C2, ColorTags, color_tags_of
from bvas.video.container.dolby_vision import DolbyVision, dolby_vision_of_entry, dolby_vision_of_frame
from bvas.video.container.sequence_tracking import HeaderTraits
from bvas.video.index.frame_table import KeyframeIntervals, VideoIndex, VideoInfo
from bvas.video.index.stored_picture import color_range_of, has_luma_plane
from bvas.video.index.stream_facts import StreamFacts


def turn_of(frame: Any) -> tuple[int, bool]:
    """Return (degrees clockwise, a multiple of 90 in [0, 360); mirrored) that make the picture upright.

    A mirrored picture is flipped left to right first, then turned.
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV 18 fails at side data that it does not know, such as EXIF. It still has the rotation,
        # counterclockwise, without a mirror.
        return round(-frame.rotation / 90) * 90 % 360, False
    if data is None:
        return 0, False
    # A stored point (x, y), y pointing down, is shown at (a x + c y, b x + d y).
    a, b, _, c, d, *_ = struct.unpack("9i", bytes(data))
    mirrored = a * d < b * c
    degrees = math.degrees(math.atan2(-b, -a) if mirrored else math.atan2(b, a))
    return round(degrees / 90) * 90 % 360, mirrored


class PictureNotes:
    """Facts of the picture, as seen so far.

    Args:
        facts: What container and stream state.
    """

    def __init__(self, facts: StreamFacts) -> None:
        self._facts = facts
        self._first: Any = None
        self._traits = facts.traits
        self._later_transfers: set[int] = set()

    @property
    def has_picture(self) -> bool:
        """A frame was decoded."""
        return self._first is not None

    def see_traits(self, traits: HeaderTraits) -> None:
        """Note features that later headers allow."""
        self._traits |= traits

    def see(self, frame: Any) -> None:
        """Note the properties of a decoded frame."""
        self._first = self._first or frame
        if frame.interlaced_frame:
            self._traits |= HeaderTraits.FIELDS
        self.see_color(color_tags_of(frame))

    def see_color(self, tags: ColorTags) -> None:
        """Note the color tags of a frame or of a header."""
        if self._first is not None:
            self._later_transfers.add(tags.or_else(self._facts.color).transfer)

    @property
    def dolby_vision(self) -> DolbyVision | None:
        """Dolby Vision configuration by container and frames; None without one. A frame must have been seen."""
        if self._facts.dolby_vision is not None:
            return self._facts.dolby_vision
        color = self._color
        if color.matrix == IPT_C2:
            return DolbyVision(profile=5)
        found = dolby_vision_of_frame(self._first)
        return found or dolby_vision_of_entry(self._facts.codec_tag, is_tagged=color.hdr is not None)

    @property
    def _color(self) -> ColorTags:
        return color_tags_of(self._first).or_else(self._facts.color)

    def describe(self, index: VideoIndex, facts: StreamFacts) -> VideoInfo:
        """Return the facts of a video, without `choices`; a frame must have been seen.

        Args:
            index: The video's frames.
            facts: As at the beginning, with the rate that holds for the frames.
        """
        frame = self._first
        rotation, mirrored = turn_of(frame)
        turned = rotation in (90, 270)
        pixel_format = frame.format.name
        # Keyframes that an edit list cuts away have no frame of their own.
        intervals = index.keyframe_intervals[index.keyframe_intervals > 0]
        if not len(intervals):
            intervals = np.array([index.num_frames])
        return VideoInfo(
            path=index.path,
            num_frames=index.num_frames,
            rate=index.rate,
            variable_rate=index.variable_rate,
            rate_origin=facts.rate_origin,
            duration_seconds=index.duration_seconds,
            start_seconds=float(int(index.pts[0]) * index.time_base),
            keyframe_intervals=KeyframeIntervals(
                int(intervals.min()), round(float(np.median(intervals))), int(intervals.max())
            ),
            streams=facts.streams,
            height=frame.width if turned else frame.height,
            width=frame.height if turned else frame.width,
            sample_aspect=1 / facts.sample_aspect if turned else facts.sample_aspect,
            pixel_format=pixel_format,
            bit_depth=frame.format.components[0].bits if has_luma_plane(pixel_format) else 8,
            color_range=color_range_of(frame),
            color=self._color,
            container_color=facts.color,
            later_transfers=tuple(sorted(self._later_transfers - {self._color.transfer})),
            dolby_vision=self.dolby_vision,
            rotation=rotation,
            mirrored=mirrored,
            interlaced=HeaderTraits.FIELDS in self._traits,
            crops_corner=HeaderTraits.CROPS_CORNER in self._traits,
            changes_headers=HeaderTraits.CHANGES in self._traits,
            codec=facts.codec,
        )
