"""Who could get a ball: the players around the one who kicks it."""

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.movement import HALF_WIDTH, Floats
from bvas.synthetic.pitch import Pitch


class Receivers:
    """Choices among players, from what the pitch looks like."""

    def __init__(self, config: PlayConfig, rng: np.random.Generator, pitch: Pitch) -> None:
        """Draw from `rng`, which belongs to the game."""
        self._config = config
        self._rng = rng
        self._pitch = pitch

    def distances(self) -> Floats:
        """Return how far each player will be from the ball in a moment, [22] meters."""
        moves = self._pitch.moves
        away = moves.positions + 0.4 * moves.velocities - self._pitch.ball[:2]
        return np.asarray(np.hypot(away[:, 0], away[:, 1]))

    def distance(self, player: int) -> float:
        """Return how far a player will be from the ball in a moment, meters."""
        return float(self.distances()[player])

    def teammate_between(self, nearest: float, farthest: float) -> int | None:
        """Return a teammate between two distances, the better placed the likelier."""
        pitch, owner = self._pitch, self._pitch.owner
        distances = self.distances()
        here = pitch.ball[:2]
        mates = [p for p in pitch.teammates(owner) if p != owner and nearest <= distances[p] <= farthest]
        mates = [player for player in mates if not pitch.is_keeper(player)]
        if not mates:
            return None
        opponents = pitch.moves.positions[np.array(pitch.opponents(owner))]
        scores = []
        for player in mates:
            way = pitch.moves.positions[player] - here
            forward = way[0] * pitch.sign(owner)
            clear = _lane_clearance(here, way, opponents)
            scores.append(self._config.forward * forward + 1.2 * min(clear, 3.0))
        return mates[int(np.argmax(np.array(scores) + self._rng.gumbel(0, 1.2, len(mates))))]

    def nearest_mate(self) -> int:
        """Return the teammate who stands best for a short pass."""
        pitch, owner = self._pitch, self._pitch.owner
        distances = self.distances()
        mates = [p for p in pitch.teammates(owner) if p != owner and not pitch.is_keeper(p)]
        return min(mates, key=lambda player: abs(distances[player] - 8.0))

    def interceptor(self, receiver: int) -> int:
        """Return the opponent who stands nearest to the way of the ball, or `receiver` where none does."""
        pitch = self._pitch
        here = pitch.ball[:2]
        way = pitch.moves.positions[receiver] - here
        opponents = [p for p in pitch.opponents(pitch.owner) if not pitch.is_keeper(p)]
        distances = self.distances()
        near = [p for p in opponents if 4.0 < distances[p] < np.hypot(*way) + 2.0]
        if not near:
            return receiver
        positions = pitch.moves.positions
        clear = [_lane_clearance(here, way, positions[player : player + 1]) for player in near]
        return near[int(np.argmin(clear))] if min(clear) < 5.0 else receiver

    def in_box(self) -> int:
        """Return the teammate nearest to a place before the goal."""
        pitch, owner = self._pitch, self._pitch.owner
        spot = np.array([pitch.sign(owner) * 44.0, self._rng.uniform(-6.0, 6.0)])
        mates = [p for p in pitch.teammates(owner) if p != owner and not pitch.is_keeper(p)]
        positions = pitch.moves.positions
        return min(mates, key=lambda player: float(np.hypot(*(positions[player] - spot))))

    def beside_way(self, kicker: int, receiver: int, point: Floats, seconds: float) -> int:
        """Return who could reach the middle of a pass's way to `point` in time; -1 for nobody."""
        pitch = self._pitch
        start = pitch.ball[:2]
        way = point - start
        middle = start + 0.55 * way
        away = np.hypot(*(pitch.moves.positions - middle).T)
        for player in (kicker, receiver, *pitch.sent_off):
            away[player] = np.inf
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
