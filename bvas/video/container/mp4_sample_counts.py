"""Refusal of MP4 files whose headers claim more samples than they can hold.

libav allocates memory for every sample claimed, so that a damaged count of a few bytes would fill the memory.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from bvas.errors import DecodeError
from bvas.video.container.mp4_boxes import Box, boxes_within

# ISO/IEC 14496-12: boxes that hold boxes, on the way to those that count samples.
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
# libav allocates 36 bytes a sample; so many are harmless even where they are wrong.
_HARMLESS = 1 << 20


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
