"""Player movement: formation targets, acceleration, facing and stride of 22 players."""

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.play_record import NUM_PLAYERS

Floats = NDArray[np.float64]

TEAM_SIZE = NUM_PLAYERS // 2
HALF_LENGTH = 52.5
"""Meters from the center to a goal line."""
HALF_WIDTH = 34.0
"""Meters from the center to a touchline."""

# A 4-4-2 that attacks towards +x: x and y of each player, goalkeeper first.
_FORMATION = np.array(
    [[-49, -27, -30, -30, -27, -6, -10, -9, -6, 14, 13], [0, -23, -8, 8, 23, -24, -7, 8, 24, -9, 9]],
    dtype=np.float64,
).T
_STRIDE_RADIANS_PER_M = 2.3
_WALK_RADIANS_PER_M = 3.4
_TURN_RADIANS_PER_SECOND = 9.0


class Movement:
    """Positions, speeds and directions of all players, advanced frame by frame."""

    def __init__(self, rng: np.random.Generator, rate: float, home_sign: int) -> None:
        """Place the teams in their halves; `home_sign` is +1 where home attacks towards +x."""
        self._dt = 1.0 / rate
        self.signs = np.repeat([home_sign, -home_sign], TEAM_SIZE).astype(np.float64)
        self.base: Floats = np.concatenate([_FORMATION, _FORMATION]) * self.signs[:, None]
        self._is_keeper = np.arange(NUM_PLAYERS) % TEAM_SIZE == 0
        self.base = self.base + rng.normal(0, 1.5, self.base.shape) * ~self._is_keeper[:, None]
        self.positions: Floats = self.base * [0.8, 0.85] - [8.0, 0.0] * self.signs[:, None]
        self.positions[self._is_keeper] = self.base[self._is_keeper]
        self.velocities: Floats = np.zeros((NUM_PLAYERS, 2))
        self.facing: Floats = np.where(self.signs > 0, 0.0, np.pi)
        self.gait: Floats = rng.uniform(0, 2 * np.pi, NUM_PLAYERS)
        self._pace = rng.uniform(0.9, 1.1, NUM_PLAYERS)
        self._wander_rate = rng.uniform(0.5, 1.1, (NUM_PLAYERS, 2))
        self._wander_start = rng.uniform(0, 2 * np.pi, (NUM_PLAYERS, 2))

    def formation_targets(self, ball: Floats, possession: int, seconds: float) -> Floats:
        """Return the target position of each player, [22, 2].

        Args:
            ball: [2] position.
            possession: 0 where home has the ball, 1 where away has it.
            seconds: Time of the game; drives small movements of each player.
        """
        targets = self.base.copy()
        attacking = slice(0, TEAM_SIZE) if possession == 0 else slice(TEAM_SIZE, NUM_PLAYERS)
        targets[:, 0] += 0.55 * ball[0]
        targets[attacking, 0] += 7.0 * self.signs[attacking]
        targets[:, 1] = 0.8 * targets[:, 1] + 0.4 * ball[1]
        targets += 2.2 * np.sin(self._wander_rate * seconds + self._wander_start)
        keepers = self._is_keeper
        targets[keepers, 0] = self.base[keepers, 0] + 0.06 * (ball[0] - self.base[keepers, 0])
        targets[keepers, 1] = 0.12 * ball[1]
        np.clip(targets[:, 0], -HALF_LENGTH + 1, HALF_LENGTH - 1, out=targets[:, 0])
        np.clip(targets[:, 1], -HALF_WIDTH + 1.5, HALF_WIDTH - 1.5, out=targets[:, 1])
        return targets

    def step(
        self, targets: Floats, top_speed: Floats, acceleration: Floats, look: Floats, fixed: int
    ) -> None:
        """Advance one frame.

        Args:
            targets: [22, 2] target positions.
            top_speed: [22] m/s.
            acceleration: [22] m/s^2.
            look: [22] the direction to face; NaN faces the direction of the run.
            fixed: The player with the ball, who is not pushed aside; -1 for none.
        """
        away = targets - self.positions
        distance = np.hypot(away[:, 0], away[:, 1])
        wanted_speed = np.minimum(distance * 1.6, top_speed * self._pace)
        wanted = away * (wanted_speed / np.maximum(distance, 1e-6))[:, None]
        wanted += self._push_apart(fixed)
        change = wanted - self.velocities
        size = np.hypot(change[:, 0], change[:, 1])
        limit = acceleration * self._dt
        self.velocities += change * np.minimum(1.0, limit / np.maximum(size, 1e-6))[:, None]
        self.positions += self.velocities * self._dt
        speed = self.speeds()
        way = np.arctan2(self.velocities[:, 1], self.velocities[:, 0])
        wanted_facing = np.where(np.isnan(look), np.where(speed > 0.6, way, self.facing), look)
        turn = (wanted_facing - self.facing + np.pi) % (2 * np.pi) - np.pi
        most = _TURN_RADIANS_PER_SECOND * self._dt
        self.facing += np.clip(turn, -most, most)
        radians_per_m = np.where(speed > 2.5, _STRIDE_RADIANS_PER_M, _WALK_RADIANS_PER_M)
        self.gait += speed * radians_per_m * self._dt

    def speeds(self) -> Floats:
        """Return [22] in m/s."""
        return np.asarray(np.hypot(self.velocities[:, 0], self.velocities[:, 1]))

    def _push_apart(self, fixed: int) -> Floats:
        between = self.positions[:, None] - self.positions[None]
        distance = np.hypot(between[..., 0], between[..., 1])
        strength = np.clip(1.6 - distance, 0.0, 1.6) * 2.5 / np.maximum(distance, 0.2)
        push = np.asarray((between * strength[..., None]).sum(axis=1))
        if fixed >= 0:
            push[fixed] = 0.0
        return push
