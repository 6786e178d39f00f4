"""Frame table and facts of a video, from its numbered frames, what its stream states, and its first decoded frames."""

import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bvas.errors import DecodeError
from bvas.video.container.color_tags import IPT_C2, ColorTags, color_tags_of
from bvas.video.container.dolby_vision import DolbyVision, dolby_vision_of_entry, dolby_vision_of_frame
from bvas.video.container.frame_rate import rate_of
from bvas.video.container.read_options import ReadOptions
from bvas.video.container.sequence_tracking import HeaderTraits
from bvas.video.container.stream_choice import choice_text
from bvas.video.index.frame_numbering import NumberedFrames
from bvas.video.index.frame_table import KeyframeIntervals, VideoIndex, VideoInfo
from bvas.video.index.stored_picture import color_range_of, contradiction_text, has_luma_plane, hdr_text
from bvas.video.index.stream_facts import StreamFacts

# libav finds a keyframe of these by its decoding time, in others by its presentation time.
_SOUGHT_BY_DTS = ("mpegts", "flv")


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
        median = round(float(np.median(intervals)))
        return VideoInfo(
            path=index.path,
            num_frames=index.num_frames,
            rate=index.rate,
            variable_rate=index.variable_rate,
            rate_origin=facts.rate_origin,
            duration_seconds=index.duration_seconds,
            start_seconds=float(int(index.pts[0]) * index.time_base),
            keyframe_intervals=KeyframeIntervals(int(intervals.min()), median, int(intervals.max())),
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


def index_of(path: Path, reading: ReadOptions, facts: StreamFacts, frames: NumberedFrames) -> VideoIndex:
    """Return the frame table of a video.

    Args:
        path: The file, or the name of a source as a path.
        reading: Which stream of it is read, and how.
        facts: What container and stream state.
        frames: The frames.

    Raises:
        DecodeError: the video has no frame.
    """
    if not len(frames.pts):
        raise DecodeError(f"{path} shows no frame", path=path)
    rate, variable_rate = rate_of(frames.pts, frames.time_base, facts.claimed_rates)
    if not frames.last_duration:
        frames = frames._replace(last_duration=max(round(1 / (rate * frames.time_base)), 1))
    return VideoIndex(
        **frames._asdict(),
        path=path,
        stream=facts.stream,
        reading=reading,
        seek_by_dts=facts.container in _SOUGHT_BY_DTS,
        container=facts.container,
        rate=rate,
        variable_rate=variable_rate,
    )


def with_choices(
    index: VideoIndex, info: VideoInfo, remarks: Sequence[str] = (), lost: str = ""
) -> VideoInfo:
    """Return the facts with one line for each choice made where the file or the caller left it open.

    Args:
        index: The video's frames.
        info: The facts.
        remarks: Lines on what of the file is missing, or not read.
        lost: A line on frames that cannot be read; empty for none.
    """
    lines = list(remarks)
    if index.reading.stream is None and (text := choice_text(index.stream, info.streams)):
        lines.append(text)
    if info.rate_origin == "assumed":
        lines.append(
            f"nothing says how many frames a second it has, so {index.rate} is assumed; --rate R (rate=R) sets it"
        )
    for joint in index.joints.joints if index.joints is not None else ():
        if joint.hidden and joint.pid >= 0:
            lines.append(
                f"from byte {joint.position} on its video is in other packets (PID {joint.pid:#x}), and is followed"
            )
    if index.is_fetched:
        lines.append(
            "its pieces hold the video in different packets, or from different clocks; they are joined"
        )
    lines += [text for text in (lost, hdr_text(info, index.reading.tone), contradiction_text(info)) if text]
    return replace(info, choices=tuple(lines))
