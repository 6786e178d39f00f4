"""`spots.csv`: one line per spot, for spreadsheets and other programs."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bvas.files import write_bytes
from bvas.report.clock import MatchClock
from bvas.spots import Spot

CSV_COLUMNS = ("seconds", "clock", "label", "confidence", "file", "frame")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotRow:
    """One line of `spots.csv`."""

    spot: Spot
    clock: str
    """Match clock, "mm:ss"."""
    file: str
    """Name of the video file; `spot.seconds` and `frame` count from its start."""
    frame: int
    """Index of the frame on screen then, from 0."""


def spot_rows(
    spots: Iterable[Spot], *, file: str, frame_at: Callable[[float], int], clock: MatchClock
) -> list[SpotRow]:
    """Return the lines of one video's spots, in the order given.

    Args:
        spots: Those at or above the operating point.
        file: Name of the video file.
        frame_at: From seconds to the frame on screen: `VideoIndex.frame_at`.
        clock: Where in this file the half begins.
    """
    return [
        SpotRow(spot=spot, clock=clock.text(spot.seconds), file=file, frame=frame_at(spot.seconds))
        for spot in spots
    ]


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
    write_bytes(path, text.getvalue().encode())
