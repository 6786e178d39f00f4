"""Whether a stream may hold interlaced frames, as its sequence headers say, before any is met."""

from bvas.video.bitstream import nal_units

# H.264 profiles whose headers say more of chroma and depth (ITU-T H.264, 7.3.2.1.1).
_HIGH_PROFILES = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)


def may_hold_fields(codec: str, coded: bytes) -> bool:
    """Return whether a header among some coded data allows interlaced frames; False where none tells.

    Args:
        codec: libav's name of the format.
        coded: The headers beside a stream, or a packet of it, with start codes. A recording may go from one
            program to another, so that the packet of each keyframe has a say.
    """
    if codec == "h264":
        headers = (unit for unit in nal_units(codec, None, coded) if unit[0] & 31 == 7)
        # Two zeros are followed by a 3 that means nothing, where a start code could be read else.
        return any(_allows_fields(header[1:].replace(b"\x00\x00\x03", b"\x00\x00")) for header in headers)
    if codec == "mpeg2video":
        # ITU-T H.262, 6.2.2.3: start code B5, 4 bits of value 1, 8 bits, then progressive_sequence.
        parts = coded.split(b"\x00\x00\x01\xb5")[1:]
        return any(len(part) > 1 and part[0] >> 4 == 1 and not part[1] & 8 for part in parts)
    return False


def _allows_fields(header: bytes) -> bool:
    """Read an H.264 sequence parameter set, without its NAL header, up to frame_mbs_only_flag."""
    bits = _Bits(header)
    try:
        profile = bits.take(8)
        bits.take(16)
        bits.golomb()
        if profile in _HIGH_PROFILES:
            chroma_format = bits.golomb()
            if chroma_format == 3:
                bits.take(1)
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
        bits.golomb()
        bits.take(1)
        bits.golomb(), bits.golomb()
        return not bits.take(1)
    except IndexError:
        return False


def _pass_scaling_lists(bits: "_Bits", num_lists: int) -> None:
    for number in range(num_lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                coded = bits.golomb()
                following = (last + (coded + 1) // 2 * (1 if coded & 1 else -1)) % 256
            last = following or last


class _Bits:
    """Bits of a header from its first on; IndexError behind its end."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._place = 0

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        start, self._place = self._place, self._place + count
        if self._place > len(self._bits):
            raise IndexError(self._place)
        return int(self._bits[start : self._place], 2)

    def golomb(self) -> int:
        """Return the next Exp-Golomb number, without sign (ITU-T H.264, 9.1)."""
        num_zeros = 0
        while not self.take(1):
            num_zeros += 1
        return (1 << num_zeros) - 1 + (self.take(num_zeros) if num_zeros else 0)
