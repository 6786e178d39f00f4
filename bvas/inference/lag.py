"""Lag of the models behind a broadcast, which cannot be made to wait: coarser strides, then skipped frames."""

import logging
from dataclasses import dataclass

from bvas.errors import ConfigError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LagRule:
    """Limits of the lag behind a broadcast.

    From half of `most_seconds` on only every 2nd grid frame is scored, from three quarters on every 4th; the rows
    between are interpolated. Beyond `most_seconds` frames are skipped, which leaves a gap, until the lag is
    down to a quarter of it. From there on every grid frame is scored again.
    """

    most_seconds: float = 10.0
    """Lag from which frames are skipped, in seconds of video."""

    def __post_init__(self) -> None:
        if not self.most_seconds > 0:
            raise ConfigError(f"most_seconds of lag must be positive, got {self.most_seconds}")


DEFAULT_LAG_RULE = LagRule()


class Lag:
    """Lag behind a source since the models last waited for it.

    Args:
        rule: Limits; None measures the lag only.
        name: Name of the source in messages.
    """

    def __init__(self, rule: LagRule | None, name: str) -> None:
        self._rule = rule
        self._name = name
        self._offset: float | None = None
        self._is_skipping = False
        self.seconds = 0.0
        """Lag at the newest frame."""
        self.stride = 1
        """One of so many grid frames is scored."""
        self.num_skipped = 0
        """Frames skipped so far."""
        self.num_thinned = 0
        """Frames that came while the stride was above 1."""

    def see(self, seconds: float, now: float, *, num_frames: int, is_newest: bool) -> str:
        """Update the lag by arrived frames; return why they are to be skipped, or an empty text.

        Args:
            seconds: Time of the last of them on the clock of the source.
            now: The time here.
            num_frames: How many there are.
            is_newest: The source has no newer frame yet; the lag is zero.
        """
        offset = now - seconds
        if is_newest or self._offset is None:
            self._offset = offset
        self.seconds = max(offset - self._offset, 0.0)
        if self._rule is None:
            return ""
        most = self._rule.most_seconds
        share = self.seconds / most
        was_skipping, stride = self._is_skipping, self.stride
        self._is_skipping = share > (0.25 if was_skipping else 1.0)
        self.stride = self._stride_at(share)
        if self.stride > stride:
            logger.warning(
                "%s: the models are %.1f s behind; 1 of %d frames is scored",
                self._name,
                self.seconds,
                self.stride,
            )
        if not self._is_skipping:
            self.num_thinned += num_frames if self.stride > 1 else 0
            return ""
        self.num_skipped += num_frames
        return f"skipped, the models were more than {most:g} s behind"

    def _stride_at(self, share: float) -> int:
        if share <= 0.25:
            return 1
        wanted = 4 if share > 0.75 else 2 if share > 0.5 else 1
        return max(self.stride, wanted)
