"""Chroma position that a coded stream states, read from its headers by libav's `trace_headers`."""

import re
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from bvas.video.container.open_container import libav_messages

# Syntax elements of ITU-T H.264 and H.265 (annex E) and AV1 (6.4.2), as libav prints them.
_ELEMENT = re.compile(r"(chroma_sample_loc_type_top_field|chroma_sample_position)\s.*= (\d+)\s*$")
_TRACED_CODECS = ("h264", "hevc", "av1")
# AV1 counts in its own way: 1 is at the left, 2 at the top left.
_OF_AV1 = {1: 0, 2: 2}


def first_location(container: Any, stream: Any) -> int | None:
    """As `stated_location`, of a container's next packet of the stream; None where it cannot be read."""
    try:
        packet = next(iter(container.demux(stream)), None)
    except av.FFmpegError:
        return None
    return stated_location(stream, packet)


def stated_location(stream: Any, packet: Any) -> int | None:
    """Return the chroma_sample_loc_type that a stream's headers state (ITU-T H.264, figure E-1); None if none.

    Args:
        stream: A video stream of PyAV.
        packet: A packet of it, with its headers where these are not beside the stream; it is not changed.
    """
    if stream.codec_context.codec.canonical_name not in _TRACED_CODECS:
        return None
    try:
        with libav_messages(av.logging.INFO) as said:
            tracer = BitStreamFilterContext("trace_headers", stream)
            if packet is not None and packet.size:
                # The filter takes the packet's data away.
                tracer.filter(av.Packet(bytes(packet)))
        found = [match for _, _, text in said if (match := _ELEMENT.search(text))]
    except av.FFmpegError:
        # Headers that cannot be parsed state nothing; the decoder judges them.
        return None
    if not found:
        return None
    name, number = found[0].group(1), int(found[0].group(2))
    if name == "chroma_sample_position":
        return _OF_AV1.get(number)
    return number if number <= 5 else None
