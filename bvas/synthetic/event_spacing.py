"""Time between neighboring events, drawn from the distribution of real matches."""

import numpy as np

_PERCENT = (0.0, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 100.0)
# Up to the 75th percentile as in real matches. Above it shorter: long stops teach nothing.
_SECONDS = (0.24, 0.28, 0.60, 1.04, 1.56, 2.60, 6.20, 11.0, 16.0)
_SHORT_SECONDS = 0.88
"""Less is too short to pass, fly and control a ball: such times lie between a DRIVE and its PASS."""
_SHORT_PERCENT = float(np.interp(_SHORT_SECONDS, _SECONDS, _PERCENT))
_SHARE_AFTER_DRIVE = 0.46
"""Share of all times that begin with a DRIVE."""


class EventSpacing:
    """Seconds to the next event; the mixture over drives and passes has the percentiles above."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw from `rng`, which belongs to the game."""
        self._rng = rng

    def after_drive(self) -> float:
        """Return the seconds that a player runs with the ball before the next kick."""
        if self._rng.random() < _SHORT_PERCENT / 100.0 / _SHARE_AFTER_DRIVE:
            return self._between(0.0, _SHORT_PERCENT)
        return self._between(_SHORT_PERCENT, 95.0)

    def after_pass(self) -> float:
        """Return the seconds from a pass to the drive or pass that follows it."""
        return self._between(_SHORT_PERCENT, 100.0)

    def _between(self, low: float, high: float) -> float:
        return float(np.interp(self._rng.uniform(low, high), _PERCENT, _SECONDS))
