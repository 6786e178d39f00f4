"""One pass over a video file that finds its shown frames, their times and its keyframes.

Where packets carry trustworthy times nothing but the first few frames is decoded (shown.py has the rule).
Else the whole file is decoded once and its frames are counted.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.bitstream import parameter_sets
from bvas.video.container import open_container, read_packets
from bvas.video.fields import may_hold_fields
from bvas.video.mp4 import check_sample_counts
from bvas.video.picture import Picture, PictureNotes, sample_aspect_of
from bvas.video.reading import ReadOptions
from bvas.video.shown import ShownFrames, has_times, packet_facts
from bvas.video.strict import StrictDecoder
from bvas.video.times import usual_rates

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Times of the shown frames and the keyframes, in ticks of `time_base`."""

    stream: int
    time_base: Fraction
    pts: NDArray[np.int64]
    last_duration: int
    keyframe_pts: NDArray[np.int64]
    keyframe_dts: NDArray[np.int64]
    decode_order: bool
    gradual_refresh: bool
    container: str
    claimed_rates: tuple[Fraction, ...]
    picture: Picture


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What container and stream say of themselves."""

    stream: int
    """Number of the video stream in the container."""
    container: str
    """Short name that libav has for it."""
    codec: str
    """Name of the coding format, not of the library that decodes it (av1, not libdav1d)."""
    extradata: bytes | None
    time_base: Fraction
    claimed_rates: tuple[Fraction, ...]
    sample_aspect: Fraction
    may_hold_fields: bool
    """The headers allow interlaced frames; those of later packets may, too."""
    has_end: bool
    """The container knows how long it is, as that of a running broadcast does not."""


def stream_facts(container: Any, stream: Any) -> StreamFacts:
    """Return what an open container of PyAV and its video stream say of themselves."""
    decoder = stream.codec_context
    codec = str(decoder.codec.canonical_name)
    return StreamFacts(
        stream=stream.index,
        container=container.format.name.split(",")[0],
        codec=codec,
        extradata=decoder.extradata,
        time_base=Fraction(stream.time_base),
        claimed_rates=usual_rates((stream.average_rate, stream.guessed_rate, stream.base_rate)),
        sample_aspect=sample_aspect_of(stream),
        # libav's field orders: 0 unknown, 1 progressive, from 2 on interlaced.
        may_hold_fields=decoder.field_order > 1
        or may_hold_fields(codec, parameter_sets(codec, decoder.extradata)),
        has_end=container.duration is not None,
    )


def scan_file(path: Path, reading: ReadOptions) -> Scan:
    """Scan a video file.

    Args:
        path: The file.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: not a video, or no frame of it can be decoded.
    """
    check_sample_counts(path)
    container, stream = open_container(path, stream=reading.stream)
    with container:
        facts = stream_facts(container, stream)
        shown = ShownFrames(has_times(facts.container), facts.codec, facts.time_base)
        notes = PictureNotes(facts.codec, facts.sample_aspect, interlaced=facts.may_hold_fields)
        num_packets = 0
        for packet in read_packets(container, stream):
            packet_is = packet_facts(facts.codec, facts.extradata, packet)
            shown.add_packet(packet_is)
            notes.see_fields(packet_is.may_hold_fields)
            num_packets += 1
    shown.end_packets()
    if not shown.counts:
        _decode(path, facts, shown, notes)
        shown.finish()
    if shown.counts or not shown.num_frames:
        if notes.has_picture or not has_times(facts.container):
            _warn_of_counting(path)
        gradual_refresh = shown.gradual_refresh
        shown = ShownFrames(False, facts.codec, facts.time_base)
        shown.gradual_refresh = gradual_refresh
        _decode(path, facts, shown, notes)
    if not notes.has_picture:
        raise DecodeError(f"no frame of {path} can be decoded; it holds {num_packets} packets", path=path)
    return scan_of(shown, facts, notes.picture())


def scan_of(shown: ShownFrames, facts: StreamFacts, picture: Picture) -> Scan:
    """Return what is known of the frames so far."""
    times = shown.table(facts.claimed_rates)
    return Scan(
        stream=facts.stream,
        time_base=times.time_base,
        pts=times.pts,
        last_duration=times.last_duration,
        keyframe_pts=times.keyframe_pts,
        keyframe_dts=times.keyframe_dts,
        decode_order=shown.counts,
        gradual_refresh=shown.gradual_refresh,
        container=facts.container,
        claimed_rates=facts.claimed_rates,
        picture=picture,
    )


def _decode(path: Path, facts: StreamFacts, shown: ShownFrames, notes: PictureNotes) -> None:
    """Decode from the start as long as pictures are compared with the packets, or counted."""
    container, stream = open_container(path, stream=facts.stream)
    counts = shown.counts
    strict = StrictDecoder.of(facts.codec, stream.codec_context)
    with container:
        for packet in _then_flush(read_packets(container, stream)):
            if strict is not None and strict.fails(packet):
                shown.add_error()
            try:
                frames = stream.codec_context.decode(packet)
            except av.FFmpegError:
                shown.add_error()
                continue
            for frame in frames:
                notes.see(frame)
                shown.add_output(frame.pts, is_keyframe=frame.key_frame)
                if shown.counts is not counts or not shown.is_comparing:
                    return


def _then_flush(packets: Iterator[Any]) -> Iterator[Any]:
    yield from packets
    yield None


def _warn_of_counting(path: Path) -> None:
    logger.warning(
        "%s: its packets carry no reliable presentation times, so its frames are counted by decoding it once "
        "and reads go through it in order; `bvas video prepare` makes a copy that reads fast",
        path.name,
    )
