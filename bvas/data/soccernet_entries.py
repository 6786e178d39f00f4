"""SoccerNet's annotations and predictions in the order of their files, as the official evaluation reads them.

Training reads label files by `bvas.data.soccernet_files`, which is strict and sorts; here a file counts as the
official evaluation counts it: numbers may be strings, labels of other tasks and halves beyond the second are
left out, a label without `position` takes its game time. What is left out or odd is counted in `Notices`;
what would make a score meaningless is an error. Like `soccernet`, this is a place of milliseconds and halves.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bvas.data.json_object import short_text
from bvas.data.soccernet_files import label_text
from bvas.errors import DataError
from bvas.values.annotations import Annotation, LabelSet, Spot

_Item = TypeVar("_Item")

MAX_SECONDS = 120 * 60
MOST_SECONDS = 1e7
"""Of a time: four months, far beyond any recording, and within what dates, subtitles and metrics can hold."""
_CLOCK = re.compile(r"\s*(\d+)\s*-\s*(\d+):(\d+)\s*")
# From here on a time in seconds and the same number read as milliseconds cannot be mistaken for each other.
_TELLING_SECONDS = 10
_NEAR_SECONDS = 1.5
_PLURALS = ("predictions", "annotations", "events", "confidences")


@dataclass(frozen=True, slots=True)
class Notices:
    """What was left out or is odd, counted, each kind with the place of its first case."""

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


@dataclass(frozen=True, slots=True)
class SidedSpot:
    """A prediction and the team that it names, if any."""

    spot: Spot
    team: str | None


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
    clocks: list[tuple[float, float]] = []

    def parse(entry: Any) -> tuple[int, Annotation]:
        half, clock = _clock_of(entry["gameTime"])
        seconds = int(entry["position"]) / 1000 if "position" in entry else clock
        if "position" in entry:
            clocks.append((clock, seconds))
        team = entry.get("team")
        return half, Annotation(
            label=label_text(entry["label"]),
            seconds=seconds,
            team=str(team) if team else None,
            visible=entry.get("visibility", "visible") != "not shown",
        )

    by_half: dict[int, list[Annotation]] = {1: [], 2: []}
    needs = "'gameTime' like '1 - 00:03', 'position' in milliseconds and 'label'"
    for number, half, annotation in _entries(content, "annotations", where, needs, parse):
        place = f"{where}, annotation {number}"
        if _is_kept(annotation.label, annotation.seconds, half, labels, place, notices):
            by_half[half].append(annotation)
    check_unit(clocks, where)
    return by_half


def prediction_entries(
    content: Any, where: str, labels: LabelSet, notices: Notices
) -> dict[int, list[SidedSpot]]:
    """Return the predictions of a results file for halves 1 and 2, in the order of the file; arguments as above.

    Raises:
        DataError: as `all_prediction_entries`.
    """
    by_half: dict[int, list[SidedSpot]] = {1: [], 2: []}
    for number, half, item in all_prediction_entries(content, where, notices):
        place = f"{where}, prediction {number}"
        if _is_kept(item.spot.label, item.spot.seconds, half, labels, place, notices):
            by_half[half].append(item)
    return by_half


def all_prediction_entries(content: Any, where: str, notices: Notices) -> list[tuple[int, int, SidedSpot]]:
    """Return (place in the list, half, prediction) of all entries of a results file, whatever their labels and halves.

    Raises:
        DataError: not of SoccerNet's form, a confidence that is no number, or positions that are not milliseconds.
    """
    clocks: list[tuple[float, float]] = []

    def parse(entry: Any) -> tuple[int, SidedSpot]:
        seconds = int(entry["position"]) / 1000
        if "gameTime" in entry:
            clocks.append((_clock_of(entry["gameTime"])[1], seconds))
        half = int(entry["half"]) if "half" in entry else _clock_of(entry["gameTime"])[0]
        confidence = float(entry["confidence"])
        if not math.isfinite(confidence):
            raise ValueError(f"confidence {confidence}")
        team = entry.get("team")
        return half, SidedSpot(
            Spot(label_text(entry["label"]), seconds, confidence), str(team) if team else None
        )

    needs = "'label', 'position' in milliseconds, 'half' and a finite 'confidence'"
    entries = _entries(content, "predictions", where, needs, parse)
    for number, _, item in entries:
        if not 0 <= item.spot.confidence <= 1:
            notices.add(
                "confidences outside [0, 1] (below 0 never counted, above 1 always)",
                f"{where}, prediction {number}",
            )
        check_time(item.spot.seconds, f"{where}, prediction {number}")
        if item.spot.seconds < 0:
            raise DataError(
                f"{where}, prediction {number}: position {item.spot.seconds * 1000:.0f} is negative; it counts from "
                "the start of the half"
            )
    check_unit(clocks, where)
    return entries


def _entries(
    content: Any, key: str, where: str, needs: str, parse: Callable[[Any], tuple[int, _Item]]
) -> list[tuple[int, int, _Item]]:
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise DataError(f"{where} has no list '{key}'; it is not SoccerNet's")
    parsed = []
    for number, entry in enumerate(entries):
        try:
            parsed.append((number, *parse(entry)))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"{where}: {key.removesuffix('s')} {number} is {short_text(entry)}; it needs {needs} ({error})"
            ) from error
    return parsed


def _is_kept(label: str, seconds: float, half: int, labels: LabelSet, place: str, notices: Notices) -> bool:
    """Say whether an event counts; what does not, or is odd, goes to the notices."""
    if seconds < 0:
        raise DataError(
            f"{place}: position {seconds * 1000:.0f} is negative; it counts from the start of the half"
        )
    check_time(seconds, place)
    if label not in labels:
        notices.add(f"of unknown label {label!r} left out", place)
        return False
    if half not in (1, 2):
        notices.add(f"of half {half} left out (halves are 1 and 2)", place)
        return False
    if seconds >= MAX_SECONDS:
        notices.add("beyond two hours, taken for the last frame as SoccerNet does", place)
    return True


def check_time(seconds: float, where: str) -> None:
    """Refuse a time that no recording has.

    Raises:
        DataError: it is beyond `MOST_SECONDS`.
    """
    if seconds > MOST_SECONDS:
        raise DataError(
            f"{where}: its time is {seconds:g} s; a recording has at most {MOST_SECONDS:g}; fix the entry"
        )


def _clock_of(game_time: Any) -> tuple[int, float]:
    found = _CLOCK.fullmatch(str(game_time))
    if found is None:
        raise ValueError(f"game time {game_time!r}")
    half, minutes, seconds = (int(part) for part in found.groups())
    return half, float(60 * minutes + seconds)


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
