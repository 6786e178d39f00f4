"""Refusal of MP4 files whose headers claim more samples than they can hold.

libav allocates memory for every sample claimed, so that a damaged count of a few bytes would fill the memory.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bvas.errors import DecodeError
from bvas.video.container.mp4_boxes import boxes

# ISO/IEC 14496-12: boxes that hold boxes, on the way to those that count samples.
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
# libav allocates 36 bytes a sample; so many are harmless even where they are wrong.
_HARMLESS = 1 << 20


class _Claim(NamedTuple):
    """Samples that a box counts, and the bytes that they need in the box and in the whole file."""

    samples: int
    in_box: int
    in_file: int


def check_sample_counts(path: Path) -> None:
    """Refuse an MP4 file that claims more samples than it has bytes for. Any other file passes.

    Raises:
        DecodeError: names the box and the number.
    """
    if not path.is_file() or not os.access(path, os.R_OK):
        return
    with path.open("rb") as file:
        size = file.seek(0, 2)
        todo = [(0, size)]
        while todo:
            place, end = todo.pop()
            for box in boxes(file, place, end):
                if box.kind in _PARENTS:
                    todo.append((box.body, box.end))
                claim = _claim(file, box.kind, box.body)
                is_impossible = claim.in_box > box.end - box.body or claim.in_file > size
                if claim.samples > _HARMLESS and is_impossible:
                    raise DecodeError(
                        f"{path} is damaged: its {box.kind.decode()} box at byte {box.start} claims {claim.samples} "
                        "samples, more than there is room for; copy or download it again",
                        path=path,
                    )


def _claim(file: BinaryIO, kind: bytes, body: int) -> _Claim:
    if kind not in (b"trun", b"stsz"):
        return _Claim(0, 0, 0)
    file.seek(body)
    head = file.read(12)
    if len(head) < 12:
        return _Claim(0, 0, 0)
    flags, first, second = struct.unpack(">III", head)
    if kind == b"stsz":
        # 8.7.3: the size of all samples, else 0 and a table of sizes; then their number.
        return _Claim(second, 12 if first else 12 + 4 * second, first * second)
    # 8.8.8: of duration, size, flags and time offset those that the flags name, 4 bytes each, for each sample.
    return _Claim(first, 8 + 4 * (flags & 0xF00).bit_count() * first, first)
