"""Packets of a transport stream: their layout and fields, and the tables that name its programs and their video.

Syntax: ISO/IEC 13818-1, 2.4.3 (packets), 2.4.4.3 (program association) and 2.4.4.8 (program map).
"""

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SYNC = 0x47
PACKET_BYTES = 188
# (bytes from packet to packet, bytes ahead of the sync byte): plain, with time stamps, with error correction.
_LAYOUTS = ((188, 0), (192, 4), (204, 0))
_NUM_SYNCS = 5
NULL_PID = 0x1FFF
# NAL unit types that begin a keyframe: parameter sets and keyframes of H.264 and HEVC; sequence header of MPEG-2.
_H264_STARTS = (5, 7)
_HEVC_STARTS = (16, 17, 18, 19, 20, 21, 32, 33)
_MPEG_SEQUENCE = 0xB3
_PAT_PID = 0
# Stream types (2.4.4.10), and of private streams the registrations, that are video.
_CODECS = {
    0x01: "mpeg1video",
    0x02: "mpeg2video",
    0x10: "mpeg4",
    0x1B: "h264",
    0x24: "hevc",
    0x33: "vvc",
    0x42: "cavs",
    0xD1: "dirac",
    0xEA: "vc1",
}
_REGISTERED = {b"HEVC": "hevc", b"AV01": "av1", b"VC-1": "vc1", b"drac": "dirac"}
_REGISTRATION = 5
# zlib has the CRC-32 of tables with the bits of each byte, and of the result, in the other order.
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Layout(NamedTuple):
    """How packets lie in the bytes."""

    size: int
    """Bytes from one packet to the next."""
    lead: int
    """Bytes ahead of the sync byte."""
    start: int
    """Bytes ahead of the first packet."""


def layout_of(head: bytes) -> Layout | None:
    """Return how packets lie in a source by its first bytes; None where it is not a transport stream."""
    for size, lead in _LAYOUTS:
        for start in range(size):
            syncs = head[start + lead :: size][:_NUM_SYNCS]
            if len(syncs) >= min(_NUM_SYNCS, len(head) // size) > 1 and set(syncs) == {_SYNC}:
                return Layout(size, lead, start)
    return None


def is_stuffed(packet: NDArray[np.uint8]) -> bool:
    """Return whether a packet is filled up, as the last one of a picture is."""
    # The adaptation field is longer than what its flags ask for; the clock takes 6 bytes.
    if not packet[3] & 0x20:
        return False
    needed = 0 if packet[4] == 0 else 1 + 6 * bool(packet[5] & 0x10) + 6 * bool(packet[5] & 0x08)
    return int(packet[4]) > needed or packet[4] == 0


def starts_keyframe(packet: NDArray[np.uint8], codec: str) -> bool:
    """Return whether the first packet of a picture says that decoding can start there."""
    # random_access_indicator
    if packet[3] & 0x20 and packet[4] and packet[5] & 0x40:
        return True
    units = payload_of(packet.tobytes()).split(b"\x00\x00\x01")[1:]
    kinds = [unit[0] for unit in units if unit]
    if codec == "h264":
        return any(kind & 31 in _H264_STARTS for kind in kinds)
    if codec == "hevc":
        return any(kind >> 1 & 63 in _HEVC_STARTS for kind in kinds)
    return _MPEG_SEQUENCE in kinds


def times_of(packet: NDArray[np.uint8]) -> tuple[int | None, int | None]:
    """Return (presentation, decoding time) in a PES header at the start of a packet's payload."""
    payload = payload_of(packet.tobytes())
    if len(payload) < 14 or payload[:3] != b"\x00\x00\x01" or not payload[7] & 0x80:
        return None, None
    dts = _time_at(payload[14:19]) if payload[7] & 0x40 and len(payload) >= 19 else None
    return _time_at(payload[9:14]), dts


def decoding_time_of(packet: NDArray[np.uint8]) -> int | None:
    """Return the decoding time as `times_of`; the presentation time if the packet has no decoding time."""
    pts, dts = times_of(packet)
    return pts if dts is None else dts


def _time_at(five: bytes) -> int:
    return (five[0] >> 1 & 7) << 30 | five[1] << 22 | (five[2] >> 1) << 15 | five[3] << 7 | five[4] >> 1


def pids_of(packets: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the PIDs of packets, uint8 [n, 188]; those out of step have none that is looked for."""
    pids: NDArray[np.uint16] = np.left_shift(packets[:, 1] & 31, 8, dtype=np.uint16) | packets[:, 2]
    pids[packets[:, 0] != _SYNC] = NULL_PID
    return pids


def renumber(packets: NDArray[np.uint8], rows: NDArray[np.bool_], pid: int) -> None:
    """Give some packets another PID, in place."""
    packets[rows, 1] = packets[rows, 1] & 0xE0 | pid >> 8
    packets[rows, 2] = pid & 0xFF


class VideoEntry(NamedTuple):
    """A video that a program map lists."""

    program: int
    pid: int
    codec: str


class TableReader:
    """Assembles tables from their packets; `maps` and `videos` are those of the newest complete tables."""

    def __init__(self) -> None:
        self.maps: dict[int, int] = {}
        """PID of the map of each program."""
        self.videos: dict[int, tuple[VideoEntry, ...]] = {}
        """Videos of each program whose map is known, in its order."""
        self._packets: dict[int, bytes] = {}
        self._parts: dict[int, bytearray] = {}
        self._sections: dict[int, bytes] = {}

    @property
    def pids(self) -> set[int]:
        """Of packets that hold tables."""
        return {_PAT_PID, *self.maps.values()}

    def add(self, pid: int, packet: bytes) -> bool:
        """Take the next packet of a table, 188 bytes; return whether it changed what programs and videos there are."""
        # Repeats, which come ten times a second, differ in their counter only.
        if self._packets.get(pid) == packet[4:] and not self._parts.get(pid):
            return False
        self._packets[pid] = packet[4:]
        payload = payload_of(packet)
        if packet[1] & 0x40:
            if not payload:
                return False
            pointer = payload[0] + 1
            changed = self._extend(pid, payload[1:pointer])
            self._parts[pid] = bytearray()
            payload = payload[pointer:]
            return self._extend(pid, payload) or changed
        return self._extend(pid, payload) if pid in self._parts else False

    def _extend(self, pid: int, payload: bytes) -> bool:
        part = self._parts.setdefault(pid, bytearray())
        part += payload
        changed = False
        while len(part) >= 3 and part[0] != 0xFF:
            length = 3 + ((part[1] & 15) << 8 | part[2])
            if len(part) < length:
                return changed
            section = bytes(part[:length])
            del part[:length]
            changed |= self._read(pid, section)
        part.clear()
        return changed

    def _read(self, pid: int, section: bytes) -> bool:
        # The lowest bit of byte 5: it applies now, not later.
        if len(section) < 12 or not section[5] & 1 or not _is_whole(section):
            return False
        key = pid << 16 | (section[3] << 8 | section[4])
        if self._sections.get(key) == section:
            return False
        self._sections[key] = section
        if pid == _PAT_PID and section[0] == 0:
            return self._read_programs(section[8:-4])
        if section[0] == 2 and pid in self.maps.values():
            return self._read_map(section[3] << 8 | section[4], section)
        return False

    def _read_programs(self, body: bytes) -> bool:
        maps = {}
        for place in range(0, len(body) - 3, 4):
            number, pid = body[place] << 8 | body[place + 1], (body[place + 2] & 31) << 8 | body[place + 3]
            if number:
                maps[number] = pid
        changed = maps != self.maps
        self.maps = maps
        self.videos = {number: videos for number, videos in self.videos.items() if number in maps}
        if changed:
            # A map that comes again under another PID, or after another program's, counts again.
            self._sections = {key: section for key, section in self._sections.items() if not key >> 16}
            self._packets = {pid: packet for pid, packet in self._packets.items() if pid == _PAT_PID}
            self._parts = {}
        return changed

    def _read_map(self, program: int, section: bytes) -> bool:
        if program not in self.maps:
            return False
        place = 12 + ((section[10] & 15) << 8 | section[11])
        videos = []
        while place + 5 <= len(section) - 4:
            kind, pid = section[place], (section[place + 1] & 31) << 8 | section[place + 2]
            length = (section[place + 3] & 15) << 8 | section[place + 4]
            codec = _CODECS.get(kind) or _registered(section[place + 5 : place + 5 + length])
            if codec:
                videos.append(VideoEntry(program, pid, codec))
            place += 5 + length
        changed = self.videos.get(program) != tuple(videos)
        self.videos[program] = tuple(videos)
        return changed


def payload_of(packet: bytes) -> bytes:
    """Return what a packet of 188 bytes carries behind its header and adaptation field."""
    if not packet[3] & 0x10:
        return b""
    return packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]


def _registered(descriptors: bytes) -> str:
    place = 0
    while place + 2 <= len(descriptors):
        kind, length = descriptors[place], descriptors[place + 1]
        if kind == _REGISTRATION and (codec := _REGISTERED.get(descriptors[place + 2 : place + 6])):
            return codec
        place += 2 + length
    return ""


def _is_whole(section: bytes) -> bool:
    """Return whether the CRC-32 of a section with its own is 0 (Annex A), which zlib inverts."""
    return zlib.crc32(section.translate(_MIRRORED)) == 0xFFFFFFFF
