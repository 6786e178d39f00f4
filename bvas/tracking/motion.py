"""Motion of boxes: a Kalman filter over continuous time, many boxes at once.

Each of the four coordinates (center x, center y, width, height) moves on its own: its velocity is an
Ornstein-Uhlenbeck process, which forgets its value within the model's memory. Steps compose exactly: two steps of
20 ms predict the same as one of 40 ms, so a tracker sees the same at 25 and 50 frames a second.

Sources: Kalman 1960; SORT (Bewley 2016) filters boxes so, with steps of one frame; Singer 1970 forgets as here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.values.boxes import Boxes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MotionModel:
    """How boxes move and how exactly they are measured; lengths in units of the box."""

    noise: Floats
    """[4] standard deviation of a detection's center x, center y, width, height in widths and heights."""
    agitation: Floats
    """[4] density of the random acceleration, in squared units (heights, heights, widths, heights) / s^3."""
    memory: Floats
    """[4] seconds after which a velocity has decayed to 1/e."""


@dataclass(slots=True, kw_only=True, eq=False)
class MotionStates:
    """Estimates of T boxes at one time."""

    positions: Floats
    """[T, 4] center x, center y, width, height in pixels."""
    velocities: Floats
    """[T, 4] pixels / s."""
    position_variances: Floats
    """[T, 4]"""
    covariances: Floats
    """[T, 4] of position and velocity."""
    velocity_variances: Floats
    """[T, 4]"""

    def __len__(self) -> int:
        return len(self.positions)

    def chosen(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "MotionStates":
        """Return the states of some boxes, in the given order."""
        return MotionStates(
            positions=self.positions[rows],
            velocities=self.velocities[rows],
            position_variances=self.position_variances[rows],
            covariances=self.covariances[rows],
            velocity_variances=self.velocity_variances[rows],
        )

    def assign(self, rows: NDArray[np.int64], states: "MotionStates") -> None:
        """Replace the states of some boxes."""
        self.positions[rows] = states.positions
        self.velocities[rows] = states.velocities
        self.position_variances[rows] = states.position_variances
        self.covariances[rows] = states.covariances
        self.velocity_variances[rows] = states.velocity_variances


def joined(parts: Sequence[MotionStates]) -> MotionStates:
    """Return the states of all, one behind the other."""
    return MotionStates(
        positions=np.concatenate([part.positions for part in parts]),
        velocities=np.concatenate([part.velocities for part in parts]),
        position_variances=np.concatenate([part.position_variances for part in parts]),
        covariances=np.concatenate([part.covariances for part in parts]),
        velocity_variances=np.concatenate([part.velocity_variances for part in parts]),
    )


def centered(boxes: Boxes) -> Floats:
    """Return [N, 4] center x, center y, width, height of boxes [N, 4]."""
    result = boxes.copy()
    result[:, :2] += boxes[:, 2:] / 2
    return result


def cornered(centers: Floats) -> Boxes:
    """Return boxes [N, 4] of centers and sizes [N, 4]."""
    result = centers.copy()
    result[:, :2] -= centers[:, 2:] / 2
    return result


def start_states(measured: Floats, model: MotionModel, speed: float) -> MotionStates:
    """Return states of boxes that were seen once.

    Args:
        measured: [N, 4] centers and sizes.
        model: The motion.
        speed: Standard deviation of the unknown velocity, in units of the box / s.
    """
    units = _units(measured)
    return MotionStates(
        positions=measured.copy(),
        velocities=np.zeros_like(measured),
        position_variances=noise_variances(measured, model),
        covariances=np.zeros_like(measured),
        velocity_variances=(speed * units) ** 2,
    )


def predict(states: MotionStates, seconds: float, model: MotionModel) -> MotionStates:
    """Return the states some time later."""
    kept = np.exp(-seconds / model.memory)
    reach = model.memory * (1 - kept)
    density = model.agitation * _units(states.positions) ** 2
    return MotionStates(
        positions=states.positions + reach * states.velocities,
        velocities=kept * states.velocities,
        position_variances=states.position_variances
        + 2 * reach * states.covariances
        + reach**2 * states.velocity_variances
        + density * position_growth(seconds, model.memory),
        covariances=kept * states.covariances
        + kept * reach * states.velocity_variances
        + density * reach**2 / 2,
        velocity_variances=kept**2 * states.velocity_variances + density * model.memory * (1 - kept**2) / 2,
    )


def update(states: MotionStates, measured: Floats, variances: Floats) -> MotionStates:
    """Return the states after detections of each.

    Args:
        states: Predicted to the time of the detections.
        measured: [T, 4] centers and sizes.
        variances: [T, 4] of the measurement.
    """
    total = states.position_variances + variances
    gain = states.position_variances / total
    velocity_gain = states.covariances / total
    surprise = measured - states.positions
    return MotionStates(
        positions=states.positions + gain * surprise,
        velocities=states.velocities + velocity_gain * surprise,
        position_variances=(1 - gain) * states.position_variances,
        covariances=(1 - gain) * states.covariances,
        velocity_variances=states.velocity_variances - velocity_gain * states.covariances,
    )


def noise_variances(measured: Floats, model: MotionModel) -> Floats:
    """Return [N, 4] variances of the measurement of centers and sizes [N, 4]."""
    sizes: Floats = np.maximum(measured[:, [2, 3, 2, 3]], 1.0)
    return (sizes * model.noise) ** 2


def position_growth(seconds: Floats | float, memory: Floats | float) -> Floats:
    """Return the variance that a position gains by unit acceleration noise; both arguments broadcast."""
    ratio = np.asarray(seconds / memory)
    kept = np.exp(-ratio)
    # The terms cancel down to seconds^3 / 3, which a short step would lose to rounding.
    exact = memory**3 * (ratio - 2 * (1 - kept) + (1 - kept**2) / 2)
    return np.where(ratio < 1e-3, seconds**3 / 3, exact)


def _units(positions: Floats) -> Floats:
    sizes: Floats = np.maximum(positions[:, [3, 3, 2, 3]], 1.0)
    return sizes
