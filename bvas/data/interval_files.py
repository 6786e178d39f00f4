"""Files of intervals: tables and ActivityNet's JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.data.soccernet_entries import Notices
from bvas.system.atomic_files import write_bytes
from bvas.system.file_names import shown_text
from bvas.system.table_files import table_text
from bvas.system.text_files import read_json
from bvas.values.annotations import Interval

INTERVAL_COLUMNS = (
    "video",
    "label",
    "start_seconds",
    "end_seconds",
    "first_frame",
    "last_frame",
    "confidence",
)
_VERSION = "bvas-intervals-1"
# Microseconds, which tell the frames of any video apart.
_DECIMALS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRow:
    """One line of a table of intervals."""

    video: str
    """Name of the file."""
    interval: Interval
    first_frame: int | None
    """Its first frame, from 0; None where the video is unknown."""
    last_frame: int | None
    """Its last frame, which belongs to it."""

    def cells(self) -> list[object]:
        """Return the line, in the order of `INTERVAL_COLUMNS`."""
        one = self.interval
        times = (f"{one.start_seconds:.{_DECIMALS}f}", f"{one.end_seconds:.{_DECIMALS}f}")
        frames = (self.first_frame, self.last_frame)
        return [self.video, one.label, *times, *frames, f"{one.confidence:.4f}"]


def intervals_csv_text(rows: Iterable[IntervalRow]) -> str:
    """Return the table as text."""
    return table_text(INTERVAL_COLUMNS, (row.cells() for row in rows))


def write_intervals_csv(path: Path, rows: Iterable[IntervalRow]) -> None:
    """Write the table, whole or not at all; UTF-8.

    Raises:
        DataError: the file cannot be written.
    """
    write_bytes(path, shown_text(intervals_csv_text(rows)).encode())


def intervals_json(intervals: Mapping[str, Sequence[Interval]]) -> dict[str, Any]:
    """Return intervals in ActivityNet's form of results.

    Args:
        intervals: By name of the video.
    """
    return {
        "version": _VERSION,
        "results": {
            name: [
                {
                    "label": one.label,
                    "score": round(one.confidence, _DECIMALS),
                    "segment": [round(one.start_seconds, _DECIMALS), round(one.end_seconds, _DECIMALS)],
                }
                for one in found
            ]
            for name, found in intervals.items()
        },
        "external_data": {},
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalFile:
    """The intervals of a file."""

    intervals: dict[str, list[Interval]]
    """By name of the video as the file has it, each in order of time."""


def read_interval_file(path: Path, notices: Notices) -> IntervalFile:
    """Return the intervals of a file in ActivityNet's form of results."""
    content = read_json(path)
    return IntervalFile(
        intervals={
            name: [Interval(one["label"], one["segment"][0], one["segment"][1], one["score"]) for one in found]
            for name, found in content["results"].items()
        }
    )
