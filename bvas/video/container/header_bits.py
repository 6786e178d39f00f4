"""Bit reader for headers, with Exp-Golomb numbers."""


def payload_of(unit: bytes, head: int) -> bytes:
    """Return the bits of a NAL unit behind the bytes of its header."""
    # Emulation prevention: a 3 is inserted behind two zeros, so that no start code appears by chance.
    return unit[head:].replace(b"\x00\x00\x03", b"\x00\x00")


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
