"""Frames as editing programs count them: at a constant rate of SMPTE's, under a timecode."""

import re
from dataclasses import dataclass
from fractions import Fraction

from bvas.errors import ConfigError

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d\d)")


@dataclass(frozen=True, slots=True)
class EditRate:
    """A rate that editing programs know."""

    name: str
    fps: Fraction
    """Frames in a second."""
    drop_frame: bool = False
    """Timecodes skip 2 (or 4) numbers in most minutes, so that they follow the clock; no frame is dropped."""

    @property
    def nominal(self) -> int:
        """Frames in a second of timecode."""
        return round(self.fps)

    @property
    def text(self) -> str:
        """How messages and files name it."""
        return f"{self.name} fps{' drop frame' if self.drop_frame else ''}"

    def frame_at(self, seconds: float) -> int:
        """Return the frame nearest in time, from 0."""
        return round(seconds * self.fps.numerator / self.fps.denominator)

    def timecode(self, frame: int) -> str:
        """Return `hh:mm:ss:ff` of a frame, `hh:mm:ss;ff` where numbers are dropped.

        >>> edit_rate("29.97").timecode(1800), edit_rate("25").timecode(1800)
        ('00:01:00;02', '00:01:12:00')
        """
        label = frame + self._dropped_before(frame)
        seconds, frames = divmod(label, self.nominal)
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return f"{clock}{';' if self.drop_frame else ':'}{frames:02d}"

    def frame_of(self, timecode: str) -> int:
        """Return the frame with a timecode.

        Raises:
            ConfigError: it is none, or none of this rate.
        """
        found = _TIMECODE.fullmatch(timecode.strip())
        if found is None:
            raise ConfigError(
                f"{timecode!r} is no timecode; write hh:mm:ss:ff, or hh:mm:ss;ff for drop frame"
            )
        hours, minutes, seconds, frames = (int(found[group]) for group in (1, 2, 3, 5))
        skipped = 2 * self.nominal // 30 if self.drop_frame else 0
        total_minutes = 60 * hours + minutes
        is_dropped = minutes % 10 and not seconds and frames < skipped
        if minutes > 59 or seconds > 59 or frames >= self.nominal or is_dropped:
            raise ConfigError(f"there is no timecode {timecode} at {self.text}")
        label = (total_minutes * 60 + seconds) * self.nominal + frames
        return label - skipped * (total_minutes - total_minutes // 10)

    def _dropped_before(self, frame: int) -> int:
        if not self.drop_frame:
            return 0
        skipped = 2 * self.nominal // 30
        in_ten_minutes = 600 * self.nominal - 9 * skipped
        in_minute = 60 * self.nominal - skipped
        tens, rest = divmod(frame, in_ten_minutes)
        # The first minute of ten drops nothing.
        minutes = (rest - skipped) // in_minute if rest >= 60 * self.nominal else 0
        return skipped * (9 * tens + minutes)


_RATES = (
    EditRate("23.976", Fraction(24000, 1001)),
    EditRate("24", Fraction(24)),
    EditRate("25", Fraction(25)),
    EditRate("29.97", Fraction(30000, 1001), drop_frame=True),
    EditRate("30", Fraction(30)),
    EditRate("50", Fraction(50)),
    EditRate("59.94", Fraction(60000, 1001), drop_frame=True),
    EditRate("60", Fraction(60)),
)


def edit_rates() -> tuple[str, ...]:
    """Return the names of all rates."""
    return tuple(rate.name for rate in _RATES)


def edit_rate(name: str) -> EditRate:
    """Return the rate of a name.

    Raises:
        ConfigError: there is none; the message lists those that there are.
    """
    for rate in _RATES:
        if rate.name == name:
            return rate
    raise ConfigError(f"no rate {name!r}; timecodes are at {', '.join(edit_rates())}")


def nearest_edit_rate(rate: Fraction) -> EditRate:
    """Return the rate nearest to a video's, by their ratio."""
    return min(_RATES, key=lambda known: max(known.fps / rate, rate / known.fps))


def counts_on(rate: EditRate, timecode: str) -> EditRate:
    """Return a rate as a timecode counts it: `:` before the frames drops no numbers."""
    found = _TIMECODE.fullmatch(timecode.strip())
    if found is not None and rate.drop_frame and found[4] == ":":
        return EditRate(rate.name, rate.fps, drop_frame=False)
    return rate
