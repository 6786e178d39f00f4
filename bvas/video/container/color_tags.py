"""Color tags of a picture: primaries, transfer characteristic and matrix (ITU-T H.273); headers that change them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import av

from bvas.video.container.coded_packets import nal_kind, nal_units, new_extradata, parameter_sets

Hdr = Literal["PQ", "HLG"]
"""`PQ`: SMPTE ST 2084. `HLG`: ARIB STD-B67. Both are systems of ITU-R BT.2100."""

BT709 = 1
BT601 = 5
BT2020 = 9
UNSPECIFIED = 2
SMPTE170M = 6
"""Matrix of ITU-R BT.601."""
_ICTCP = 14
IPT_C2 = 15
"""Matrix IPT-PQ-C2, as in Dolby Vision without a base layer for others."""
_HDR: dict[int, Hdr] = {16: "PQ", 18: "HLG"}
# ITU-T H.264 and H.265, table 7-1: types of sequence parameter set and SEI; bytes of the header of a unit.
_COLOR_UNITS = {"h264": (7, 6, 1), "hevc": (33, 39, 2)}
# Payload type of the alternative transfer characteristics SEI (H.265, D.2.38).
_ALTERNATIVE_TRANSFER = 147
_MOST_HEADERS = 64
# Bytes of a packet in which its headers are found, ahead of the picture.
_HEAD = 8192


def _named(codes: Iterable[int], names: str) -> dict[int, str]:
    return dict(zip(codes, names.split(), strict=True))


# Names as FFmpeg and ffprobe write them, by code point.
_PRIMARIES = _named(
    (1, *range(4, 13), 22),
    "bt709 bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 smpte432 ebu3213",
)
_TRANSFERS = _named(
    (1, *range(4, 19)),
    "bt709 bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e iec61966-2-1 "
    "bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67",
)
_MATRICES = _named(
    (0, 1, *range(4, 16)),
    "gbr bt709 fcc bt470bg smpte170m smpte240m ycgco bt2020nc bt2020c smpte2085 chroma-derived-nc chroma-derived-c "
    "ictcp ipt-c2",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorTags:
    """Code points of ITU-T H.273, section 8; 2 is unspecified."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED

    @property
    def hdr(self) -> Hdr | None:
        """The HDR system that the transfer characteristic names; None for SDR and unspecified."""
        return _HDR.get(self.transfer)

    @property
    def is_ictcp(self) -> bool:
        """The planes are intensity and two color differences (BT.2100, table 7)."""
        return self.matrix == _ICTCP

    @property
    def names(self) -> dict[str, str]:
        """FFmpeg's names of the tags, by `transfer`, `primaries` and `matrix`."""
        return {
            "transfer": _name(_TRANSFERS, self.transfer),
            "primaries": _name(_PRIMARIES, self.primaries),
            "matrix": _name(_MATRICES, self.matrix),
        }

    def or_else(self, other: "ColorTags") -> "ColorTags":
        """Return these tags, with those of `other` where these are unspecified."""
        return ColorTags(
            primaries=other.primaries if self.primaries == UNSPECIFIED else self.primaries,
            transfer=other.transfer if self.transfer == UNSPECIFIED else self.transfer,
            matrix=other.matrix if self.matrix == UNSPECIFIED else self.matrix,
        )

    @property
    def known(self) -> "ColorTags":
        """These tags without code points that encoders refuse."""
        return ColorTags(
            primaries=self.primaries if self.primaries in _PRIMARIES else UNSPECIFIED,
            transfer=self.transfer if self.transfer in _TRANSFERS else UNSPECIFIED,
            matrix=self.matrix if self.matrix in _MATRICES else UNSPECIFIED,
        )

    def in_sdr(self) -> "ColorTags":
        """Return the tags of the picture after tone mapping: BT.709 for HDR, unchanged for SDR."""
        return self if self.hdr is None else ColorTags(primaries=BT709, transfer=BT709, matrix=BT709)

    def in_yuv(self) -> "ColorTags":
        """Return the tags of the same picture stored as YUV: RGB names no matrix, and swscale converts to BT.601."""
        if self.matrix != 0:
            return self
        return ColorTags(primaries=self.primaries, transfer=self.transfer, matrix=SMPTE170M)


NO_TAGS = ColorTags()


def color_tags_of(frame: Any) -> ColorTags:
    """Return the color tags of a decoded frame, from its bitstream."""
    return tags_of(frame, is_rgb=bool(frame.format.is_rgb))


def tags_of(tagged: Any, *, is_rgb: bool = False) -> ColorTags:
    """Return the tags of a frame or codec context of PyAV.

    Args:
        tagged: The frame or context.
        is_rgb: It stores RGB. In other formats matrix 0, which is that of RGB, counts as unspecified.
    """
    # 0 is reserved for primaries and transfer; FFmpeg has it where nothing was set.
    primaries, transfer = (int(code) or UNSPECIFIED for code in (tagged.color_primaries, tagged.color_trc))
    matrix = int(tagged.colorspace) or (0 if is_rgb else UNSPECIFIED)
    return ColorTags(primaries=primaries, transfer=transfer, matrix=matrix)


def hdr_of(transfer: int) -> Hdr | None:
    """Return the HDR system that a transfer characteristic names; None for SDR."""
    return _HDR.get(transfer)


def _name(names: dict[int, str], code: int) -> str:
    return "unspecified" if code == UNSPECIFIED else names.get(code, str(code))


class HeaderColors:
    """Finds keyframes whose headers differ from all before, and decodes those to learn their tags.

    Args:
        codec: libav's name of the coding format.
        extradata: The headers beside the stream.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self._extradata = extradata
        beside = (
            _color_headers(codec, None, parameter_sets(codec, extradata)) if codec in _COLOR_UNITS else []
        )
        self._seen: set[bytes] = {b"".join(beside)} if beside else set()
        self.found: set[ColorTags] = set()
        """Tags of all headers but the first."""

    def add(self, packet: Any) -> None:
        """Take the next packet of the stream."""
        if self._codec not in _COLOR_UNITS or not packet.is_keyframe:
            return
        # mp4 with several sample descriptions changes the extradata in mid-stream.
        beside = []
        if (changed := new_extradata(packet)) is not None:
            self._extradata = changed
            beside = _color_headers(self._codec, None, parameter_sets(self._codec, self._extradata))
        head = bytes(memoryview(packet)[:_HEAD])
        headers = b"".join(beside + _color_headers(self._codec, self._extradata, head))
        if not headers or headers in self._seen or len(self._seen) >= _MOST_HEADERS:
            return
        self._seen.add(headers)
        if len(self._seen) > 1:
            self.found.update(self._tags_of(packet))

    def _tags_of(self, packet: Any) -> list[ColorTags]:
        """Return the tags that a keyframe comes out with."""
        decoder = av.CodecContext.create(self._codec, "r")
        decoder.extradata = self._extradata
        try:
            frames = [*decoder.decode(packet), *decoder.decode(None)]
        except av.FFmpegError:
            # A keyframe that cannot be decoded alone is judged when its frames are read.
            return []
        return [color_tags_of(frame) for frame in frames]


def _color_headers(codec: str, extradata: bytes | None, coded: bytes) -> list[bytes]:
    """Return the NAL units of some coded data that decide about color tags."""
    sps, sei, head = _COLOR_UNITS[codec]
    found = []
    for unit in nal_units(codec, extradata, coded):
        kind = nal_kind(codec, unit)
        # The payload type of an SEI follows its header.
        if kind == sps or (kind == sei and unit[head : head + 1] == bytes([_ALTERNATIVE_TRANSFER])):
            found.append(unit)
    return found
