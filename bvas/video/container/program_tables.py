"""Program tables of a transport stream: its programs, and the packets that carry the video of each.

Syntax: ISO/IEC 13818-1, 2.4.4.3 (program association) and 2.4.4.8 (program map).
"""

import zlib
from typing import NamedTuple

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
