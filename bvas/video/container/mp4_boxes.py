"""Boxes of MP4 files (ISO/IEC 14496-12, 4.2)."""

import struct
from collections.abc import Container, Iterator
from typing import BinaryIO, NamedTuple


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
