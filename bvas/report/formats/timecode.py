"""Edit rates and timecodes: frames as editing programs count them, at a constant rate of SMPTE's."""

import re
from dataclasses import dataclass
from fractions import Fraction

from bvas.errors import ConfigError
from bvas.report.formats.optional import needed

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

    def frame_of(self, timecode: str) -> int:
        """Return the frame with a timecode.

        Raises:
            ConfigError: it is not a timecode, or this rate has no such timecode; or OpenTimelineIO is not installed.
        """
        opentime = needed("opentimelineio").opentime
        found = _TIMECODE.fullmatch(timecode.strip())
        if found is None:
            raise ConfigError(
                f"{timecode!r} is not a timecode; write hh:mm:ss:ff, or hh:mm:ss;ff for drop frame"
            )
        rate = float(self.fps) if self.drop_frame else self.nominal
        hours, minutes, seconds, _, frames = found.groups()
        written = f"{hours}:{minutes}:{seconds}{';' if self.drop_frame else ':'}{frames}"
        try:
            time = opentime.from_timecode(written, rate)
        except ValueError as error:
            raise ConfigError(f"{timecode} is not a valid timecode at {self.text}") from error
        # OpenTimelineIO takes minutes beyond 59 and numbers that are dropped for later ones.
        if time.to_timecode() != written:
            raise ConfigError(f"{timecode} is not a valid timecode at {self.text}")
        return int(time.to_frames())


EDIT_RATES = (
    EditRate("23.976", Fraction(24000, 1001)),
    EditRate("24", Fraction(24)),
    EditRate("25", Fraction(25)),
    EditRate("29.97", Fraction(30000, 1001), drop_frame=True),
    EditRate("30", Fraction(30)),
    EditRate("50", Fraction(50)),
    EditRate("59.94", Fraction(60000, 1001), drop_frame=True),
    EditRate("60", Fraction(60)),
)


def edit_rate(name: str) -> EditRate:
    """Return the rate of a name.

    Raises:
        ConfigError: no rate has this name; the message lists all.
    """
    found = {rate.name: rate for rate in EDIT_RATES}
    if name not in found:
        raise ConfigError(f"no rate {name!r}; timecodes are at {', '.join(found)}")
    return found[name]


def nearest_edit_rate(rate: Fraction) -> EditRate:
    """Return the rate nearest to a video's, by their ratio."""
    return min(EDIT_RATES, key=lambda known: max(known.fps / rate, rate / known.fps))


def counts_on(rate: EditRate, timecode: str) -> EditRate:
    """Return a rate as a timecode counts it: `:` before the frames drops no numbers."""
    found = _TIMECODE.fullmatch(timecode.strip())
    if found is not None and rate.drop_frame and found[4] == ":":
        return EditRate(rate.name, rate.fps, drop_frame=False)
    return rate
