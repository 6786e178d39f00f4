"""Table of spots: one line per spot, for spreadsheets and other programs."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bvas.system.atomic_files import write_bytes
from bvas.system.file_names import shown_text
from bvas.values.annotations import Spot

CSV_COLUMNS = ("seconds", "clock", "label", "confidence", "file", "frame")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotRow:
    """One line of the table."""

    spot: Spot
    """Its time is that of the recording; several files are its parts, end to end."""
    clock: str
    """Match clock, "mm:ss"."""
    file: str
    """Name of the video file."""
    frame: int
    """Index of the frame on screen then, from 0 at the start of that file."""


def write_spots_csv(path: Path, rows: Iterable[SpotRow]) -> None:
    """Write the lines, in the order given, under a line of column names; UTF-8.

    Raises:
        DataError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        writer.writerow(
            (
                f"{row.spot.seconds:.3f}",
                row.clock,
                row.spot.label,
                f"{row.spot.confidence:.4f}",
                row.file,
                row.frame,
            )
        )
    write_bytes(path, shown_text(text.getvalue()).encode())
