"""What is exported: the spots of one video, and what is known of its file."""

from dataclasses import dataclass, field
from pathlib import Path

from bvas.report.content import FrameTimes
from bvas.report.match_clock import MatchClock
from bvas.values.annotations import Spot


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ExportVideo:
    """The file that spots are about."""

    path: Path
    frames: FrameTimes
    variable_rate: bool = False
    player_offset_seconds: float = 0.0
    """What a player shows as the time of the first shown frame."""
    timecode: str | None = None
    """That of the first shown frame, as the file's tag has it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ExportPart:
    """One video of a recording or match."""

    number: int
    """1 for the first; results call it a half."""
    name: str
    """Of the video, or of the results where the video is not known."""
    spots: tuple[Spot, ...]
    """In order of time, which counts from the first shown frame."""
    clock: MatchClock = field(default_factory=MatchClock)
    video: ExportVideo | None = None
    """None where nobody said which file it is."""


def one_line(text: str) -> str:
    """Return a label as a line of text: other white space becomes a space, what cannot be printed goes.

    >>> one_line(" HIGH\\n PASS\\x07")
    'HIGH PASS'
    """
    spaced = " ".join(text.split())
    return "".join(letter for letter in spaced if letter == " " or letter.isprintable())


def spot_text(spot: Spot) -> str:
    """Return what people read of a spot.

    >>> spot_text(Spot("PASS", 1.0, 0.914))
    'PASS 0.91'
    """
    return f"{one_line(spot.label)} {spot.confidence:.2f}"
