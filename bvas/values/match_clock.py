"""Match clock: times of a recording as people read them."""

from dataclasses import dataclass
from math import isfinite
from typing import Self

from bvas.errors import ConfigError
from bvas.values.checks import checked_seconds

HALF_SECONDS = 45 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchClock:
    """The begin of a half in a recording, and which half it is."""

    kickoff_seconds: float = 0.0
    """Time of the half's kick-off in the recording; negative if it lies before the recording."""
    half: int = 1
    """1 counts from 00:00, 2 from 45:00; the clock runs on in added time."""

    def __post_init__(self) -> None:
        if self.half not in (1, 2):
            raise ConfigError(f"half must be 1 or 2, got {self.half}")
        if not isfinite(checked_seconds(self.kickoff_seconds, "kickoff_seconds")):
            raise ConfigError(f"kickoff_seconds must be finite, got {self.kickoff_seconds}")

    @classmethod
    def of_half(cls, number: int) -> Self:
        """Return the clock of a video that begins with a half; any other part than the second counts from 00:00."""
        return cls(half=number if number in (1, 2) else 1)

    def text(self, seconds: float) -> str:
        """Return the match clock "mm:ss" at a time of the recording, rounded down; "-mm:ss" before kick-off.

        >>> MatchClock(kickoff_seconds=10, half=2).text(75.9)
        '46:05'
        """
        return minutes_text(seconds - self.kickoff_seconds + (self.half - 1) * HALF_SECONDS)


def minutes_text(seconds: float) -> str:
    """Return "mm:ss", rounded down to the second before; minutes go on above 59.

    >>> minutes_text(3725.9), minutes_text(-0.5)
    ('62:05', '-00:01')
    """
    whole = int(seconds // 1)
    minutes, rest = divmod(abs(whole), 60)
    return f"{'-' if whole < 0 else ''}{minutes:02d}:{rest:02d}"
