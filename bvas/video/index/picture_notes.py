"""Notes on the picture of a video, from its stream, headers and first decoded frames."""

import math
import struct
from fractions import Fraction
from typing import Any

import numpy as np

from bvas.video.container.coded_rate import RateOrigin
from bvas.video.container.color_tags import NO_TAGS, ColorTags
from bvas.video.container.dolby_vision import DolbyVision, dolby_vision_of_entry, dolby_vision_of_frame
from bvas.video.container.header_traits import HeaderTraits
from bvas.video.container.stream_choice import VideoStream
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.stored_picture import color_range_of, color_tags_of, has_luma_plane
from bvas.video.index.video_info import KeyframeIntervals, VideoInfo

_NO_TRAITS = HeaderTraits()


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


def sample_aspect_of(stream: Any) -> Fraction:
    """Return width over height of a stored sample; 1 where the file states none."""
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and aspect > 0 else Fraction(1)


class PictureNotes:
    """Facts of the picture, as seen so far.

    Args:
        codec: libav's name of the coding format.
        sample_aspect: Width over height of a stored sample.
        traits: Features that the extradata allows.
        container_color: Color tags of the container.
        dolby_vision: Dolby Vision configuration of the container.
        codec_tag: Four characters that the container has for the codec.
    """

    def __init__(
        self,
        codec: str,
        sample_aspect: Fraction,
        traits: HeaderTraits = _NO_TRAITS,
        *,
        container_color: ColorTags = NO_TAGS,
        dolby_vision: DolbyVision | None = None,
        codec_tag: str = "",
    ) -> None:
        self._codec = codec
        self._sample_aspect = sample_aspect
        self._first: Any = None
        self._traits = traits
        self._has_fields = False
        self._container_color = container_color
        self._dolby_vision = dolby_vision
        self._codec_tag = codec_tag
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
        self._has_fields |= bool(frame.interlaced_frame)
        self.see_color(color_tags_of(frame))

    def see_color(self, tags: ColorTags) -> None:
        """Note the color tags of a frame or of a header."""
        if self._first is not None:
            self._later_transfers.add(tags.or_else(self._container_color).transfer)

    @property
    def dolby_vision(self) -> DolbyVision | None:
        """Dolby Vision configuration by container and frames; None without one. A frame must have been seen."""
        if self._dolby_vision is not None:
            return self._dolby_vision
        color = self._color
        if color.is_dolby_ipt:
            return DolbyVision(profile=5)
        found = dolby_vision_of_frame(self._first)
        return found or dolby_vision_of_entry(self._codec_tag, is_tagged=color.hdr is not None)

    @property
    def _color(self) -> ColorTags:
        return color_tags_of(self._first).or_else(self._container_color)

    def describe(
        self, index: VideoIndex, streams: tuple[VideoStream, ...], rate_origin: RateOrigin
    ) -> VideoInfo:
        """Return the facts of a video, without `choices`; a frame must have been seen.

        Args:
            index: The video's frames.
            streams: Video streams of the container.
            rate_origin: Source of the rate.
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
            rate_origin=rate_origin,
            duration_seconds=index.duration_seconds,
            start_seconds=float(int(index.pts[0]) * index.time_base),
            keyframe_intervals=KeyframeIntervals(
                int(intervals.min()), round(float(np.median(intervals))), int(intervals.max())
            ),
            streams=streams,
            height=frame.width if turned else frame.height,
            width=frame.height if turned else frame.width,
            sample_aspect=1 / self._sample_aspect if turned else self._sample_aspect,
            pixel_format=pixel_format,
            bit_depth=frame.format.components[0].bits if has_luma_plane(pixel_format) else 8,
            color_range=color_range_of(frame),
            color=self._color,
            container_color=self._container_color,
            later_transfers=tuple(sorted(self._later_transfers - {self._color.transfer})),
            dolby_vision=self.dolby_vision,
            rotation=rotation,
            mirrored=mirrored,
            interlaced=self._has_fields or self._traits.fields,
            crops_corner=self._traits.crops_corner,
            changes_headers=self._traits.changes,
            codec=self._codec,
        )
