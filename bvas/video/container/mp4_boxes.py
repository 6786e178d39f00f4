"""Boxes of MP4 files (ISO/IEC 14496-12, 4.2), and refusal of files whose headers claim more samples than they can hold.

libav allocates memory for every sample claimed, so that a damaged count of a few bytes would fill the memory.
"""

import os
import struct
from collections.abc import Container, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bvas.errors import DecodeError

# ISO/IEC 14496-12: boxes that hold boxes, on the way to those that count samples.
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
# libav allocates 36 bytes a sample; so many are harmless even where they are wrong.
_HARMLESS = 1 << 20


class Box(NamedTuple):
    """Place of one box in its file."""

    kind: bytes
    start: int
    """Byte of its header."""
    body: int
    """Byte of its content."""
    end: int
    """Byte behind it, at most the end of what it lies in."""


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two bytes of a file, up to one whose length is impossible."""
    place = start
    while place + 8 <= end:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        body = place + 8
        # 1: the length follows in 8 bytes. 0: the box reaches up to the end.
        if length == 1 and len(head) == 16:
            length, body = int.from_bytes(head[8:], "big"), place + 16
        elif length == 0:
            length = end - place
        if length < body - place:
            return
        yield Box(kind, place, body, min(place + length, end))
        place += length


def boxes_within(file: BinaryIO, start: int, end: int, parents: Container[bytes]) -> Iterator[Box]:
    """Yield the boxes between two bytes of a file, and those in the boxes of some kinds, at any depth."""
    todo = [(start, end)]
    while todo:
        for box in boxes(file, *todo.pop()):
            if box.kind in parents:
                todo.append((box.body, box.end))
            yield box


def check_sample_counts(path: Path) -> None:
    """Refuse an MP4 file that claims more samples than it has bytes for. Any other file passes.

    Raises:
        DecodeError: names the box and the number.
    """
    if not path.is_file() or not os.access(path, os.R_OK):
        return
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for box in boxes_within(file, 0, size, _PARENTS):
            samples, in_box, in_file = _claim(file, box)
            if samples > _HARMLESS and (in_box > box.end - box.body or in_file > size):
                raise DecodeError(
                    f"{path} is damaged: its {box.kind.decode()} box at byte {box.start} claims {samples} samples, "
                    "more than there is room for; copy or download it again",
                    path=path,
                )


def _claim(file: BinaryIO, box: Box) -> tuple[int, int, int]:
    """Return the samples that a box counts, and the bytes that they need in the box and in the whole file."""
    if box.kind not in (b"trun", b"stsz"):
        return 0, 0, 0
    file.seek(box.body)
    head = file.read(12)
    if len(head) < 12:
        return 0, 0, 0
    flags, first, second = struct.unpack(">III", head)
    if box.kind == b"stsz":
        # 8.7.3: the size of all samples, else 0 and a table of sizes; then their number.
        return second, 12 if first else 12 + 4 * second, first * second
    # 8.8.8: of duration, size, flags and time offset those that the flags name, 4 bytes each, for each sample.
    return first, 8 + 4 * (flags & 0xF00).bit_count() * first, first
