"""One pass over a video file that finds its shown frames, their times and its keyframes.

Where packets carry trustworthy times nothing but the first few frames is decoded (shown.py has the rule).
Else the whole file is decoded once and its frames are counted.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.values.plural import count_text
from bvas.video.container.coded_packets import parameter_sets
from bvas.video.container.coded_rate import CodedRate, RateOrigin, is_untimed
from bvas.video.container.color_tags import NO_TAGS, ColorTags, tags_of
from bvas.video.container.completeness import PacketTally, remark_on_bytes
from bvas.video.container.decoder_errors import StrictDecoder
from bvas.video.container.dolby_vision import DolbyVision, dolby_vision_of_decoder, find_dolby_vision
from bvas.video.container.frame_times import DEFAULT_RATE, usual_rates
from bvas.video.container.header_color_tags import HeaderColors
from bvas.video.container.interlacing import HeaderTraits, header_traits
from bvas.video.container.joined_bytes import Joints, find_joints
from bvas.video.container.libav_io import PlaylistFetcher, is_playlist
from bvas.video.container.libav_messages import last_message, libav_messages
from bvas.video.container.mp4_sample_counts import check_sample_counts
from bvas.video.container.open_container import open_container, read_packets
from bvas.video.container.read_options import ReadOptions
from bvas.video.container.stream_choice import VideoStream, video_streams
from bvas.video.index.frame_folder import CONTAINER, decode_picture, find_frames
from bvas.video.index.frame_numbering import ShownFrames, has_times, packet_facts
from bvas.video.index.stored_picture import Picture, PictureNotes, sample_aspect_of

logger = logging.getLogger(__name__)

# Packets that are decoded to learn why none can be.
_NUM_TRIED = 50
# Containers with color tags of their own; in others libav has those that it decoded while opening.
_TAGGING_CONTAINERS = ("mov", "matroska", "mxf")


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
    rate_origin: RateOrigin
    streams: tuple[VideoStream, ...]
    """Video streams of the container, among which one was chosen."""
    picture: Picture
    joints: Joints | None = None
    """Of a transport stream: places where its video goes on in packets of another kind."""
    is_fetched: bool = False
    """The pieces of a playlist are joined where libav would not see it: it is read from its beginning."""
    lost_codec: str = ""
    """What the video went over to for some frames, which are in `pts` and cannot be read."""
    num_lost: int = 0
    """Those frames."""
    remarks: tuple[str, ...] = ()
    """What of the file is not there, or not read, in words."""


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
    traits: HeaderTraits
    """What the headers beside the stream allow; those of later packets may allow more."""
    has_end: bool
    """The container knows how long it is, as that of a running broadcast does not."""
    color: ColorTags
    """The container's color tags."""
    dolby_vision: DolbyVision | None
    """What the container says of Dolby Vision."""
    codec_tag: str
    """Four characters that it has for the codec, such as hvc1."""

    streams: tuple[VideoStream, ...]
    """Video streams of the container."""
    untimed: bool
    """Frames have no times of their own: one follows the other at a rate."""
    rate_origin: RateOrigin

    def with_rate(self, chosen: Fraction | None, coded: Fraction | None = None) -> "StreamFacts":
        """Return these with the rate of frames whose times are not used.

        Args:
            chosen: Frames per second by the caller's word; None: what the source says.
            coded: By the headers of coded frames.
        """
        if chosen is not None:
            return replace(self, claimed_rates=(chosen,), rate_origin="option")
        if not self.untimed:
            return replace(self, rate_origin="container" if self.claimed_rates else "assumed")
        if coded is not None:
            return replace(self, claimed_rates=(coded,), rate_origin="headers")
        return replace(self, claimed_rates=(DEFAULT_RATE,), rate_origin="assumed")

    def picture_notes(self) -> PictureNotes:
        """Return notes of the picture that begin with this."""
        return PictureNotes(
            self.codec,
            self.sample_aspect,
            self.traits,
            container_color=self.color,
            dolby_vision=self.dolby_vision,
            codec_tag=self.codec_tag,
        )


def stream_facts(container: Any, stream: Any, path: Path | None = None) -> StreamFacts:
    """Return what an open container of PyAV and its video stream say of themselves.

    Args:
        container: The container.
        stream: Its video stream.
        path: The file; None where it is not a file that can be read twice.
    """
    decoder = stream.codec_context
    codec = str(decoder.codec.canonical_name)
    kind = container.format.name.split(",")[0]
    dolby_vision = dolby_vision_of_decoder(decoder)
    if dolby_vision is None and path is not None:
        dolby_vision = find_dolby_vision(path, kind, stream)
    color = tags_of(decoder) if kind in _TAGGING_CONTAINERS else NO_TAGS
    return StreamFacts(
        stream=stream.index,
        container=kind,
        codec=codec,
        extradata=decoder.extradata,
        time_base=Fraction(stream.time_base),
        claimed_rates=usual_rates((stream.average_rate, stream.guessed_rate, stream.base_rate)),
        sample_aspect=sample_aspect_of(stream),
        # libav's field orders: 0 unknown, 1 progressive, from 2 on interlaced.
        traits=HeaderTraits(fields=decoder.field_order > 1)
        | header_traits(codec, parameter_sets(codec, decoder.extradata)),
        has_end=container.duration is not None,
        streams=video_streams(container),
        untimed=is_untimed(container),
        rate_origin="times",
        color=color if dolby_vision is None else color.or_else(dolby_vision.base_tags),
        dolby_vision=dolby_vision,
        codec_tag=str(decoder.codec_tag),
    )


def scan_file(path: Path, reading: ReadOptions) -> Scan:
    """Scan a video file.

    Args:
        path: The file.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: not a video, or no frame of it can be decoded.
        ConfigError: a rate is given, and the frames have times.
    """
    if path.is_dir():
        return _scan_folder(path, reading)
    check_sample_counts(path)
    joints = find_joints(path) if path.is_file() else None
    fetcher = PlaylistFetcher(None) if is_playlist(str(path)) else None
    container, stream = open_container(path, reading=reading, joints=joints, fetcher=fetcher)
    with container:
        facts = stream_facts(container, stream, path)
        if facts.dolby_vision is not None:
            facts.dolby_vision.check(str(path))
        shown = ShownFrames(has_times(facts.container), facts.codec, facts.time_base)
        notes = facts.picture_notes()
        headers = HeaderColors(facts.codec, facts.extradata)
        tally = PacketTally()
        coded_rate = CodedRate(stream.codec_context) if facts.untimed else None
        for packet in read_packets(container, stream):
            if coded_rate is not None:
                coded_rate.see(packet)
            packet_is = packet_facts(facts.codec, facts.extradata, packet)
            shown.add_packet(packet_is)
            notes.see_traits(packet_is.traits)
            headers.add(packet)
            tally.see(packet)
        told = (
            remark_on_bytes(path) if path.is_file() else "",
            tally.shortfall(container, stream),
            "" if fetcher is None else fetcher.take_missing(),
        )
    shown.end_packets()
    is_fetched = fetcher is not None and fetcher.is_joined
    again = _Again(path, replace(reading, stream=facts.stream), joints, is_fetched)
    if fetcher is not None and fetcher.lost_codec:
        raise DecodeError(
            f"the video of {path} goes over to {fetcher.lost_codec}; cut it where it does", path=path
        )
    if not shown.counts and not is_fetched:
        _decode(again, facts, shown, notes)
        shown.finish()
    if shown.counts or not shown.num_frames or is_fetched:
        if notes.has_picture or not has_times(facts.container):
            _warn_of_counting(path)
        gradual_refresh = shown.gradual_refresh
        shown = ShownFrames(False, facts.codec, facts.time_base)
        shown.gradual_refresh = gradual_refresh
        facts = facts.with_rate(reading.rate, None if coded_rate is None else coded_rate.rate)
        _decode(again, facts, shown, notes)
    if not notes.has_picture:
        raise DecodeError(
            f"no frame of {path} can be decoded; it holds {count_text(tally.num_packets, 'packet')}{_reason(again)}",
            path=path,
        )
    if reading.rate is not None and not shown.counts:
        raise ConfigError(
            f"{path} has times of its own; a rate is for frames without times, such as those of a .h264 file"
        )
    if notes.dolby_vision is not None:
        notes.dolby_vision.check(str(path))
    for tags in headers.found:
        notes.see_color(tags)
    scan = replace(scan_of(shown, facts, notes.picture()), is_fetched=is_fetched)
    scan = replace(scan, remarks=tuple(filter(None, told)))
    return scan if joints is None else _with_lost(replace(scan, joints=joints), path)


def _scan_folder(path: Path, reading: ReadOptions) -> Scan:
    """Scan a folder of numbered pictures.

    Raises:
        DecodeError: it is none, or its first picture cannot be decoded.
    """
    if reading.stream not in (None, 0):
        raise DecodeError(
            f"stream {reading.stream} of {path}: a folder of pictures has stream 0 only", path=path
        )
    files = find_frames(path)
    picture = decode_picture(files.paths[0])
    codec = av.CodecContext.create(files.decoder, "r").codec.canonical_name
    notes = PictureNotes(codec, Fraction(1))
    notes.see(picture)
    rate = reading.rate or DEFAULT_RATE
    shown = np.array(sorted(files.paths), np.int64)
    return Scan(
        stream=0,
        time_base=1 / rate,
        pts=np.arange(files.num_frames, dtype=np.int64),
        last_duration=1,
        keyframe_pts=shown,
        keyframe_dts=shown,
        decode_order=False,
        gradual_refresh=False,
        container=CONTAINER,
        claimed_rates=(rate,),
        rate_origin="assumed" if reading.rate is None else "option",
        streams=(
            VideoStream(number=0, codec=codec, height=picture.height, width=picture.width, is_default=True),
        ),
        picture=notes.picture(),
        num_lost=len(files.missing),
    )


def _with_lost(scan: Scan, path: Path) -> Scan:
    """Return a scan with the frames that are coded otherwise, as frames that cannot be read.

    Raises:
        DecodeError: their place is unknown.
    """
    assert scan.joints is not None
    codec = next((joint.codec for joint in scan.joints.joints if joint.codec and joint.number), "")
    if not codec:
        return scan
    times = np.unique(np.array(scan.joints.lost_times, np.int64))
    last, step = int(scan.pts[-1]), max(int(np.median(np.diff(scan.pts))) if len(scan.pts) > 1 else 1, 1)
    if scan.decode_order:
        if scan.joints.joints[-1].pid >= 0:
            raise DecodeError(
                f"{path} goes over to {codec} and back, and its times start again; cut it where it does",
                path=path,
            )
        times = last + step * np.arange(1, len(times) + 1)
    elif len(times) and times[0] <= last and scan.joints.joints[-1].pid < 0:
        times = last + step + times - times[0]
    pts = np.union1d(scan.pts, times)
    return replace(scan, pts=pts, lost_codec=codec, num_lost=len(pts) - len(scan.pts))


@dataclass(frozen=True, slots=True)
class _Again:
    """How a file is opened once more."""

    path: Path
    reading: ReadOptions
    joints: Joints | None
    is_fetched: bool

    def __call__(self) -> tuple[Any, Any]:
        fetcher = PlaylistFetcher(None) if self.is_fetched else None
        return open_container(self.path, reading=self.reading, joints=self.joints, fetcher=fetcher)


def _reason(open_again: Callable[[], tuple[Any, Any]]) -> str:
    """Return what libav says of the first packets that it cannot decode, to follow a message; or nothing."""
    container, stream = open_again()
    with container, libav_messages() as said:
        for packet in islice(read_packets(container, stream), _NUM_TRIED):
            with suppress(av.FFmpegError):
                stream.codec_context.decode(packet)
    message = last_message(said)
    return f" (libav: {message})" if message else ""


def scan_of(shown: ShownFrames, facts: StreamFacts, picture: Picture) -> Scan:
    """Return what is known of the frames so far."""
    if shown.counts and facts.rate_origin == "times":
        facts = facts.with_rate(None)
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
        rate_origin=facts.rate_origin if shown.counts or facts.rate_origin == "arrival" else "times",
        streams=facts.streams,
        picture=picture,
    )


def _decode(
    open_again: Callable[[], tuple[Any, Any]], facts: StreamFacts, shown: ShownFrames, notes: PictureNotes
) -> None:
    """Decode from the start as long as pictures are compared with the packets, or counted."""
    container, stream = open_again()
    # Times that libav made up, and those that the caller has set aside, do not count.
    timeless = facts.untimed or facts.rate_origin == "option"
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
                shown.add_output(None if timeless else frame.pts, is_keyframe=frame.key_frame)
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
