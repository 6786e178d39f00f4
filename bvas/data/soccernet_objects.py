"""Annotations and predictions as JSON objects of SoccerNet's files: the one parser of both.

Numbers may be strings, as in SoccerNet's own files. Times are seconds from the start of the half's video.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from bvas.data.json_object import Name, Place, Rule

NOT_SHOWN = "not shown"
"""Visibility of an action off screen; all others are shown, as the official evaluation has it."""
_GAME_TIME = re.compile(r"\s*(?:(\d+)\s*-\s*)?(\d{1,6}):(\d{1,2})\s*", re.ASCII)


def clock_seconds(game_time: Any) -> float | None:
    """Return the seconds of a game time like `1 - 00:03`, or of its clock alone; None for anything else."""
    found = _GAME_TIME.fullmatch(str(game_time))
    return None if found is None else 60.0 * int(found[2]) + int(found[3])


@dataclass(frozen=True, slots=True)
class GameTime:
    """A game time like `1 - 00:03`."""

    half: int
    seconds: float


def _game_time(value: Any, _: Any) -> GameTime:
    found = _GAME_TIME.fullmatch(str(value))
    if found is None or found[1] is None:
        raise ValueError
    return GameTime(int(found[1]), 60.0 * int(found[2]) + int(found[3]))


def _finite(value: Any, _: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


_Clock = Annotated[GameTime, Rule("a game time like '1 - 00:03'", _game_time)]
_Position = Annotated[float, Rule("milliseconds, a whole number", lambda value, _: int(value) / 1000)]
_Half = Annotated[int, Rule("a whole number", lambda value, _: int(value))]
_Confidence = Annotated[float, Rule("a finite number", _finite)]
_Team = Annotated[str, Rule("any value", lambda value, _: str(value) if value else None)]
_Visible = Annotated[bool, Rule("any value", lambda value, _: value != NOT_SHOWN)]


@dataclass(frozen=True, slots=True)
class LabelObject:
    """One of `annotations` in a label file."""

    gameTime: _Clock = GameTime(1, 0.0)  # noqa: N815
    position: _Position | None = None
    """Seconds; None: the clock of `gameTime` is all there is."""
    label: Name = ""
    team: _Team | None = None
    visibility: _Visible = True
    """Whether the action is shown."""


@dataclass(frozen=True, slots=True)
class PredictionObject:
    """One of `predictions` in a results file."""

    gameTime: _Clock | None = None  # noqa: N815
    half: _Half | None = None
    """None: the half of `gameTime`."""
    position: _Position = 0.0
    label: Name = ""
    confidence: _Confidence = 0.0
    team: _Team | None = None


def read_label(value: Any, place: Place) -> LabelObject | None:
    """Return an annotation, or None with its faults noted."""
    return place.read(value, LabelObject, needs=("gameTime", "label"), others=True, whole=True)


def read_prediction(value: Any, place: Place) -> PredictionObject | None:
    """Return a prediction, or None with its faults noted."""
    num_faults = len(place.faults)
    found = place.read(value, PredictionObject, needs=("position", "label", "confidence"), others=True)
    if found is not None and found.half is None and found.gameTime is None:
        place.fault("needs 'half', a whole number, or 'gameTime' like '1 - 00:03'")
    return found if len(place.faults) == num_faults else None
