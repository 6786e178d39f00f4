"""Packets of a transport stream: their layout in the bytes, and the fields of single ones (ISO/IEC 13818-1, 2.4.3)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bvas.video.container.program_tables import payload_of

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
    """Return the decoding time as `times_of`; the presentation time where there is no other."""
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
