"""Restarts of a stopped game: throw-in, goal kick, corner, free kick, penalty, kick-off, substitution.

Each restart is a generator that yields once a frame and returns the kick that the game then plays.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.kicks import CONTROL_SECONDS, Kick, KickChooser
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats
from bvas.synthetic.pitch import Pitch
from bvas.synthetic.play_record import NUM_PLAYERS, Phase

WINDUP_SECONDS = 0.24
"""Time from the decision for a kick to the kick."""
SUBSTITUTION_SPOT = np.array([0.0, -34.3])
"""[2] place of a substitution: at the halfway line, on the main camera's side."""
_AREA_DEPTH, _AREA_HALF_WIDTH = 16.5, 20.16
_WALL_M = 9.15
_LONGEST_SUBSTITUTION_SECONDS = 12.0
_CLEARING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """Scripts of a stopped game."""

    config: PlayConfig
    rng: np.random.Generator
    """It belongs to the game."""
    pitch: Pitch
    kicks: KickChooser

    def in_penalty_area(self, point: Floats, attacker: int) -> bool:
        """Return whether a point lies in the penalty area of the attacker's opponents."""
        x = self.pitch.sign(attacker) * point[0]
        return bool(x > HALF_LENGTH - _AREA_DEPTH and abs(point[1]) < _AREA_HALF_WIDTH)

    def kick_off(self, taker: int) -> Generator[None, None, Kick]:
        """Start a half."""
        pitch = self.pitch
        pitch.ball[:] = 0.0
        pitch.moves.positions[taker] = (-0.4 * pitch.sign(taker), 0.0)
        pitch.owner = taker
        return (yield from self._kick_resting_ball("PASS", "Kick-off", 1.2))

    def after_goal(self) -> Generator[None, None, Kick]:
        """Bring the ball back to the center; the team that conceded kicks off."""
        pitch = self.pitch
        pitch.hold(Phase.DEAD)
        yield from self._wait(3.0)
        taker = pitch.keeper(pitch.ball[0] > 0) + 9
        if self.config.own_halves:
            places, signs = pitch.moves.base * [0.8, 0.85], pitch.moves.signs
            places[:, 0] = signs * np.minimum(signs * places[:, 0] - 8.0, -2.0)
            pitch.orders.update(enumerate(places))
            del pitch.orders[taker]
        kick = yield from self._set_piece("PASS", "Kick-off", taker, np.zeros(2), 1.0)
        pitch.orders.clear()
        return kick

    def throw_in(self, thrower: int, due: int) -> Generator[None, None, int]:
        """Throw the ball in, controlled at frame `due` or later; returns the first frame of the next run."""
        pitch = self.pitch
        yield from self._substitute(thrower)
        yield from self._fetch(thrower)
        yield from self._bring(np.array([pitch.ball[0], np.sign(pitch.ball[1]) * (HALF_WIDTH + 0.2)]))
        kick = self.kicks.throw()
        pitch.look_at(kick.point)
        flight = pitch.frames(kick.seconds)
        control = pitch.frames(CONTROL_SECONDS + 0.15)
        yield from pitch.wait(max(due - flight - control, pitch.frame + pitch.frames(0.8)))
        pitch.event("THROW IN", thrower)
        pitch.incident("Throw-in", thrower)
        pitch.action("throw", thrower)
        yield from pitch.flight(kick.receiver, flight, apex=kick.apex)
        return max(due, pitch.frame + control)

    def from_goal_line(self, kicker: int) -> Generator[None, None, Kick]:
        """Return the goal kick or the corner after `kicker` put the ball over the goal line."""
        pitch = self.pitch
        side, spot_y = np.sign(pitch.ball[0]), float(np.sign(pitch.ball[1])) or 1.0
        keeper = pitch.keeper(side > 0)
        yield from self._substitute(keeper)
        if pitch.team(keeper) != pitch.team(kicker):
            spot = np.array([side * 47.0, spot_y * 6.0])
            return (yield from self._set_piece("", "Clearance", keeper, spot, 3.0))
        taker = pitch.nearest(team=1 - pitch.team(kicker), point=pitch.ball[:2])
        spot = np.array([side * 52.1, spot_y * 33.6])
        return (yield from self._set_piece("CROSS", "Corner", taker, spot, 2.0))

    def after_foul(self, offender: int, victim: int) -> Generator[None, None, Kick]:
        """Stop, and give a free kick or a penalty."""
        pitch, config = self.pitch, self.config
        pitch.incident("Foul", offender)
        pitch.action("fall", victim)
        pitch.hold(Phase.DEAD)
        place = pitch.ball[:2].copy()
        if config.trip > 0.0 and self.in_penalty_area(place, victim):
            return (yield from self._penalty(victim))
        yield from self._substitute(victim)
        goal = np.array([pitch.sign(victim) * HALF_LENGTH, 0.0])
        if config.free_shot > 0.0 and np.hypot(*(goal - place)) < 30.0:
            self._order_wall(offender, place, goal)
        kick = yield from self._set_piece("FREE KICK", "Indirect free-kick", victim, place, 4.0)
        pitch.orders.clear()
        return kick

    def after_offside(self, attacker: int) -> Generator[None, None, Kick]:
        """Stop, and give the defenders a free kick at the attacker's place."""
        pitch = self.pitch
        pitch.incident("Offside", attacker)
        pitch.hold(Phase.DEAD)
        yield from self._wait(1.6)
        place = pitch.ball[:2].copy()
        taker = pitch.nearest(team=1 - pitch.team(attacker), point=place)
        return (yield from self._set_piece("FREE KICK", "Indirect free-kick", taker, place, 1.5))

    def _penalty(self, taker: int) -> Generator[None, None, Kick]:
        pitch = self.pitch
        side = pitch.sign(taker)
        for player in range(NUM_PLAYERS):
            x, y = pitch.moves.positions[player]
            pitch.orders[player] = np.array([side * min(side * x, HALF_LENGTH - _AREA_DEPTH - 2.0), y])
        pitch.orders[pitch.keeper(side > 0)] = np.array([side * (HALF_LENGTH - 0.3), 0.0])
        del pitch.orders[taker]
        spot = np.array([side * (HALF_LENGTH - 11.4), 0.0])
        kick = yield from self._set_piece("SHOT", "Penalty", taker, spot, _CLEARING_SECONDS)
        pitch.orders.clear()
        return kick

    def _substitute(self, taker: int) -> Iterator[None]:
        """At random, send a player to the halfway line; the substitute keeps the player's number."""
        pitch, rng, config = self.pitch, self.rng, self.config
        if config.substitution <= 0.0 or rng.random() >= config.substitution:
            return

        def to_spot(player: int) -> float:
            return float(np.hypot(*(pitch.moves.positions[player] - SUBSTITUTION_SPOT)))

        drawn = rng.choice(NUM_PLAYERS, 6, replace=False).tolist()
        leaver = min((p for p in drawn if p != taker and not pitch.is_keeper(p)), key=to_spot)
        pitch.orders[leaver] = SUBSTITUTION_SPOT
        latest = pitch.frame + pitch.frames(_LONGEST_SUBSTITUTION_SECONDS)
        while to_spot(leaver) > 0.8 and pitch.frame < latest:
            if to_spot(leaver) < 9.0:
                pitch.watched = SUBSTITUTION_SPOT
            yield
        if to_spot(leaver) <= 0.8:
            pitch.incident("Substitution", leaver)
            yield from self._wait(1.2)
        pitch.watched = None
        del pitch.orders[leaver]

    def _order_wall(self, offender: int, place: Floats, goal: Floats) -> None:
        pitch = self.pitch
        way = (goal - place) / max(float(np.hypot(*(goal - place))), 1.0)
        middle, aside = place + _WALL_M * way, np.array([-way[1], way[0]])
        mates = [offender, *pitch.field_mates(offender)]
        mates.sort(key=lambda player: float(np.hypot(*(pitch.moves.positions[player] - middle))))
        for rank, player in enumerate(mates[:3]):
            pitch.orders[player] = middle + (rank - 1) * 0.9 * aside

    def _set_piece(
        self, label: str, incident: str, taker: int, spot: Floats, seconds: float
    ) -> Generator[None, None, Kick]:
        yield from self._fetch(taker)
        yield from self._bring(spot)
        return (yield from self._kick_resting_ball(label, incident, seconds))

    def _kick_resting_ball(self, label: str, incident: str, seconds: float) -> Generator[None, None, Kick]:
        pitch = self.pitch
        pitch.hold(Phase.CONTROL)
        yield from self._wait(seconds)
        kick = self.kicks.restart(label, incident)
        pitch.look_at(kick.point)
        yield from self._wait(WINDUP_SECONDS)
        return kick

    def _fetch(self, player: int) -> Iterator[None]:
        pitch = self.pitch
        pitch.hold(Phase.DEAD)
        pitch.runner = player
        while pitch.reach(player) > 0.9:
            yield
        pitch.runner = -1
        pitch.owner = player
        pitch.hold(Phase.HANDS)

    def _bring(self, spot: Floats) -> Iterator[None]:
        pitch = self.pitch
        pitch.walk_to = spot
        while np.hypot(*(pitch.moves.positions[pitch.owner] - spot)) > 0.4:
            yield
        pitch.walk_to = None

    def _wait(self, seconds: float) -> Iterator[None]:
        return self.pitch.wait(self.pitch.frame + self.pitch.frames(seconds))
