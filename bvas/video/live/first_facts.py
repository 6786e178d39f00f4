"""Facts about a running source, from its container and first packets; times of arrival for packets without times."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bvas.video.container.coded_rate import CodedRate
from bvas.video.container.read_options import ReadOptions, Source
from bvas.video.index.stream_facts import StreamFacts, has_times, stream_facts

PUSHED_SCHEMES = ("rtsp", "rtsps", "rtp", "udp", "srt", "rtmp", "rtmps")
"""Protocols whose sender does not wait for the receiver."""
# Codecs of single pictures, whose headers hold no rate.
_WITHOUT_RATE = ("mjpeg", "png", "bmp", "gif", "tiff", "webp")


def is_pushed(source: Source) -> bool:
    """Return whether a source sends whether or not the receiver keeps up."""
    return _scheme_of(source) in PUSHED_SCHEMES


def first_facts(
    container: Any,
    stream: Any,
    packets: Iterator[Any],
    source: Source,
    reading: ReadOptions,
    path: Path | None,
) -> tuple[StreamFacts, list[Any]]:
    """Return the facts of a stream, and the packets that were read to find them.

    Args:
        container: The open container, of PyAV.
        stream: Its video stream.
        packets: The packets of the stream.
        source: What is read.
        reading: Which stream is read, and how.
        path: The file; None where it is not a file that can be read twice.
    """
    facts = stream_facts(container, stream, path)
    if not facts.untimed:
        return (facts if has_times(facts.container) else facts.with_rate(reading.rate)), []
    first: list[Any] = []
    coded = CodedRate(stream.codec_context)
    if reading.rate is None and facts.codec not in _WITHOUT_RATE:
        for packet in packets:
            first.append(packet)
            coded.see(packet)
            if coded.is_found:
                break
    if reading.rate is None and coded.rate is None and _is_camera(facts, source):
        return replace(facts, untimed=False, rate_origin="arrival"), first
    return facts.with_rate(reading.rate, coded.rate), first


def _is_camera(facts: StreamFacts, source: Source) -> bool:
    """Return whether pictures come when they are taken, one packet each and in order."""
    is_running = is_pushed(source) or _scheme_of(source) == "tcp"
    return facts.container == "mpjpeg" or (is_running and facts.codec in _WITHOUT_RATE)


def _scheme_of(source: Source) -> str:
    return urlsplit(source.location).scheme.lower() if source.kind == "URL" else ""


def arrival_stamp(time_base: Fraction) -> Callable[[Any], None]:
    """Return a function that stamps each packet with the time at which it came, on the machine's monotonic clock.

    The times that it sets are later than those of all packets before.

    Args:
        time_base: Seconds of a tick of the stream.
    """
    last = -1

    def stamp(packet: Any) -> None:
        nonlocal last
        last = max(int(time.monotonic() / time_base), last + 1)
        packet.pts = packet.dts = last

    return stamp
