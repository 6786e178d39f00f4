"""Table of spots: one line per spot, for spreadsheets and other programs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bvas.system.table_files import write_table
from bvas.values.annotations import Spot

CSV_COLUMNS = ("seconds", "clock", "label", "confidence", "file", "frame")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotRow:
    """One line of the table."""

    spot: Spot
    """Its time is that of the recording; several files are its parts, end to end."""
    clock: str
    """Match clock, "mm:ss"."""
    file: str | None
    """Name of the video file; None where it is unknown."""
    frame: int | None
    """Index of the frame on screen then, from 0 at the start of that file; None where the file is unknown."""

    def cells(self) -> list[object]:
        """Return the line, in the order of `CSV_COLUMNS`."""
        spot = self.spot
        seconds, confidence = f"{spot.seconds:.3f}", f"{spot.confidence:.4f}"
        return [seconds, self.clock, spot.label, confidence, self.file, self.frame]


def write_spots_csv(path: Path, rows: Iterable[SpotRow]) -> None:
    """Write the lines, in the order given, under a line of column names; UTF-8.

    Raises:
        DataError: the file cannot be written.
    """
    write_table(path, CSV_COLUMNS, (row.cells() for row in rows))
