"""Spots from the files that people have of them: results_spotting.json, spots.csv, lines of JSON.

Times in tables and lines are seconds; those of results are SoccerNet's milliseconds. What is in another unit than
its file says is refused where something beside it proves that.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.files import read_json
from bvas.spots import Spot
from bvas.tasks.soccernet_entries import Notices, all_prediction_entries

_CLOCK = re.compile(r"(-?)(\d+):(\d\d)")
_NEEDED = ("seconds", "label", "confidence")
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
    """Times go on from part to part, as in `spots.csv` of several files."""


def read_spot_file(path: Path, notices: Notices) -> SpotFile:
    """Return the spots of a file; its suffix says of which form it is.

    Args:
        path: `.json`: results as SoccerNet has them; `.csv`: a table with seconds, label and confidence, and part
            or file; `.jsonl`: the same as a JSON object a line.
        notices: Receives what is odd.

    Raises:
        DataError: the file is missing or none of these, an entry is wrong, or its times are in another unit.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _results(path, notices)
    if suffix not in (".csv", ".jsonl", ".ndjson"):
        raise DataError(
            f"{path} is no file of spots that is known by its name; give results_spotting.json, a .csv, a .jsonl, "
            "or the folder that bvas spot wrote"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"no file {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8 ({error}); save it as such") from error
    rows = _csv_rows(path, text) if suffix == ".csv" else _json_rows(path, text)
    return _rows_to_spots(path, rows, notices)


def _results(path: Path, notices: Notices) -> SpotFile:
    spots: dict[int, list[Spot]] = {}
    num_with_team = 0
    for number, half, item in all_prediction_entries(read_json(path), str(path), notices):
        _check_text(item.spot.label, f"{path}, prediction {number}")
        if half < 1:
            raise DataError(f"{path}, prediction {number}: half {half}; halves and parts count from 1")
        spots.setdefault(half, []).append(item.spot)
        num_with_team += item.team is not None
    if num_with_team:
        notices.add("predictions name a team, which is left out", str(path), num_with_team)
    return SpotFile(spots=_in_order(spots), files={})


def _csv_rows(path: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(
                f"{path} is no table of spots: it lacks the column '{missing[0]}'; needed are {', '.join(_NEEDED)}"
            )
        for row in reader:
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; mend or replace the file") from error


def _json_rows(path: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}, line {number} is no JSON: {error}; mend or replace the file") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number} is no spot: it needs {', '.join(_NEEDED)}")
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
        raise DataError(f"{where}: the label is {label!r}; it must be a name")
    _check_text(label, where)
    seconds, confidence = (_number(row.get(name), name, where) for name in ("seconds", "confidence"))
    if seconds < 0:
        raise DataError(f"{where}: {seconds} seconds; times count from the first shown frame")
    if not 0 <= confidence <= 1:
        notices.add("confidences outside [0, 1] (below 0 never counted, above 1 always)", where)
    return Spot(label, seconds, confidence)


def _number(value: Any, name: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {name} is {value!r}; it must be a number") from error
    if not math.isfinite(number):
        raise DataError(f"{where}: {name} is {number}; it must be finite")
    return number


def _whole(value: Any, where: str) -> int:
    number = _number(value, "part", where)
    if number < 1 or number != int(number):
        raise DataError(f"{where}: part is {value!r}; parts count from 1")
    return int(number)


def _check_text(label: str, where: str) -> None:
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: the label {label!r} holds half of a character; mend the file") from error


def _check_unit(pairs: Sequence[tuple[float, float]], path: Path) -> None:
    """Refuse times that follow their match clocks only when they are taken for milliseconds."""
    telling = [(clock, seconds) for clock, seconds in pairs if seconds]

    def spread(scale: float) -> float:
        # Where the clock starts nobody knows, but it runs like the time.
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
