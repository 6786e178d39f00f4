"""Annotations and predictions as JSON objects of SoccerNet's files: the one parser of both.

Numbers may be strings, as in SoccerNet's own files. Times are seconds from the start of the half's video.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from bvas.data.json_object import JsonPlace, Name, Rule

_GAME_TIME = re.compile(r"\s*(?:(\d+)\s*-\s*)?(\d{1,6}):(\d{1,2})\s*", re.ASCII)


def clock_seconds(game_time: Any) -> float | None:
    """Return the seconds of a game time like `1 - 00:03`, or of its clock alone; None for anything else."""
    found = _GAME_TIME.fullmatch(str(game_time))
    return None if found is None else 60.0 * int(found[2]) + int(found[3])


def is_visible(visibility: Any) -> bool:
    """Return whether an action is shown: all are but `not shown`, as the official evaluation has it."""
    return bool(visibility != "not shown")


@dataclass(frozen=True, slots=True)
class GameTime:
    """A game time like `1 - 00:03`."""

    half: int
    seconds: float


def _game_time(value: Any, _: Any) -> GameTime:
    found, seconds = _GAME_TIME.fullmatch(str(value)), clock_seconds(value)
    if found is None or found[1] is None or seconds is None:
        raise ValueError
    return GameTime(int(found[1]), seconds)


def _finite(value: Any, _: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


_Clock = Annotated[GameTime, Rule("a game time like '1 - 00:03'", _game_time)]
_Position = Annotated[float, Rule("milliseconds, a whole number", lambda value, _: int(value) / 1000)]
_Half = Annotated[int, Rule("a whole number", lambda value, _: int(value))]
_Confidence = Annotated[float, Rule("a finite number", _finite)]


@dataclass(frozen=True, slots=True)
class LabelObject:
    """One of `annotations` in a label file."""

    gameTime: _Clock | None = None  # noqa: N815
    position: _Position | None = None
    """Seconds; None: the clock of `gameTime` is all there is."""
    label: Name = ""
    team: Any = None
    visibility: Any = "visible"

    @property
    def half(self) -> int:
        """Half that it lies in."""
        assert self.gameTime is not None
        return self.gameTime.half


@dataclass(frozen=True, slots=True)
class PredictionObject:
    """One of `predictions` in a results file."""

    gameTime: _Clock | None = None  # noqa: N815
    half: _Half | None = None
    """None: the half of `gameTime`."""
    position: _Position = 0.0
    label: Name = ""
    confidence: _Confidence = 0.0
    team: Any = None


def team_of(entry: LabelObject | PredictionObject) -> str | None:
    """Return the team that an entry names, if any."""
    return str(entry.team) if entry.team else None


def read_label(value: Any, place: JsonPlace) -> LabelObject | None:
    """Return an annotation, or None with its faults noted."""
    num_faults = len(place.faults)
    found = place.read(value, LabelObject, needs=("gameTime", "label"), others=True)
    return found if len(place.faults) == num_faults else None


def read_prediction(value: Any, place: JsonPlace) -> PredictionObject | None:
    """Return a prediction, or None with its faults noted."""
    num_faults = len(place.faults)
    found = place.read(value, PredictionObject, needs=("position", "label", "confidence"), others=True)
    if found is not None and found.half is None and found.gameTime is None:
        place.fault("needs 'half', a whole number, or 'gameTime' like '1 - 00:03'")
    return found if len(place.faults) == num_faults else None
