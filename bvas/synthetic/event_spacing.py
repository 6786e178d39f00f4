"""Time between neighboring events, drawn from the distribution of real matches.

The mixture over drives and passes has the percentiles below.
"""

import numpy as np

_PERCENT = (0.0, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 100.0)
# Up to the 75th percentile as in real matches. Above it shorter: long stops teach nothing.
_SECONDS = (0.24, 0.28, 0.60, 1.04, 1.56, 2.60, 6.20, 11.0, 16.0)
_SHORT_SECONDS = 0.88
"""Less is too short to pass, fly and control a ball: such times lie between a DRIVE and its PASS."""
_SHORT_PERCENT = float(np.interp(_SHORT_SECONDS, _SECONDS, _PERCENT))
_SHARE_AFTER_DRIVE = 0.46
"""Share of all times that begin with a DRIVE."""


def seconds_after_drive(rng: np.random.Generator) -> float:
    """Return the seconds that a player runs with the ball before the next kick."""
    if rng.random() < _SHORT_PERCENT / 100.0 / _SHARE_AFTER_DRIVE:
        return _between(rng, 0.0, _SHORT_PERCENT)
    return _between(rng, _SHORT_PERCENT, 95.0)


def seconds_after_pass(rng: np.random.Generator) -> float:
    """Return the seconds from a pass to the drive or pass that follows it."""
    return _between(rng, _SHORT_PERCENT, 100.0)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.interp(rng.uniform(low, high), _PERCENT, _SECONDS))
