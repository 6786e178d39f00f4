"""Completeness of a video: packets and bytes that its container announces, against those received."""

import re
import struct
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from bvas.video.container.mp4_boxes import boxes

# Containers whose header states the duration.
_WITH_DURATION = ("matroska", "flv")
# Seconds by which durations that muxers write may be off.
_TOLERANCE = 0.25
# Top-level boxes of a file of the MP4 family (ISO/IEC 14496-12, and what cameras add to it).
_BOXES = frozenset(
    b"ftyp styp moov moof mdat free skip wide uuid mfra sidx ssix prft emsg meta pnot udta mpvd sefd pdin bloc".split()
)
_MOST_BOXES = 1 << 16
# The end of a box that reaches up to the end of its file.
_ENDLESS = 1 << 64


class PacketTally:
    """Counts the packets of one video stream against those that its container announces."""

    def __init__(self) -> None:
        self.num_packets = 0
        self._end: int | None = None
        self._last: int | None = None
        self._longest = 0

    def see(self, packet: Any) -> None:
        """Count a packet of PyAV's."""
        self.num_packets += 1
        if packet.pts is None:
            return
        if self._last is not None:
            self._longest = max(self._longest, packet.pts - self._last)
        self._last = packet.pts
        self._end = max(packet.pts + (packet.duration or 0), packet.pts if self._end is None else self._end)

    def shortfall(self, container: Any, stream: Any) -> str:
        """Return a text on what is missing at the end of the stream; empty where no gap is known."""
        kind = container.format.name.split(",")[0]
        if kind == "mov":
            # A fragmented file lists the samples of the fragments read so far.
            announced = len(stream.index_entries)
            if announced > self.num_packets:
                return f"its table names {announced} frames, and {self.num_packets} of them are there"
        if kind in _WITH_DURATION and self._end is not None:
            announced_end = _announced_end(container, stream)
            end = float(self._end * stream.time_base)
            # The duration of the last frame is often missing.
            slack = max(_TOLERANCE, 1.5 * float(self._longest * stream.time_base))
            if announced_end is not None and end < announced_end - slack:
                return f"its header names {announced_end:.2f} s, and it ends at {end:.2f} s"
        return ""


def _announced_end(container: Any, stream: Any) -> float | None:
    """Return the time in seconds at which a video stream ends by its header."""
    # Matroska's tag of one track, as FFmpeg and mkvmerge write it.
    found = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if found:
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    if len(container.streams) > 1 or not container.duration:
        return None
    return float(container.duration) / 1e6


def remark_on_bytes(path: Path) -> str:
    """Return a text on a file that is cut off, or has another video behind its end; empty for any other.

    The boxes of the MP4 family and the chunks of AVI are checked. Joined transport streams and Matroska files are
    read whole, so they need no check.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        head = _at(file, 0, 12)
        if head[4:8] in _BOXES:
            return _remark_on_boxes(file, size)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _remark_on_riff(file, size)
    return ""


def _remark_on_boxes(file: BinaryIO, size: int) -> str:
    end, has_description, is_fragmented = 0, False, False
    for box in islice(boxes(file, 0, _ENDLESS), _MOST_BOXES):
        if has_description and not is_fragmented and box.kind in (b"ftyp", b"moov"):
            return _joined(box.start, size)
        if box.kind not in _BOXES:
            break
        if box.end == _ENDLESS:
            return ""
        if box.end > size:
            missing = box.end - size
            return f"it is cut off: the last {missing} bytes of its {box.kind.decode()} box are missing"
        has_description |= box.kind == b"moov"
        is_fragmented |= box.kind == b"moof"
        end = box.end
    return _joined(end, size) if end and _begins_video(_at(file, end, 400)) else ""


def _remark_on_riff(file: BinaryIO, size: int) -> str:
    place = 0
    while len(head := _at(file, place, 12)) == 12:
        if head[:4] != b"RIFF":
            return _joined(place, size) if _begins_video(_at(file, place, 400)) else ""
        # OpenDML: the parts of a long file that follow the first are called AVIX.
        if place and head[8:12] == b"AVI ":
            return _joined(place, size)
        length = struct.unpack("<I", head[4:8])[0]
        if length == 0:
            return ""
        if place + 8 + length > size:
            return f"it is cut off: the last {place + 8 + length - size} bytes of its RIFF are missing"
        place += 8 + length + length % 2
    return ""


def _joined(place: int, size: int) -> str:
    return (
        f"another video follows behind its end, at byte {place} of {size}, which is not read; join the videos with "
        "FFmpeg's concat demuxer, or give them as files of their own"
    )


def _begins_video(head: bytes) -> bool:
    """Return whether some bytes, at least 400, begin a file of a known kind."""
    is_ts = head[:1] == head[188:189] == head[376:377] == b"\x47"
    is_riff = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    # EBML is what Matroska and WebM begin with.
    return is_ts or is_riff or head.startswith((b"\x1a\x45\xdf\xa3", b"FLV\x01")) or head[4:8] == b"ftyp"


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)
