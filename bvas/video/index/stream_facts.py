"""Facts that a container, its video stream and their packets state, before any frame is decoded."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from bvas.video.container.coded_packets import annex_b, new_extradata, parameter_sets, starts_afresh
from bvas.video.container.coded_rate import RateOrigin, is_untimed
from bvas.video.container.color_tags import NO_TAGS, ColorTags, tags_of
from bvas.video.container.dolby_vision import DolbyVision, dolby_vision_of_decoder, find_dolby_vision
from bvas.video.container.sequence_tracking import NO_TRAITS, HeaderTraits, header_traits
from bvas.video.container.stream_choice import VideoStream, video_streams
from bvas.video.container.time_repair import DEFAULT_RATE, NO_TIME, usual_rates

# Containers with color tags of their own; in others libav has those that it decoded while opening.
_TAGGING_CONTAINERS = ("mov", "matroska", "mxf")
# Containers that store presentation times; in all others libav invents them.
_TIMED_CONTAINERS = ("mov", "matroska", "mpegts", "flv", "hls")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """Facts that container and stream state."""

    stream: int
    """Number of the video stream in the container."""
    container: str
    """Short name that libav has for it."""
    codec: str
    """Name of the coding format, not of the library that decodes it (av1, not libdav1d)."""
    time_base: Fraction
    claimed_rates: tuple[Fraction, ...]
    streams: tuple[VideoStream, ...]
    """Video streams of the container."""
    untimed: bool
    """Frames have no times of their own: one follows the other at a rate."""
    rate_origin: RateOrigin
    extradata: bytes | None = None
    sample_aspect: Fraction = Fraction(1)
    """Width over height of a stored sample."""
    traits: HeaderTraits = NO_TRAITS
    """Features that the extradata allows; headers of later packets may allow more."""
    has_end: bool = True
    """The container states its duration, unlike that of a running broadcast."""
    color: ColorTags = NO_TAGS
    """The container's color tags."""
    dolby_vision: DolbyVision | None = None
    """Dolby Vision configuration of the container."""
    codec_tag: str = ""
    """Four characters of the container for the codec, such as hvc1."""

    def time_of(self, picture: Any) -> int | None:
        """Return the time of a picture; None for times that libav invented, or that a given rate replaces."""
        pts: int | None = picture.pts
        return None if self.untimed or self.rate_origin == "option" else pts

    def with_rate(self, chosen: Fraction | None, coded: Fraction | None = None) -> "StreamFacts":
        """Return these with the rate of frames whose times are not used.

        Args:
            chosen: Frames per second that the caller gives; None: what the source states.
            coded: Rate in the headers of coded frames.
        """
        if chosen is not None:
            return replace(self, claimed_rates=(chosen,), rate_origin="option")
        if not self.untimed:
            return replace(self, rate_origin="container" if self.claimed_rates else "assumed")
        if coded is not None:
            return replace(self, claimed_rates=(coded,), rate_origin="headers")
        return replace(self, claimed_rates=(DEFAULT_RATE,), rate_origin="assumed")

    def of_frames(self, *, counted: bool) -> "StreamFacts":
        """Return these with the rate and its origin that hold for numbered frames.

        Args:
            counted: The frames are numbered as the decoder outputs them.
        """
        facts = self.with_rate(None) if counted and self.rate_origin == "times" else self
        is_kept = counted or facts.rate_origin == "arrival"
        return facts if is_kept else replace(facts, rate_origin="times")


def sample_aspect_of(stream: Any) -> Fraction:
    """Return width over height of a stored sample; 1 where the file states none."""
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect) if aspect and aspect > 0 else Fraction(1)


def stream_facts(container: Any, stream: Any, path: Path | None = None) -> StreamFacts:
    """Return the facts that an open container of PyAV and its video stream state.

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
    traits = header_traits(codec, parameter_sets(codec, decoder.extradata))
    # libav's field orders: 0 unknown, 1 progressive, from 2 on interlaced.
    if decoder.field_order > 1:
        traits |= HeaderTraits.FIELDS
    return StreamFacts(
        stream=stream.index,
        container=kind,
        codec=codec,
        extradata=decoder.extradata,
        time_base=Fraction(stream.time_base),
        claimed_rates=usual_rates((stream.average_rate, stream.guessed_rate, stream.base_rate)),
        sample_aspect=sample_aspect_of(stream),
        traits=traits,
        has_end=container.duration is not None,
        streams=video_streams(container),
        untimed=is_untimed(container),
        rate_origin="times",
        color=color if dolby_vision is None else color.or_else(dolby_vision.base_tags),
        dolby_vision=dolby_vision,
        codec_tag=str(decoder.codec_tag),
    )


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """Packet fields that decide frame numbering."""

    pts: int
    """Presentation time in ticks; `NO_TIME` where it has none. So has `dts`, the decoding time."""
    dts: int
    duration: int
    is_start: bool
    """Decoding can begin here."""
    is_shown: bool
    refreshes: bool
    """Flagged as a keyframe, but it only begins a gradual refresh, or is not a keyframe at all."""
    traits: HeaderTraits
    """Features that its headers allow."""


def packet_facts(codec: str, extradata: bytes | None, packet: Any) -> PacketFacts:
    """Return the fields of a packet of PyAV."""
    coded = bytes(packet) if packet.is_keyframe else b""
    is_start = packet.is_keyframe and starts_afresh(codec, extradata, coded)
    changed = new_extradata(packet)
    headers = parameter_sets(codec, changed)
    # RFC 6386, 9.1: bit 4 of a VP8 frame is show_frame; a hidden one has a packet of its own.
    hidden = codec == "vp8" and packet.size > 0 and not bytes(packet)[0] & 0x10
    traits = header_traits(codec, headers + annex_b(codec, extradata, coded))
    return PacketFacts(
        pts=NO_TIME if packet.pts is None else packet.pts,
        dts=NO_TIME if packet.dts is None else packet.dts,
        duration=packet.duration or 0,
        is_start=is_start,
        is_shown=not packet.is_discard and not hidden,
        refreshes=packet.is_keyframe and not is_start,
        traits=traits if changed is None else traits | HeaderTraits.CHANGES,
    )


def has_times(container: str) -> bool:
    """Return whether a container, by libav's short name, stores presentation times."""
    return container in _TIMED_CONTAINERS
