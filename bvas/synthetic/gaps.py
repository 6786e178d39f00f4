"""Draw the time from one annotation to the next, as real matches have it."""

import numpy as np

from bvas.synthetic.config import PlayConfig

_SHORT_SECONDS = 0.88
"""In less a ball cannot be passed, flown and controlled: such gaps lie between a DRIVE and its PASS."""
_SHARE_AFTER_DRIVE = 0.46
"""Share of all gaps that begin with a DRIVE."""


class GapSource:
    """Gaps in seconds, whose mixture over drives and passes follows `gap_percentiles`."""

    def __init__(self, config: PlayConfig, rng: np.random.Generator) -> None:
        """Draw from `rng`, which belongs to the game."""
        self._percent = np.array([percent for percent, _ in config.gap_percentiles])
        self._seconds = np.array([seconds for _, seconds in config.gap_percentiles])
        self._rng = rng
        self._short_percent = float(np.interp(_SHORT_SECONDS, self._seconds, self._percent))

    def after_drive(self) -> float:
        """Return the seconds that a player runs with the ball before the next kick."""
        if self._rng.random() < self._short_percent / 100.0 / _SHARE_AFTER_DRIVE:
            return self._between(0.0, self._short_percent)
        return self._between(self._short_percent, 95.0)

    def after_pass(self) -> float:
        """Return the seconds from a pass to the drive or pass that follows it."""
        return self._between(self._short_percent, 100.0)

    def _between(self, low: float, high: float) -> float:
        return float(np.interp(self._rng.uniform(low, high), self._percent, self._seconds))
