"""SoccerNet's annotations and predictions as the official evaluation reads them, in the order of the file.

Training reads label files by `bvas.data.soccernet_files`, which is strict and sorts; here a file counts as the
official evaluation counts it: numbers may be strings, labels of other tasks and halves beyond the second are
left out, a label without `position` takes its game time. What is left out or odd is counted in `Notices`;
what would make a score meaningless is an error. Like `soccernet`, this is a place of milliseconds and halves.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bvas.data.json_object import Place
from bvas.data.raw_annotations import Fault
from bvas.data.soccernet_objects import LabelObject, PredictionObject, read_label, read_prediction
from bvas.errors import DataError
from bvas.values.annotations import Annotation, LabelSet, Spot

_Item = TypeVar("_Item")

MAX_SECONDS = 120 * 60
MOST_SECONDS = 1e7
"""Of a time: four months, far beyond any recording, and within what dates, subtitles and metrics can hold."""
# From here on a time in seconds and the same number read as milliseconds cannot be mistaken for each other.
_TELLING_SECONDS = 10
_NEAR_SECONDS = 1.5
_PLURALS = ("predictions", "annotations", "events", "confidences")


@dataclass(frozen=True, slots=True)
class Notices:
    """Counts of ignored and odd entries, each kind with the place of its first case."""

    _counts: Counter[str] = field(default_factory=Counter)
    _first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, where: str, count: int = 1) -> None:
        """Count something of a kind at a place."""
        self._counts[kind] += count
        self._first.setdefault(kind, where)

    def lines(self) -> list[str]:
        """Return a line for each kind, the most frequent first."""
        return [
            f"{count} {kind if count > 1 else _singular(kind)}, the first in {self._first[kind]}"
            for kind, count in self._counts.most_common()
        ]

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain data."""
        return [
            {"count": count, "what": kind, "first": self._first[kind]}
            for kind, count in self._counts.most_common()
        ]


def _singular(kind: str) -> str:
    """Return a kind whose first word is a plural, or not a noun, as it reads behind a 1."""
    first, _, rest = kind.partition(" ")
    return f"{first.removesuffix('s')} {rest}" if first in _PLURALS else kind


def label_entries(
    content: Any, where: str, labels: LabelSet, notices: Notices
) -> dict[int, list[Annotation]]:
    """Return the annotations of a label file by half, in the order of the file.

    Args:
        content: Its JSON.
        where: Its name in messages.
        labels: Others are left out and counted.
        notices: Receives what is left out.

    Raises:
        DataError: not of SoccerNet's form, or positions are not milliseconds; the message names the entry.
    """
    by_half: dict[int, list[Annotation]] = {1: [], 2: []}
    entries = _entries(content, "annotations", where, read_label)
    for number, entry in entries:
        half = entry.gameTime.half
        seconds = entry.gameTime.seconds if entry.position is None else entry.position
        if _is_kept(entry.label, seconds, half, labels, f"{where}, annotation {number}", notices):
            by_half[half].append(Annotation(entry.label, seconds, entry.team, entry.visibility))
    _check_positions(entries, where)
    return by_half


def prediction_entries(content: Any, where: str, labels: LabelSet, notices: Notices) -> dict[int, list[Spot]]:
    """Return the predictions of a results file for halves 1 and 2, in the order of the file; arguments as above.

    Raises:
        DataError: as `all_prediction_entries`.
    """
    by_half: dict[int, list[Spot]] = {1: [], 2: []}
    for number, half, item in all_prediction_entries(content, where, notices):
        place = f"{where}, prediction {number}"
        if _is_kept(item.label, item.seconds, half, labels, place, notices):
            by_half[half].append(item)
    return by_half


def all_prediction_entries(content: Any, where: str, notices: Notices) -> list[tuple[int, int, Spot]]:
    """Return (place in the list, half, prediction) of all entries of a results file, whatever their labels and halves.

    Raises:
        DataError: not of SoccerNet's form, a confidence that is not a number, or positions that are not milliseconds.
    """
    found = []
    entries = _entries(content, "predictions", where, read_prediction)
    for number, entry in entries:
        place = f"{where}, prediction {number}"
        if not 0 <= entry.confidence <= 1:
            notices.add("confidences outside [0, 1] (below 0 never counted, above 1 always)", place)
        _check_position(entry.position, place)
        half = entry.gameTime.half if entry.half is None and entry.gameTime is not None else entry.half
        assert half is not None
        found.append((number, half, Spot(entry.label, entry.position, entry.confidence, entry.team)))
    _check_positions(entries, where)
    return found


def _entries(
    content: Any, key: str, where: str, read: Callable[[Any, Place], _Item | None]
) -> list[tuple[int, _Item]]:
    """Return (place in the list, entry) of all entries of a list."""
    values = content.get(key) if isinstance(content, dict) else None
    if not isinstance(values, list):
        raise DataError(f"{where} has no list '{key}'; it is not a file of SoccerNet's form")
    faults: list[Fault] = []
    name = key.removesuffix("s")
    entries = [
        (number, read(value, Place(Path(where), f"{name} {number}", faults)))
        for number, value in enumerate(values)
    ]
    if faults:
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{more}")
    return [(number, entry) for number, entry in entries if entry is not None]


def _check_positions(entries: Iterable[tuple[int, LabelObject | PredictionObject]], where: str) -> None:
    clocks = [(entry.gameTime, entry.position) for _, entry in entries]
    check_unit([(clock.seconds, at) for clock, at in clocks if clock is not None and at is not None], where)


def _is_kept(label: str, seconds: float, half: int, labels: LabelSet, place: str, notices: Notices) -> bool:
    """Return whether an event counts; events that do not, and odd ones, are noted."""
    _check_position(seconds, place)
    if label not in labels:
        notices.add(f"of unknown label {label!r} left out", place)
        return False
    if half not in (1, 2):
        notices.add(f"of half {half} left out (halves are 1 and 2)", place)
        return False
    if seconds >= MAX_SECONDS:
        notices.add("beyond two hours, taken for the last frame as SoccerNet does", place)
    return True


def _check_position(seconds: float, place: str) -> None:
    check_time(seconds, place)
    if seconds < 0:
        position = f"position {seconds * 1000:.0f}"
        raise DataError(f"{place}: {position} is negative; it counts from the start of the half")


def check_time(seconds: float, where: str) -> None:
    """Refuse a time that no recording has.

    Raises:
        DataError: it is beyond `MOST_SECONDS`.
    """
    if seconds > MOST_SECONDS:
        raise DataError(
            f"{where}: its time is {seconds:g} s; a recording has at most {MOST_SECONDS:g}; fix the entry"
        )


def check_unit(clocks: list[tuple[float, float]], where: str) -> None:
    """Compare game times with positions [seconds]: a position in the wrong unit is the clock's number itself.

    Raises:
        DataError: most positions are in another unit than milliseconds.
    """
    telling = [(clock, seconds) for clock, seconds in clocks if clock >= _TELLING_SECONDS]
    for unit, factor in (("seconds", 1000.0), ("microseconds", 0.001)):
        wrong = [(c, s) for c, s in telling if abs(s * factor - c) <= _NEAR_SECONDS]
        if 2 * len(wrong) > len(telling):
            clock, seconds = wrong[0]
            raise DataError(
                f"{where}: position {seconds * 1000:g} beside a game time of {clock:g} s, and {len(wrong)} of "
                f"{len(telling)} entries like it: these are {unit}, and positions are milliseconds; "
                f"{'multiply' if factor > 1 else 'divide'} them by 1000"
            )
