"""Files of intervals: `intervals.csv` and other tables, ActivityNet's JSON, the ranges of a `dataset.json`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.data.dataset_json import FORMAT, FORMAT_2, parse_dataset, read_annotations
from bvas.data.json_object import short_text
from bvas.data.raw_annotations import RawAnnotation, raise_faults
from bvas.data.soccernet_entries import Notices, check_time
from bvas.errors import DataError
from bvas.system.table_files import Table, TableRow, read_table, table_text
from bvas.system.text_files import read_json
from bvas.values.annotations import Interval

TABLE_NAME = "intervals.csv"
_SECONDS = ("start_seconds", "end_seconds")
_FRAMES = ("first_frame", "last_frame")
_COLUMNS = ("video", "label", *_SECONDS, *_FRAMES, "confidence")
_TABLES = (".csv", ".tsv", ".txt")
_ODD_CONFIDENCE = "confidences outside [0, 1]"


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRow:
    """An interval of a file."""

    video: str = ""
    """Name or path of its video, or its stem as in ActivityNet's files; empty where the file names none."""
    interval: Interval
    """Its times are NaN where the file gives frames only; its end is infinite for the end of the video."""
    first_frame: int | None = None
    last_frame: int | None = None
    """Its last frame, inclusive; both or none. They count where times are there too."""
    place: str = ""
    """Where it stands in the file, for messages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalFile:
    """The intervals of a file."""

    path: Path
    rows: Mapping[str, tuple[IntervalRow, ...]]
    """By name of the video as the file has it; under an empty name where the file names none."""


def read_interval_file(path: Path, notices: Notices) -> IntervalFile:
    """Return the intervals of a file; its suffix and content name its form.

    Args:
        path: `.csv`, `.tsv`, `.txt`: a table with start_seconds and end_seconds, or first_frame and last_frame, and
            maybe video, label and confidence. `.json`: ActivityNet's results or ground truth, or a `dataset.json`.
            A folder that holds an `intervals.csv`.
        notices: Receives odd entries.

    Raises:
        DataError: the file is missing or none of these, or an entry is wrong.
    """
    path = path / TABLE_NAME if path.is_dir() else path
    if not path.is_file():
        raise DataError(f"no file {path}; give a file of intervals, or the folder that bvas intervals wrote")
    if path.suffix.lower() in _TABLES:
        rows = list(_table_rows(path, notices))
    elif path.suffix.lower() == ".json":
        rows = list(_json_rows(read_json(path), path, notices))
    else:
        raise DataError(
            f"{path} is not a file of intervals by its name; give a .csv, ActivityNet's .json or a dataset.json"
        )
    by_video: dict[str, list[IntervalRow]] = {}
    for row in rows:
        by_video.setdefault(row.video, []).append(row)
    return IntervalFile(path=path, rows={video: tuple(found) for video, found in by_video.items()})


def intervals_csv_text(rows: Sequence[IntervalRow]) -> str:
    """Return the text of `intervals.csv`; times to the microsecond."""
    lines = []
    for row in rows:
        one = row.interval
        seconds = [f"{value:.6f}" for value in (one.start_seconds, one.end_seconds)]
        frames = (row.first_frame, row.last_frame)
        lines.append([row.video, one.label, *seconds, *frames, f"{one.confidence:.6g}"])
    return table_text(_COLUMNS, lines)


def intervals_json(intervals: Mapping[str, Sequence[Interval]]) -> dict[str, Any]:
    """Return intervals as ActivityNet's results hold them, times to the microsecond.

    Args:
        intervals: By name of the video, also of those without an interval.
    """
    results = {
        name: [
            {
                "label": one.label,
                "score": round(one.confidence, 6),
                "segment": [round(one.start_seconds, 6), round(one.end_seconds, 6)],
            }
            for one in found
        ]
        for name, found in intervals.items()
    }
    return {"version": "VERSION 1.3", "results": results, "external_data": {}}


def _table_rows(path: Path, notices: Notices) -> Iterator[IntervalRow]:
    table = read_table(path, _COLUMNS, numbers=(*_SECONDS, *_FRAMES, "confidence"))
    if not any(all(name in table.columns for name in pair) for pair in (_SECONDS, _FRAMES)):
        missing = next(name for name in _SECONDS if name not in table.columns)
        raise DataError(
            f"{path}, line 1 lacks the column '{missing}': it names {', '.join(table.columns) or '(none)'}; needed "
            f"are {' and '.join(_SECONDS)}, or {' and '.join(_FRAMES)}"
        )
    for row in table.rows:
        place = f"{path}, line {row.line}"
        start = end = math.nan
        frames: tuple[int | None, int | None] = (None, None)
        if all(row.text(name) for name in _FRAMES):
            frames = _whole(table, row, _FRAMES[0]), _whole(table, row, _FRAMES[1])
        if frames[0] is None or all(row.text(name) for name in _SECONDS):
            start, end = (table.number(row, name) for name in _SECONDS)
        confidence = table.number(row, "confidence") if row.text("confidence") else 1.0
        interval = Interval(row.text("label"), start, end, confidence)
        yield checked_row(row.text("video"), interval, place, notices, *frames)


def _whole(table: Table, row: TableRow, column: str) -> int:
    value = table.number(row, column)
    if value < 0 or value != int(value):
        raise DataError(
            f"{table.path}, line {row.line}: {column} is {row.text(column)}; write a whole number, from 0"
        )
    return int(value)


def _json_rows(content: Any, path: Path, notices: Notices) -> Iterator[IntervalRow]:
    held = content if isinstance(content, dict) else {}
    if held.get("format") in (FORMAT, FORMAT_2):
        yield from _dataset_rows(held, path, notices)
    elif isinstance(held.get("results"), dict):
        yield from _activitynet_rows(held["results"], path, notices)
    elif isinstance(database := held.get("database", held), dict) and _is_truth(database):
        lists = {video: entry["annotations"] for video, entry in database.items()}
        yield from _activitynet_rows(lists, path, notices)
    else:
        hint = "; it holds spots: give it as such" if "predictions" in held else ""
        raise DataError(
            f"{path} has neither ActivityNet's 'results' or 'database', nor the format of a dataset.json{hint}"
        )


def _is_truth(database: Mapping[str, Any]) -> bool:
    """Return whether this is ActivityNet's ground truth; mmaction2 keeps it without the object around it."""
    entries = database.values()
    return bool(entries) and all(isinstance(entry, dict) and "annotations" in entry for entry in entries)


def _activitynet_rows(lists: Mapping[str, Any], path: Path, notices: Notices) -> Iterator[IntervalRow]:
    for video, entries in lists.items():
        if not isinstance(entries, list):
            raise DataError(f"{path}: {video!r} must hold a list of intervals, got {short_text(entries)}")
        for number, entry in enumerate(entries):
            place = f"{path}: {video!r}, interval {number}"
            held = entry if isinstance(entry, dict) else {}
            label, score, segment = held.get("label", ""), held.get("score", 1.0), held.get("segment")
            ends = segment if isinstance(segment, list) and len(segment) == 2 else ()
            if (
                not ends
                or not all(_is_number(value) for value in (*ends, score))
                or not isinstance(label, str)
            ):
                raise DataError(
                    f"{place} is {short_text(entry)}; it needs 'label', 'segment': [start, end] in seconds, and maybe "
                    "'score'"
                )
            yield checked_row(
                video, Interval(label, float(ends[0]), float(ends[1]), float(score)), place, notices
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _dataset_rows(content: Any, path: Path, notices: Notices) -> Iterator[IntervalRow]:
    dataset, faults = parse_dataset(content, path)
    raise_faults(faults)
    for match in dataset.matches:
        if match.annotations is None:
            continue
        annotations, faults = read_annotations(match)
        raise_faults(faults)
        for item in annotations.items:
            place = f"{path}: {match.place}, {item.label} ({item.moment})"
            if item.is_range:
                yield _dataset_row(str(match.videos[item.part - 1]), item, place, notices)
            else:
                notices.add("annotations that are moments, left out", place)


def _dataset_row(video: str, item: RawAnnotation, place: str, notices: Notices) -> IntervalRow:
    if item.frame is None:
        assert item.seconds is not None
        assert item.end_seconds is not None
        return checked_row(video, Interval(item.label, item.seconds, item.end_seconds), place, notices)
    assert item.end_frame is not None
    interval = Interval(item.label, math.nan, math.nan)
    return checked_row(video, interval, place, notices, item.frame, item.end_frame - 1)


def checked_row(
    video: str,
    interval: Interval,
    place: str,
    notices: Notices,
    first_frame: int | None = None,
    last_frame: int | None = None,
) -> IntervalRow:
    """Return a row of an interval that goes forward in time; `place` says in messages where it stands.

    Raises:
        DataError: it starts before the video, or ends before its start.
    """
    start, end = interval.start_seconds, interval.end_seconds
    if first_frame is not None and last_frame is not None and last_frame < first_frame:
        raise DataError(
            f"{place}: the last frame ({last_frame}) is before the first ({first_frame}); swap them"
        )
    if start < 0:
        raise DataError(f"{place}: it starts at {start:g} s; times count from the first shown frame")
    if end <= start:
        raise DataError(f"{place}: it ends at {end:g} s and starts at {start:g} s; the end must be later")
    for seconds in (start, end):
        if math.isfinite(seconds):
            check_time(seconds, place)
    if not 0 <= interval.confidence <= 1:
        notices.add(_ODD_CONFIDENCE, place)
    return IntervalRow(
        video=video, interval=interval, first_frame=first_frame, last_frame=last_frame, place=place
    )
