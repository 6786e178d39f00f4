"""NAL units of coded packets: random access points and skippable pictures that libav's flags do not show."""

from collections.abc import Iterator
from typing import Any

_START = b"\x00\x00\x00\x01"


def starts_afresh(codec: str, extradata: bytes | None, packet: bytes) -> bool:
    """Return whether a packet flagged as a keyframe can be decoded exactly without what came before it.

    H.264 streams with gradual refresh have P pictures for keyframes, and promise a whole picture some frames
    later. x264 was seen to break the promise, so decoding does not start there. For HEVC libav believes the
    container, and some muxers mark every packet.
    """
    if codec == "hevc":
        # ITU-T H.265, 7.4.2.2: types below 32 are slices, 16 to 23 those of pictures to start from.
        kinds = (nal_kind(codec, unit) for unit in nal_units(codec, extradata, packet))
        return 16 <= next((kind for kind in kinds if kind < 32), 16) <= 23
    if codec != "h264":
        return True
    for nal in nal_units(codec, extradata, packet):
        kind = nal_kind(codec, nal)
        if kind == 5:
            return True
        if kind == 1 and len(nal) > 1:
            # ITU-T H.264, 7.3.3: first_mb_in_slice 0 is the bit 1, then slice_type: 2 is 011, 7 is 0001000.
            bits = f"{nal[1]:08b}"
            return bits[0] == "0" or bits[1:4] == "011" or bits[1:] == "0001000"
    return True


def annex_b(codec: str, extradata: bytes | None, packet: bytes) -> bytes:
    """Return an H.264 or HEVC packet with start codes, as a decoder without a container reads it."""
    if not _has_lengths(codec, extradata or b""):
        return packet
    return b"".join(_START + unit for unit in nal_units(codec, extradata, packet))


def parameter_sets(codec: str, extradata: bytes | None) -> bytes:
    """Return a stream's extradata as its packets would hold it; H.264 and HEVC with start codes."""
    data = extradata or b""
    if codec == "av1":
        # AV1 in ISOBMFF, 2.3.3: av1C, 4 bytes with the marker and version 0x81, then units.
        return data[4:] if data[:1] == b"\x81" else data
    if not _has_lengths(codec, data):
        return data
    units = []
    try:
        if codec == "h264":
            # ISO/IEC 14496-15, 5.3.3.1: 5 bits count the SPS, then 8 the PPS, each behind a 16-bit length.
            place = 5
            for mask in (31, 255):
                count, place = data[place] & mask, place + 1
                for _ in range(count):
                    unit, place = _sized_unit(data, place)
                    units.append(unit)
        else:
            # 8.3.3.1: from byte 22, arrays of units: type, 16-bit count, each unit behind a 16-bit length.
            place = 23
            for _ in range(data[22]):
                count, place = int.from_bytes(data[place + 1 : place + 3], "big"), place + 3
                for _ in range(count):
                    unit, place = _sized_unit(data, place)
                    units.append(unit)
    except IndexError:
        return b""
    return b"".join(_START + unit for unit in units)


def new_extradata(packet: Any) -> bytes | None:
    """Return the extradata that a packet of PyAV brings, or None where it brings none."""
    # mp4 and mov with several sample descriptions, and flv, change it in mid-stream.
    return bytes(packet.get_sidedata("new_extradata")) if packet.has_sidedata("new_extradata") else None


def _sized_unit(data: bytes, place: int) -> tuple[bytes, int]:
    end = place + 2 + int.from_bytes(data[place : place + 2], "big")
    if end > len(data):
        raise IndexError(end)
    return data[place + 2 : end], end


def _has_lengths(codec: str, extradata: bytes) -> bool:
    # avcC and hvcC begin with their version, 1; streams with start codes begin with a start code.
    return extradata[:1] == b"\x01" and len(extradata) > (22 if codec == "hevc" else 6)


def nal_units(codec: str, extradata: bytes | None, packet: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an H.264 or HEVC packet, each from its header on."""
    if extradata is None or not _has_lengths(codec, extradata):
        yield from (unit for unit in packet.split(b"\x00\x00\x01")[1:] if unit)
        return
    width = (extradata[21 if codec == "hevc" else 4] & 3) + 1
    place = 0
    while place + width < len(packet):
        length = int.from_bytes(packet[place : place + width], "big")
        if not length:
            return
        yield packet[place + width : place + width + length]
        place += width + length


def nal_kind(codec: str, unit: bytes) -> int:
    """Return the type of an H.264 or HEVC NAL unit, by the first byte of its header."""
    return unit[0] >> 1 & 63 if codec == "hevc" else unit[0] & 31


def may_skip_nonref(codec: str, extradata: bytes | None) -> bool:
    """Return whether libav's skip_frame=NONREF leaves all other frames identical.

    H.264 marks pictures that no other refers to (nal_ref_idc 0). HEVC marks those that no other *in the same
    temporal layer* refers to. So skipping is safe only in a stream whose header states one layer.
    In other codecs libav decides by other means; those are decoded whole.
    """
    if codec == "h264":
        return True
    return codec == "hevc" and _num_temporal_layers(extradata or b"") == 1


def is_nonref(codec: str, extradata: bytes | None, packet: bytes) -> bool:
    """Return whether no other picture refers to that of a packet, where `may_skip_nonref` holds.

    libav's skip_frame=NONREF also drops packets that it cannot parse, and then reports no error.

    Args:
        codec: `h264` or `hevc`.
        extradata: The headers beside the stream.
        packet: Its bytes, or the first of them; False where these do not hold a slice header.
    """
    for unit in nal_units(codec, extradata, packet):
        kind = nal_kind(codec, unit)
        if codec == "h264" and 1 <= kind <= 5:
            return unit[0] >> 5 & 3 == 0
        # ITU-T H.265, 7.4.2.2: of the types below 16 the even ones.
        if codec == "hevc" and kind < 32:
            return kind in range(0, 16, 2)
    return False


def _num_temporal_layers(extradata: bytes) -> int | None:
    """Return the layers that the HEVC header declares, or None if it does not say."""
    # ISO/IEC 14496-15, 8.3.3.1: hvcC, version 1; byte 21 holds 2 bits, 3 bits numTemporalLayers (0: unknown).
    if extradata[:1] == b"\x01" and len(extradata) > 22:
        return (extradata[21] >> 3) & 7 or None
    # Annex B: a start code, then a VPS (NAL type 32), whose bits 12 to 14 are max_sub_layers_minus1.
    start = extradata.find(b"\x00\x00\x01\x40")
    if start < 0 or len(extradata) < start + 7:
        return None
    return ((extradata[start + 6] >> 1) & 7) + 1
