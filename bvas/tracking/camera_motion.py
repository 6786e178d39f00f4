"""Motion of the camera, estimated from the boxes: the translation that most players share.

A pan moves all boxes alike. Removed, what remains is each player's own motion, which is slower and smoother.
BoT-SORT (Aharon 2022) estimates it from the picture; here the boxes are enough.
"""

import numpy as np

from bvas.tracking.motion import Floats

_LEAST = 3
"""Fewer pairs say nothing about the camera: their motion is their own."""
_AGITATION = 2.0
"""Density of the camera's random acceleration, squared heights of a player / s^3."""
_FIRST_SPEED = 3.0
"""Standard deviation of its velocity at first, heights / s."""


class CameraMotion:
    """Translation of the picture over time: a Kalman filter of its velocity.

    Attributes:
        offsets: One [2] for each step so far: where a point at rest has moved to since the first, in pixels.
    """

    def __init__(self) -> None:
        self.offsets: list[Floats] = []
        self._velocity = np.zeros(2)
        self._variance: Floats | None = None
        self._expected: tuple[Floats, Floats, Floats] | None = None

    def rest(self) -> None:
        """Note a step at which nothing is known; what its velocity was is forgotten."""
        self.offsets.append(self._last_offset())
        self._velocity, self._variance = np.zeros(2), None

    def _last_offset(self) -> Floats:
        return self.offsets[-1] if self.offsets else np.zeros(2)

    def expected(self, seconds: float, height: float) -> Floats:
        """Return the shift [2] expected after a step, for players of a height in pixels."""
        if self._variance is None:
            self._variance = np.full(2, (_FIRST_SPEED * height) ** 2)
        density = _AGITATION * height**2
        variance = self._variance * seconds**2 + density * seconds**3 / 3
        covariance = self._variance * seconds + density * seconds**2 / 2
        self._variance = self._variance + density * seconds
        self._expected = self._velocity * seconds, variance, covariance
        return self._expected[0]

    def observe(self, surprises: Floats, variances: Floats) -> Floats:
        """Take in what pairs of boxes say beyond the expected shift; return the correction [2] of the shift.

        Args:
            surprises: [N, 2] detected less predicted centers in pixels.
            variances: [N, 2] theirs.
        """
        assert self._expected is not None
        assert self._variance is not None
        shift, variance, covariance = self._expected
        found, spread = common_shift(surprises, variances)
        # A jerk of the camera: more agitation than usual, for this step alone.
        total = np.where(np.isfinite(spread), variance + spread, np.inf)
        scale = np.maximum(1.0, found**2 / total / 4)
        variance, covariance = scale * variance, scale * covariance
        self._variance = scale * self._variance
        gain = variance / (variance + spread)
        velocity_gain = covariance / (variance + spread)
        correction: Floats = gain * found
        self._velocity = self._velocity + velocity_gain * found
        self._variance = self._variance - velocity_gain * covariance
        self.offsets.append(self._last_offset() + shift + correction)
        return correction


def common_shift(surprises: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Return the shift [2] that the boxes share and its variance [2]; infinite where there are too few.

    A median first, then a mean that trusts those far from it less (Huber's weights).
    """
    if len(surprises) < _LEAST:
        return np.zeros(2), np.full(2, np.inf)
    shift = np.median(surprises, axis=0)
    spread = np.sqrt(variances)
    for _ in range(2):
        off = np.abs(surprises - shift) / spread
        weights = np.minimum(1.0, 1.5 / np.maximum(off, 1e-9)) / variances
        shift = (weights * surprises).sum(axis=0) / weights.sum(axis=0)
    return shift, 1.0 / weights.sum(axis=0)
