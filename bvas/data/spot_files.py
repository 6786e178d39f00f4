"""Readers of files of spots: results_spotting.json, OSL JSON, spots.csv, JSON lines.

Times in tables and lines are seconds; those of results and of OSL JSON are milliseconds. Times in another unit than
its file says is refused where something beside it proves that.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvas.data.json_object import short_text
from bvas.data.named_files import named_file
from bvas.data.osl_json import is_osl, parse_osl
from bvas.data.raw_annotations import Fault, raise_faults
from bvas.data.soccernet_entries import Notices, all_prediction_entries, check_time
from bvas.errors import DataError
from bvas.system.table_files import read_table
from bvas.system.text_files import parse_json, read_json, read_text, text_lines
from bvas.values.annotations import Spot

_CLOCK = re.compile(r"(-?)(\d+):(\d\d)")
_NEEDED = ("seconds", "label", "confidence")
_COLUMNS = (*_NEEDED, "part", "file", "clock")
_TABLES = (".csv", ".tsv", ".txt")
_MOST_PARTS = 10_000
# A clock is rounded down to the second, so it differs from the time by up to one.
_CLOCK_SECONDS = 1.1
_MIN_TELLING = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotFile:
    """The spots of a file."""

    spots: dict[int, list[Spot]]
    """By number of the part (half), each in order of time."""
    files: dict[int, str]
    """Names of the parts' videos, where the file says them."""
    is_one_timeline: bool = False
    """Times continue from part to part, as in `spots.csv` of several files."""


def read_spot_file(path: Path, notices: Notices) -> SpotFile:
    """Return the spots of a file; its suffix names its form.

    Args:
        path: `.json`: results as SoccerNet has them, or OSL JSON, whose samples are the parts; `.csv`, `.tsv`, `.txt`:
            a table with seconds, label and confidence, and part or file; `.jsonl`: the same as a JSON object a line.
        notices: Receives odd entries.

    Raises:
        DataError: the file is missing or none of these, an entry is wrong, or its times are in another unit.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        content = read_json(path)
        return _osl(content, path, notices) if is_osl(content) else _results(content, path, notices)
    if suffix not in _TABLES and suffix not in (".jsonl", ".ndjson"):
        raise DataError(
            f"{path} is not a file of spots by its name; give results_spotting.json, OSL JSON, a .csv, a .jsonl, "
            "or the folder that bvas spot wrote"
        )
    rows = _table_rows(path) if suffix in _TABLES else _json_rows(path)
    return _rows_to_spots(path, rows, notices)


def _osl(content: Any, path: Path, notices: Notices) -> SpotFile:
    faults: list[Fault] = []
    osl = parse_osl(content, path, faults)
    raise_faults(faults)
    halves = [sample.half for sample in osl.samples]
    is_match = len({sample.name for sample in osl.samples}) == 1 and len(set(halves)) == len(halves) > 1
    spots: dict[int, list[Spot]] = {}
    files: dict[int, str] = {}
    for number, sample in enumerate(osl.samples, 1):
        part = sample.half if is_match else number
        video = named_file(path.parent, sample.path)
        files[part] = sample.path if video is None else str(video)
        found = spots.setdefault(part, [])
        for event in sample.events or ():
            place = f"{path}: {sample.place}, event {event.number}"
            if event.confidence is None:
                notices.add("events without a confidence, which counts as 1", place)
            confidence = 1.0 if event.confidence is None else event.confidence
            found.append(_checked(event.label, event.seconds, confidence, place, notices))
    return SpotFile(spots=_in_order(spots), files={part: file for part, file in files.items() if file})


def _results(content: Any, path: Path, notices: Notices) -> SpotFile:
    spots: dict[int, list[Spot]] = {}
    num_with_team = 0
    for number, half, item in all_prediction_entries(content, str(path), notices):
        if not 1 <= half <= _MOST_PARTS:
            raise DataError(f"{path}, prediction {number}: half {half}; halves and parts count from 1")
        spots.setdefault(half, []).append(replace(item, team=None))
        num_with_team += item.team is not None
    if num_with_team:
        notices.add("predictions with a team, which is ignored", str(path), num_with_team)
    return SpotFile(spots=_in_order(spots), files={})


def _table_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    table = read_table(path, _COLUMNS, numbers=("seconds", "confidence"))
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        raise DataError(
            f"{path}, line 1 lacks the column '{missing[0]}': it names {', '.join(table.columns) or '(none)'}; needed "
            f"are {', '.join(_NEEDED)}"
        )
    for row in table.rows:
        numbers = {name: table.number(row, name) for name in ("seconds", "confidence")}
        yield f"line {row.line}", {**row.cells, **numbers}


def _json_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text_lines(read_text(path)), 1):
        if not line.strip():
            continue
        row = parse_json(line, str(path), line=number)
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number} is not a spot: it needs {', '.join(_NEEDED)}")
        yield f"line {number}", row


def _rows_to_spots(path: Path, rows: Iterable[tuple[str, Mapping[str, Any]]], notices: Notices) -> SpotFile:
    spots: dict[int, list[Spot]] = {}
    files: dict[int, str] = {}
    clocks: dict[int, list[tuple[float, float]]] = {}
    has_parts = False
    for place, row in rows:
        spot = _spot(row, f"{path}, {place}", notices)
        name = str(row.get("file") or "")
        if row.get("part"):
            has_parts = True
            number = _whole(row["part"], f"{path}, {place}")
            if name:
                files[number] = name
        else:
            number = next((known for known, file in files.items() if file == name), len(files) + 1)
            files[number] = name
        spots.setdefault(number, []).append(spot)
        found = _CLOCK.fullmatch(str(row.get("clock") or ""))
        if found:
            clock = 60.0 * int(found[2]) + int(found[3])
            clocks.setdefault(number, []).append((-clock if found[1] else clock, spot.seconds))
    for pairs in clocks.values():
        _check_unit(pairs, path)
    files = {number: name for number, name in files.items() if name}
    return SpotFile(spots=_in_order(spots), files=files, is_one_timeline=not has_parts)


def _spot(row: Mapping[str, Any], where: str, notices: Notices) -> Spot:
    label = row.get("label")
    if not isinstance(label, str) or not label.strip():
        raise DataError(f"{where}: the label is {short_text(label)}; it must be a name")
    seconds, confidence = (_number(row.get(name), name, where) for name in ("seconds", "confidence"))
    return _checked(label, seconds, confidence, where, notices)


def _checked(label: str, seconds: float, confidence: float, where: str, notices: Notices) -> Spot:
    check_time(seconds, where)
    if seconds < 0:
        raise DataError(f"{where}: {seconds} seconds; times count from the first shown frame")
    if not 0 <= confidence <= 1:
        notices.add("confidences outside [0, 1] (below 0 never counted, above 1 always)", where)
    return Spot(label, seconds, confidence)


def _number(value: Any, name: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: {name} is {short_text(value)}; it must be a number") from error
    if not math.isfinite(number):
        raise DataError(f"{where}: {name} is {number}; it must be finite")
    return number


def _whole(value: Any, where: str) -> int:
    number = _number(value, "part", where)
    if not 1 <= number <= _MOST_PARTS or number != int(number):
        raise DataError(f"{where}: part is {short_text(value)}; parts count from 1")
    return int(number)


def _check_unit(pairs: Sequence[tuple[float, float]], path: Path) -> None:
    """Refuse times that follow their match clocks only when they are taken for milliseconds."""
    telling = [(clock, seconds) for clock, seconds in pairs if seconds]

    def spread(scale: float) -> float:
        # The start of the clock is unknown, but it runs at the speed of the time.
        offsets = [seconds * scale - clock for clock, seconds in telling]
        return max(offsets) - min(offsets)

    if len(telling) < _MIN_TELLING or spread(1.0) <= _CLOCK_SECONDS:
        return
    if spread(0.001) <= _CLOCK_SECONDS and telling[0][1] > 1000 * _CLOCK_SECONDS:
        clock, seconds = telling[0]
        raise DataError(
            f"{path}: {seconds:g} seconds beside a clock of {clock:g} s, and the others likewise: these are "
            "milliseconds; divide them by 1000"
        )


def _in_order(spots: Mapping[int, list[Spot]]) -> dict[int, list[Spot]]:
    return {number: sorted(spots[number], key=lambda spot: spot.seconds) for number in sorted(spots)}
