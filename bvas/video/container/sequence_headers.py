"""Sequence headers of H.264, HEVC, VP9 and AV1, bit by bit.

Only the fields that bvas needs are read: the size, the cropped corner of the coded picture, the number of reference
pictures, and whether frames may be made of two fields.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

# H.264 profiles whose headers hold chroma format and bit depth (ITU-T H.264, 7.3.2.1.1).
_HIGH_PROFILES = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)
# Width and height of a sample by aspect_ratio_idc, from 1 on (ITU-T H.264, table E-1); 255 is followed by both.
_ASPECTS = (
    *((1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11)),
    *((80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1)),
)
# Columns and rows of luma for each sample of chroma, by chroma_format_idc (ITU-T H.264, table 6-1).
_SUBSAMPLING = ((1, 1), (2, 2), (2, 1), (1, 1))
# VP9 and AV1 keep eight reference pictures in each stream.
_NUM_REFERENCES = 8


def unit_bits(unit: bytes, head: int) -> "Bits":
    """Return the bits of a NAL unit behind the bytes of its header."""
    # Emulation prevention: a 3 is inserted behind two zeros, so that no start code appears by chance.
    return Bits(unit[head:].replace(b"\x00\x00\x03", b"\x00\x00"))


class Bits:
    """Bits of a header, from the first on; reading past the end raises IndexError."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise IndexError(self._left)
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """Return the next Exp-Golomb number, without sign (ITU-T H.264, 9.1)."""
        num_zeros = 0
        while not self.take(1):
            num_zeros += 1
        return (1 << num_zeros) - 1 + (self.take(num_zeros) if num_zeros else 0)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Fields of a sequence header, for the pictures that follow it."""

    header: bytes
    """Its bytes: a decoder made for one header fits any equal one."""
    size: tuple[int, int]
    """(h, w) of what is shown."""
    number: int = 0
    """By which picture parameters name an H.264 or HEVC header."""
    corner: tuple[int, int] = (0, 0)
    """(rows, columns) of the coded picture above and left of what is shown."""
    num_references: int = _NUM_REFERENCES
    """Reference pictures that a decoder keeps at most."""
    may_hold_fields: bool = False
    sample_aspect: Fraction | None = None
    """Width over height of a sample, as an H.264 header has it; None where it does not say."""


@lru_cache(maxsize=64)
def read_sequence(codec: str, header: bytes) -> Sequence | None:
    """Read a sequence parameter set with its NAL header; None where it breaks off or is of another layer."""
    if codec == "hevc" and (len(header) < 2 or header[0] & 1 or header[1] >> 3):
        return None
    try:
        return _h264_sequence(header) if codec == "h264" else _hevc_sequence(header)
    except IndexError:
        return None


def _h264_sequence(header: bytes) -> Sequence:
    """Read ITU-T H.264, 7.3.2.1.1, up to frame_crop_bottom_offset."""
    bits = unit_bits(header, 1)
    profile = bits.take(8)
    bits.take(16)
    number = bits.golomb()
    chroma_format, has_planes = 1, 0
    if profile in _HIGH_PROFILES:
        chroma_format = bits.golomb()
        if chroma_format == 3:
            has_planes = bits.take(1)
        bits.golomb(), bits.golomb()
        bits.take(1)
        if bits.take(1):
            _pass_scaling_lists(bits, num_lists=12 if chroma_format == 3 else 8)
    bits.golomb()
    order_type = bits.golomb()
    if order_type == 0:
        bits.golomb()
    elif order_type == 1:
        bits.take(1)
        bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    num_references = bits.golomb()
    bits.take(1)
    width, height = 16 * (bits.golomb() + 1), 16 * (bits.golomb() + 1)
    frames_only = bits.take(1)
    if not frames_only:
        height *= 2
        bits.take(1)
    bits.take(1)
    columns, rows = _SUBSAMPLING[0 if has_planes else min(chroma_format, 3)]
    size, corner = _cropped(bits, (height, width), (rows * (2 - frames_only), columns))
    return Sequence(
        header=header,
        size=size,
        number=number,
        corner=corner,
        num_references=num_references,
        may_hold_fields=not frames_only,
        sample_aspect=_h264_aspect(bits),
    )


def _h264_aspect(bits: Bits) -> Fraction | None:
    """Read ITU-T H.264, E.1.1, up to sar_height, from vui_parameters_present_flag on."""
    if not (bits.take(1) and bits.take(1)):
        return None
    number = bits.take(8)
    if number == 255:
        width, height = bits.take(16), bits.take(16)
    else:
        width, height = _ASPECTS[number - 1] if 1 <= number <= len(_ASPECTS) else (0, 0)
    return Fraction(width, height) if width and height else None


def _hevc_sequence(header: bytes) -> Sequence:
    """Read ITU-T H.265, 7.3.2.2.1, up to sps_max_dec_pic_buffering_minus1."""
    bits = unit_bits(header, 2)
    num_layers = _pass_hevc_profile(bits)
    number = bits.golomb()
    chroma_format = bits.golomb()
    has_planes = bits.take(1) if chroma_format == 3 else 0
    width, height = bits.golomb(), bits.golomb()
    columns, rows = _SUBSAMPLING[0 if has_planes else min(chroma_format, 3)]
    size, corner = _cropped(bits, (height, width), (rows, columns))
    bits.golomb(), bits.golomb(), bits.golomb()
    num_told = num_layers if bits.take(1) else 1
    num_pictures = [(bits.golomb(), bits.golomb(), bits.golomb())[0] + 1 for _ in range(num_told)]
    # The picture itself is counted there.
    num_references = max(num_pictures) - 1
    return Sequence(header=header, size=size, number=number, corner=corner, num_references=num_references)


def _cropped(
    bits: Bits, size: tuple[int, int], unit: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read a cropping window, in units of (rows, columns); return size and corner of what it leaves."""
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
    rows, columns = unit
    return (size[0] - rows * (top + bottom), size[1] - columns * (left + right)), (rows * top, columns * left)


def _pass_hevc_profile(bits: Bits) -> int:
    """Pass what comes before the number of an HEVC sequence header; return its temporal layers."""
    bits.take(4)
    num_layers = bits.take(3) + 1
    bits.take(1)
    # ITU-T H.265, 7.3.3: 88 bits of profile, 8 of level; then of each lower layer those that are there.
    bits.take(96)
    there = [(bits.take(1), bits.take(1)) for _ in range(num_layers - 1)]
    if there:
        bits.take(2 * (8 - len(there)))
    for has_profile, has_level in there:
        bits.take(88 * has_profile + 8 * has_level)
    return num_layers


def vp9_sequence(head: bytes, before: Sequence | None) -> Sequence | None:
    """Read the VP9 specification, 6.2, up to the size of the frame: of keyframes, and where others state one."""
    bits = Bits(head)
    try:
        bits.take(2)
        profile = bits.take(1) + 2 * bits.take(1)
        bits.take(1 if profile == 3 else 0)
        if bits.take(1):
            # A frame that was decoded before is shown.
            return before
        is_inter, is_shown, is_resilient = bits.take(1), bits.take(1), bits.take(1)
        if not is_inter:
            bits.take(24)
            color = _vp9_color(bits, profile)
        elif is_shown or not bits.take(1):
            bits.take(0 if is_resilient else 2)
            bits.take(8 + 3 * 4)
            # It may have the size of one of its three references.
            if before is None or bits.take(1) or bits.take(1) or bits.take(1):
                return before
            color = before.header[:3]
        else:
            bits.take(0 if is_resilient else 2)
            bits.take(24)
            color = _vp9_color(bits, profile) if profile else bytes(3)
            bits.take(8)
        width, height = bits.take(16) + 1, bits.take(16) + 1
    except IndexError:
        return before
    header = color + width.to_bytes(2, "big") + height.to_bytes(2, "big")
    return Sequence(header=header, size=(height, width))


def _vp9_color(bits: Bits, profile: int) -> bytes:
    """Pass the VP9 specification, 6.2.2; return profile, depth flag and subsampling."""
    deep = bits.take(1) if profile >= 2 else 0
    space, sampling = bits.take(3), 0
    if space != 7:
        bits.take(1)
        sampling = bits.take(3) if profile in (1, 3) else 0
    elif profile in (1, 3):
        bits.take(1)
    return bytes([profile, deep, sampling])


def _av1_units(coded: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, payload) of the units of an AV1 packet (AV1 specification, 5.3)."""
    place = 0
    while place < len(coded):
        head = coded[place]
        place += 2 if head & 4 else 1
        size = len(coded) - place
        if head & 2:
            size, shift = 0, 0
            while place < len(coded):
                byte = coded[place]
                size |= (byte & 127) << shift
                place, shift = place + 1, shift + 7
                if byte < 128:
                    break
        yield head >> 3 & 15, coded[place : place + size]
        place += size


def av1_sequence(coded: bytes, before: Sequence | None) -> Sequence | None:
    """Return the sequence header that holds behind an AV1 packet, by the one before."""
    headers = [unit for kind, unit in _av1_units(coded) if kind == 1]
    found = _av1_header(headers[-1]) if headers else None
    return found or before


@lru_cache(maxsize=64)
def _av1_header(header: bytes) -> Sequence | None:
    """Read the AV1 specification, 5.5.1, up to the largest size of a frame."""
    bits = Bits(header)
    try:
        bits.take(4)
        if bits.take(1):
            bits.take(5)
        else:
            _pass_av1_operation(bits)
        width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
        width, height = bits.take(width_bits) + 1, bits.take(height_bits) + 1
    except IndexError:
        return None
    return Sequence(header=header, size=(height, width))


def _pass_av1_operation(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        if bits.take(1):
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_initial_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_initial_delay and bits.take(1):
            bits.take(4)


def _pass_scaling_lists(bits: Bits, num_lists: int) -> None:
    for number in range(num_lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                coded = bits.golomb()
                following = (last + (coded + 1) // 2 * (1 if coded & 1 else -1)) % 256
            last = following or last
