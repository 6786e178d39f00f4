"""Traits of a stream that its sequence headers allow, before any picture shows them."""

from dataclasses import dataclass
from typing import Self

from bvas.video.container.sequence_tracking import sequences_in


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderTraits:
    """Features that the headers of a stream allow and some decoders get wrong."""

    fields: bool = False
    """Frames may be made of two fields."""
    crops_corner: bool = False
    """Rows at the top or columns at the left of the coded picture are not shown."""
    changes: bool = False
    """Headers beside the stream are followed by others."""

    def __or__(self, other: Self) -> "HeaderTraits":
        """Return the traits of both."""
        return HeaderTraits(
            fields=self.fields or other.fields,
            crops_corner=self.crops_corner or other.crops_corner,
            changes=self.changes or other.changes,
        )


def header_traits(codec: str, coded: bytes) -> HeaderTraits:
    """Return the features that the headers among some coded data allow; none without a header.

    Args:
        codec: libav's name of the format.
        coded: The extradata of a stream, or a packet of it, with start codes. A recording may change from one
            program to another, so the packet of each keyframe is checked.
    """
    traits = HeaderTraits()
    for sequence in sequences_in(codec, coded):
        traits |= HeaderTraits(fields=sequence.may_hold_fields, crops_corner=sequence.corner != (0, 0))
    if codec == "mpeg2video":
        # ITU-T H.262, 6.2.2.3: start code B5, 4 bits of value 1, 8 bits, then progressive_sequence.
        parts = coded.split(b"\x00\x00\x01\xb5")[1:]
        fields = any(len(part) > 1 and part[0] >> 4 == 1 and not part[1] & 8 for part in parts)
        traits |= HeaderTraits(fields=fields)
    return traits
