"""Packet fields that decide frame numbering."""

from dataclasses import dataclass
from typing import Any

from bvas.video.container.coded_packets import annex_b, new_extradata, parameter_sets, starts_afresh
from bvas.video.container.sequence_tracking import HeaderTraits, header_traits
from bvas.video.container.time_array import NO_TIME

# Containers that store presentation times; in all others libav invents them.
_TIMED_CONTAINERS = ("mov", "matroska", "mpegts", "flv", "hls")


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
