"""Dolby Vision: profile of a stream, and whether other decoders can show its base layer.

The container holds a configuration record (Dolby Vision Streams Within the ISO Base Media File Format, section 3.2:
`dvcC`, `dvvC`, `dvwC`; Matroska keeps the same bytes). PyAV returns it from version 19 on; for version 18 it is read
here. Without a record, the metadata of the frames (RPU) shows whether the profile has a base layer.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bvas.errors import DecodeError
from bvas.video.container.color_tags import NO_TAGS, ColorTags
from bvas.video.container.mp4_boxes import Box, boxes, boxes_within

_SIDE_DATA = "dovi_conf"
_RECORDS = (b"dvcC", b"dvvC", b"dvwC")
_SAMPLE_ENTRIES = ("dvh1", "dvhe", "dva1", "dvav", "dav1")
# ISO/IEC 14496-12: boxes on the way to the sample description.
_ON_THE_WAY = (b"mdia", b"minf", b"stbl")
_VISUAL_ENTRY_BYTES = 78
# RFC 9559 and the Matroska registry of block additions.
_SEGMENT, _TRACKS, _TRACK_ENTRY = 0x18538067, 0x1654AE6B, 0xAE
_MAPPING, _MAPPING_TYPE, _MAPPING_DATA = 0x41E4, 0x41E7, 0x41ED
_HDR10 = ColorTags(primaries=9, transfer=16, matrix=9)
_BASE_TAGS = {1: _HDR10, 4: ColorTags(primaries=9, transfer=18, matrix=9), 6: _HDR10}
_BASE_LAYERS = {1: "HDR10 (PQ)", 2: "SDR", 4: "HLG", 6: "HDR10 (PQ)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DolbyVision:
    """What is known of a Dolby Vision stream."""

    profile: int
    compatibility: int | None = None
    """Signal compatibility of the base layer: 0 none, 1 and 6 HDR10, 2 SDR, 4 HLG; None where it is unknown."""
    has_base_layer: bool = True

    @property
    def name(self) -> str:
        """Profile and compatibility as they are usually written, such as 8.4 or 5."""
        if self.profile in (8, 10) and self.compatibility is not None:
            return f"{self.profile}.{self.compatibility}"
        return str(self.profile)

    @property
    def base_layer(self) -> str | None:
        """Name of the base layer's system; None where no other decoder can show it."""
        if self.profile == 5 or self.compatibility == 0 or not self.has_base_layer:
            return None
        return _BASE_LAYERS.get(self.compatibility or 0, "as tagged")

    @property
    def base_tags(self) -> ColorTags:
        """Color tags of the base layer, where the compatibility names its system."""
        return _BASE_TAGS.get(self.compatibility or 0, NO_TAGS)

    def check(self, name: str) -> None:
        """Refuse a stream without a base layer for other decoders.

        Raises:
            DecodeError: names the source, the profile and the remedy.
        """
        if self.base_layer is None:
            raise DecodeError(
                f"{name} is Dolby Vision of profile {self.name}, whose picture (IPT-PQ-C2) needs Dolby's own decoder: "
                "it has no base layer in SDR, PQ or HLG. Export it as HDR10, HLG or SDR, or convert it: "
                "ffmpeg -i IN -vf libplacebo=colorspace=bt709:color_primaries=bt709:color_trc=bt709:format=yuv420p OUT",
                path=name,
            )


def dolby_vision_of_decoder(decoder: Any) -> DolbyVision | None:
    """Return the configuration that libav found in the container, by a decoder of PyAV; None where it has none."""
    # PyAV 18 has no such attribute.
    record = getattr(decoder, "coded_side_data", {}).get(_SIDE_DATA)
    if record is None or len(record) < 8:
        return None
    # libavutil/dovi_meta.h: AVDOVIDecoderConfigurationRecord, a byte for each field.
    return DolbyVision(profile=record[2], compatibility=record[7], has_base_layer=bool(record[6]))


def dolby_vision_of_frame(frame: Any) -> DolbyVision | None:
    """Return the Dolby Vision configuration by the metadata of a decoded frame; None where it has none."""
    data = frame.side_data.get("DOVI_METADATA")
    if data is None:
        return None
    raw = bytes(data)
    # libavutil/dovi_meta.h: AVDOVIMetadata begins with the offset of the header, a size_t; AVDOVIRpuDataHeader holds
    # at byte 4 vdr_rpu_profile, at 10 bl_video_full_range_flag. Profile 0 with a full range is 5 (as FFmpeg guesses).
    (offset,) = struct.unpack_from("N", raw)
    is_five = raw[offset + 4] == 0 and raw[offset + 10] == 1
    return DolbyVision(profile=5 if is_five else 8)


def dolby_vision_of_entry(codec_tag: str, *, is_tagged: bool) -> DolbyVision | None:
    """Return the Dolby Vision configuration by the code of a sample entry; None where it is not one of Dolby's.

    Args:
        codec_tag: Four characters.
        is_tagged: The picture names a transfer characteristic, as base layers do.
    """
    if codec_tag not in _SAMPLE_ENTRIES:
        return None
    return DolbyVision(profile=8 if is_tagged else 5)


def find_dolby_vision(path: Path, container: str, stream: Any) -> DolbyVision | None:
    """Return the Dolby Vision configuration of a video stream, from the head of its file; None without one.

    Args:
        path: The file.
        container: Short name that libav has for the container.
        stream: The stream, of PyAV.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        records: Iterable[bytes] = ()
        if container == "mov":
            records = _mp4_records(file, track_id=int(stream.id))
        elif container == "matroska":
            records = _matroska_records(file, number=int(stream.index))
        return next(filter(None, map(parse_record, records)), None)


def parse_record(record: bytes) -> DolbyVision | None:
    """Parse a DOVIDecoderConfigurationRecord; None if it is cut off."""
    if len(record) < 5:
        return None
    # Versions in 2 bytes, then bits: profile 7, level 6, RPU 1, enhancement layer 1, base layer 1, compatibility 4.
    bits = int.from_bytes(record[2:5], "big")
    return DolbyVision(profile=bits >> 17, compatibility=bits >> 4 & 15, has_base_layer=bool(bits >> 8 & 1))


def _mp4_records(file: BinaryIO, track_id: int) -> Iterator[bytes]:
    """Yield the records in the sample description of a track."""
    for track in boxes_within(file, 0, file.seek(0, 2), (b"moov",)):
        if track.kind != b"trak" or _track_id(file, track) != track_id:
            continue
        for table in boxes_within(file, track.body, track.end, _ON_THE_WAY):
            if table.kind == b"stsd":
                # Version, flags and the number of entries stand before the entries.
                for entry in boxes(file, table.body + 8, table.end):
                    yield from _entry_records(file, entry)


def _entry_records(file: BinaryIO, entry: Box) -> Iterator[bytes]:
    for box in boxes(file, entry.body + _VISUAL_ENTRY_BYTES, entry.end):
        if box.kind in _RECORDS:
            file.seek(box.body)
            yield file.read(min(box.end - box.body, 32))


def _track_id(file: BinaryIO, track: Box) -> int | None:
    for box in boxes(file, track.body, track.end):
        if box.kind == b"tkhd":
            file.seek(box.body)
            head = file.read(24)
            # ISO/IEC 14496-12, 8.3.2: two times of 4 bytes, or of 8 in version 1, come first.
            place = 20 if head[:1] == b"\x01" else 12
            return int.from_bytes(head[place : place + 4], "big")
    return None


def _matroska_records(file: BinaryIO, number: int) -> Iterator[bytes]:
    """Yield the records of a track, which is counted from 0 as libav counts streams."""
    for kind, start, end in _elements(file, 0, file.seek(0, 2)):
        if kind != _SEGMENT:
            continue
        for inner, body, stop in _elements(file, start, end):
            if inner != _TRACKS:
                continue
            tracks = [place for place in _elements(file, body, stop) if place[0] == _TRACK_ENTRY]
            if number < len(tracks):
                yield from _mapped_records(file, *tracks[number][1:])
            return


def _mapped_records(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    for kind, body, stop in _elements(file, start, end):
        if kind != _MAPPING:
            continue
        found: dict[int, bytes] = {}
        for inner, place, inner_end in _elements(file, body, stop):
            file.seek(place)
            found[inner] = file.read(min(inner_end - place, 64))
        if found.get(_MAPPING_TYPE, b"").lstrip(b"\0") in _RECORDS:
            yield found.get(_MAPPING_DATA, b"")


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (id, begin of the content, end) of the EBML elements in a stretch of a file."""
    place = start
    while place < end:
        file.seek(place)
        head = file.read(12)
        id_bytes = _length_of(head[:1])
        size_bytes = _length_of(head[id_bytes : id_bytes + 1])
        if not 1 <= id_bytes <= 4 or not size_bytes or len(head) < id_bytes + size_bytes:
            return
        kind = int.from_bytes(head[:id_bytes], "big")
        size = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big") & (1 << 7 * size_bytes) - 1
        body = place + id_bytes + size_bytes
        # All ones: the length is unknown, and the element reaches to the end of its parent.
        stop = end if size == (1 << 7 * size_bytes) - 1 else min(body + size, end)
        yield kind, body, stop
        place = stop


def _length_of(first: bytes) -> int:
    """Return the length in bytes of an EBML number by its first byte (RFC 8794, 4.1); 0 where that is invalid."""
    return 9 - first[0].bit_length() if first and first[0] else 0
