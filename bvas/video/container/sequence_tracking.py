"""Sequence headers of a stream: the one in force at each packet, for which a decoder is made, and traits of them."""

from contextlib import suppress
from enum import Flag, auto

from bvas.video.container.coded_packets import nal_kind, nal_units
from bvas.video.container.sequence_headers import (
    Sequence,
    av1_sequence,
    read_sequence,
    unit_bits,
    vp9_sequence,
)

HEADER_CODECS = ("h264", "hevc", "vp9", "av1")
"""Codecs whose headers are read, by libav's names."""
# Types of the units that hold a sequence header.
_SEQUENCE_KINDS = {"h264": 7, "hevc": 33}
# Bytes of a slice from which the number of its parameter set can be read.
_HEAD_BYTES = 24


class SequenceHeaders:
    """The sequence header in force at each packet of one stream.

    Args:
        codec: libav's name of the format. For others than `HEADER_CODECS` no header is found.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._sequences: dict[int, Sequence] = {}
        self._sequence_of_picture: dict[int, int] = {}
        self._active: Sequence | None = None

    def at(self, coded: bytes) -> Sequence | None:
        """Return the header that holds for a packet; None where none is known.

        Args:
            coded: The packet, H.264 and HEVC with start codes. Parameter sets may stand alone.
        """
        if self._codec == "vp9":
            self._active = vp9_sequence(coded[:32], self._active)
        elif self._codec == "av1":
            self._active = av1_sequence(coded, self._active)
        elif self._codec in _SEQUENCE_KINDS:
            self._see_units(coded)
        return self._active

    def _see_units(self, coded: bytes) -> None:
        is_hevc = self._codec == "hevc"
        for unit in nal_units(self._codec, None, coded):
            # Units of further layers (3D, scalable) are not decoded.
            if is_hevc and (len(unit) < 3 or unit[0] & 1 or unit[1] >> 3):
                continue
            kind = nal_kind(self._codec, unit)
            if kind == _SEQUENCE_KINDS[self._codec]:
                sequence = read_sequence(self._codec, unit.rstrip(b"\x00"))
                if sequence is not None:
                    self._sequences[sequence.number] = sequence
            elif kind == (34 if is_hevc else 8):
                bits = unit_bits(unit[:_HEAD_BYTES], 2 if is_hevc else 1)
                with suppress(IndexError):
                    number = bits.golomb()
                    self._sequence_of_picture[number] = bits.golomb()
            elif kind < 32 if is_hevc else 1 <= kind <= 5:
                self._see_slice(kind, unit)
                return
        # Parameter sets without a slice: a single one is the one that will be in force.
        if self._active is None and len(self._sequences) == 1:
            (self._active,) = self._sequences.values()

    def _see_slice(self, kind: int, unit: bytes) -> None:
        with suppress(IndexError, KeyError):
            if self._codec == "h264":
                # ITU-T H.264, 7.3.3: first_mb_in_slice, slice_type, then the number of the picture's parameters.
                bits = unit_bits(unit[:_HEAD_BYTES], 1)
                bits.golomb(), bits.golomb()
            else:
                # ITU-T H.265, 7.3.6.1: a flag, and one more in pictures to start from, before it.
                bits = unit_bits(unit[:_HEAD_BYTES], 2)
                bits.take(2 if 16 <= kind <= 23 else 1)
            self._active = self._sequences[self._sequence_of_picture[bits.golomb()]]


class HeaderTraits(Flag):
    """Features that the headers of a stream allow, before any picture shows them, and some decoders get wrong."""

    FIELDS = auto()
    """Frames may be made of two fields."""
    CROPS_CORNER = auto()
    """Rows at the top or columns at the left of the coded picture are not shown."""
    CHANGES = auto()
    """Headers beside the stream are followed by others."""


NO_TRAITS = HeaderTraits(0)


def header_traits(codec: str, coded: bytes) -> HeaderTraits:
    """Return the features that the headers among some coded data allow; none without a header.

    Args:
        codec: libav's name of the format.
        coded: The extradata of a stream, or a packet of it, with start codes. A recording may change from one
            program to another, so the packet of each keyframe is checked.
    """
    traits = NO_TRAITS
    for unit in nal_units(codec, None, coded) if codec in _SEQUENCE_KINDS else ():
        if nal_kind(codec, unit) == _SEQUENCE_KINDS[codec]:
            sequence = read_sequence(codec, unit.rstrip(b"\x00"))
            if sequence is not None and sequence.may_hold_fields:
                traits |= HeaderTraits.FIELDS
            if sequence is not None and sequence.corner != (0, 0):
                traits |= HeaderTraits.CROPS_CORNER
    if codec == "mpeg2video":
        # ITU-T H.262, 6.2.2.3: start code B5, 4 bits of value 1, 8 bits, then progressive_sequence.
        parts = coded.split(b"\x00\x00\x01\xb5")[1:]
        if any(len(part) > 1 and part[0] >> 4 == 1 and not part[1] & 8 for part in parts):
            traits |= HeaderTraits.FIELDS
    return traits
