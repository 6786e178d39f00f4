"""Choice of the player who receives a ball."""

from dataclasses import dataclass

import numpy as np

from bvas.synthetic.movement import HALF_WIDTH, Floats
from bvas.synthetic.pitch import Pitch


@dataclass(frozen=True, slots=True)
class Receivers:
    """Choices among players by their positions on the pitch."""

    rng: np.random.Generator
    """It belongs to the game."""
    pitch: Pitch
    forward: float
    """Score of a meter toward the goal."""

    def distances(self) -> Floats:
        """Return the distance of each player from the ball in 0.4 s, [22] meters."""
        moves = self.pitch.moves
        away = moves.positions + 0.4 * moves.velocities - self.pitch.ball[:2]
        return np.asarray(np.hypot(away[:, 0], away[:, 1]))

    def distance(self, player: int) -> float:
        """Return the distance of a player from the ball in 0.4 s, meters."""
        return float(self.distances()[player])

    def teammate_between(self, nearest: float, farthest: float) -> int | None:
        """Return a field teammate between two distances; a better placed one is more likely."""
        pitch, owner = self.pitch, self.pitch.owner
        distances = self.distances()
        mates = [player for player in pitch.field_mates(owner) if nearest <= distances[player] <= farthest]
        if not mates:
            return None
        opponents = pitch.moves.positions[np.array(pitch.opponents(owner))]
        scores = []
        for player in mates:
            way = pitch.moves.positions[player] - pitch.ball[:2]
            clear = _lane_clearance(pitch.ball[:2], way, opponents)
            scores.append(self.forward * way[0] * pitch.sign(owner) + 1.2 * min(clear, 3.0))
        return mates[int(np.argmax(np.array(scores) + self.rng.gumbel(0, 1.2, len(mates))))]

    def mate(self, nearest: float, farthest: float) -> int:
        """Return a teammate between two distances, else the one best placed for a short pass."""
        found = self.teammate_between(nearest, farthest)
        return self.nearest_mate() if found is None else found

    def nearest_mate(self) -> int:
        """Return the field teammate best placed for a short pass."""
        distances = self.distances()
        mates = self.pitch.field_mates(self.pitch.owner)
        return min(mates, key=lambda player: abs(distances[player] - 8.0))

    def interceptor(self, receiver: int) -> int:
        """Return the opponent nearest to the way of the ball, or `receiver` without one."""
        pitch = self.pitch
        here, positions = pitch.ball[:2], pitch.moves.positions
        way = positions[receiver] - here
        distances, longest = self.distances(), np.hypot(*way) + 2.0
        near = [p for p in pitch.opponents(pitch.owner)[1:] if 4.0 < distances[p] < longest]
        if not near:
            return receiver
        clear = [_lane_clearance(here, way, positions[player : player + 1]) for player in near]
        return near[int(np.argmin(clear))] if min(clear) < 5.0 else receiver

    def in_box(self) -> int:
        """Return the field teammate nearest to a random place in front of the goal."""
        pitch = self.pitch
        spot = np.array([pitch.sign(pitch.owner) * 44.0, self.rng.uniform(-6.0, 6.0)])
        positions = pitch.moves.positions
        mates = pitch.field_mates(pitch.owner)
        return min(mates, key=lambda player: float(np.hypot(*(positions[player] - spot))))

    def beside_way(self, kicker: int, receiver: int, point: Floats, seconds: float) -> int:
        """Return the player who reaches the middle of a pass to `point` in time; -1 for none."""
        pitch = self.pitch
        way = point - pitch.ball[:2]
        away = np.hypot(*(pitch.moves.positions - (pitch.ball[:2] + 0.55 * way)).T)
        away[[kicker, receiver]] = np.inf
        nearest = int(np.argmin(away))
        reachable = np.hypot(*way) > 8.0 and away[nearest] < 1.0 + 3.0 * seconds
        return nearest if reachable and not pitch.is_keeper(nearest) else -1


def _lane_clearance(start: Floats, way: Floats, points: Floats) -> float:
    """Return the least distance of points from the segment `start` to `start + way`, ends excluded."""
    length = max(float(np.hypot(*way)), 1e-6)
    unit = way / length
    along = (points - start) @ unit
    across = np.abs((points - start) @ np.array([-unit[1], unit[0]]))
    between = (along > 0.15 * length) & (along < 0.95 * length)
    return float(across[between].min()) if between.any() else HALF_WIDTH
