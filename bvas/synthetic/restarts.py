"""How the game goes on after a stop: throw-in, goal kick, corner, free kick, penalty, kick-off, new players.

Each way is a generator that yields once a frame and returns the kick which the game then plays.
"""

from collections.abc import Generator, Iterator

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.events import NUM_PLAYERS, Phase
from bvas.synthetic.kicks import Kick, KickChooser
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats
from bvas.synthetic.pitch import Pitch

CONTROL_SECONDS = 0.32
"""What a receiver needs at least before setting off."""
WINDUP_SECONDS = 0.24
"""From the decision for a kick to the kick."""
PENALTY_AREA = (16.5, 20.16)
"""Meters from the goal line, and from the middle to either side."""
CHANGE_SPOT = (0.0, -34.3)
"""Where players are changed: at the halfway line, on the camera's side."""
_TEAM_SIZE = NUM_PLAYERS // 2
_WALL_M = 9.15
_LONGEST_CHANGE_SECONDS = 12.0
_LONGEST_CLEARING_SECONDS = 6.0
_MOST_SENT_OFF = 2


class Restarts:
    """The script of a stopped game."""

    def __init__(
        self, config: PlayConfig, rng: np.random.Generator, pitch: Pitch, kicks: KickChooser
    ) -> None:
        """Draw from `rng`, which belongs to the game."""
        self._config = config
        self._rng = rng
        self._pitch = pitch
        self._kicks = kicks
        self._booked: set[int] = set()

    def kick_off(self, taker: int) -> Generator[None, None, Kick]:
        """Start a half."""
        pitch = self._pitch
        pitch.ball[:] = 0.0
        pitch.moves.positions[taker] = (-0.4 * pitch.sign(taker), 0.0)
        pitch.owner = taker
        return (yield from self._kick_dead_ball("PASS", 1.2, "Kick-off"))

    def after_goal(self) -> Generator[None, None, Kick]:
        """Bring the ball back to the center; the team that conceded kicks off."""
        pitch = self._pitch
        pitch.hold(Phase.DEAD)
        yield from self._wait(3.0)
        conceded = pitch.team(pitch.keeper(pitch.ball[0] > 0))
        mates = [player for player in pitch.teammates(conceded * _TEAM_SIZE) if not pitch.is_keeper(player)]
        taker = min(mates, key=lambda player: abs(player - conceded * _TEAM_SIZE - 9))
        if self._config.own_halves:
            for player in range(NUM_PLAYERS):
                if player != taker and player not in pitch.sent_off:
                    x, y = pitch.moves.base[player] * [0.8, 0.85]
                    side = pitch.sign(player)
                    pitch.orders[player] = np.array([side * min(side * x - 8.0, -2.0), y])
        yield from self._fetch(taker)
        yield from self._bring(np.zeros(2))
        kick = yield from self._kick_dead_ball("PASS", 1.0, "Kick-off")
        self._dismiss()
        return kick

    def throw_in(self, thrower: int, due: int) -> Generator[None, None, int]:
        """Throw the ball in, control frame `due` at the earliest; returns when the receiver sets off."""
        pitch = self._pitch
        yield from self._change_players(thrower)
        yield from self._fetch(thrower)
        yield from self._bring(np.array([pitch.ball[0], np.sign(pitch.ball[1]) * (HALF_WIDTH + 0.2)]))
        kick = self._kicks.throw()
        pitch.look_at(kick.point)
        flight = self._frames(kick.seconds)
        control = self._frames(CONTROL_SECONDS + 0.15)
        yield from self._wait_until(max(due - flight - control, pitch.frame + self._frames(0.8)))
        pitch.event("THROW IN", thrower)
        pitch.incident("Throw-in", thrower)
        pitch.action("throw", thrower)
        yield from pitch.flight(kick.receiver, flight, apex=kick.apex)
        return max(due, pitch.frame + control)

    def from_goal_line(self, kicker: int) -> Generator[None, None, Kick]:
        """Return the goal kick or the corner after `kicker` put the ball over the goal line."""
        pitch = self._pitch
        other = 1 - pitch.team(kicker)
        keeper = pitch.keeper(pitch.ball[0] > 0)
        spot_y = float(np.sign(pitch.ball[1])) or 1.0
        yield from self._change_players(keeper)
        if pitch.team(keeper) == other:
            spot = np.array([np.sign(pitch.ball[0]) * 47.0, spot_y * 6.0])
            return (yield from self._set_piece("", keeper, spot, 3.0))
        spot = np.array([np.sign(pitch.ball[0]) * 52.1, spot_y * 33.6])
        taker = pitch.nearest(team=other, point=pitch.ball[:2])
        return (yield from self._set_piece("CROSS", taker, spot, 2.0))

    def after_foul(self, offender: int, victim: int) -> Generator[None, None, Kick]:
        """Stop, book the offender perhaps, and give a free kick or a penalty."""
        pitch, config = self._pitch, self._config
        pitch.incident("Foul", offender)
        pitch.action("fall", victim)
        pitch.hold(Phase.DEAD)
        place = pitch.ball[:2].copy()
        if config.card > 0.0 and self._rng.random() < config.card:
            yield from self._wait(2.0)
            yield from self._book(offender)
        depth, width = PENALTY_AREA
        if (
            config.trip > 0.0
            and pitch.sign(victim) * place[0] > HALF_LENGTH - depth
            and abs(place[1]) < width
        ):
            return (yield from self._penalty(victim))
        yield from self._change_players(victim)
        goal = np.array([pitch.sign(victim) * HALF_LENGTH, 0.0])
        if config.free_shot > 0.0 and np.hypot(*(goal - place)) < 30.0:
            self._order_wall(offender, place, goal)
        kick = yield from self._set_piece("FREE KICK", victim, place, 4.0)
        self._dismiss()
        return kick

    def after_offside(self, attacker: int) -> Generator[None, None, Kick]:
        """Stop, and give the defenders a free kick where the attacker stood."""
        pitch = self._pitch
        pitch.incident("Offside", attacker)
        pitch.hold(Phase.DEAD)
        yield from self._wait(1.6)
        taker = pitch.nearest(team=1 - pitch.team(attacker), point=pitch.ball[:2])
        return (yield from self._set_piece("FREE KICK", taker, pitch.ball[:2].copy(), 1.5))

    def _penalty(self, taker: int) -> Generator[None, None, Kick]:
        pitch = self._pitch
        side = pitch.sign(taker)
        keeper = pitch.keeper(side > 0)
        depth, _ = PENALTY_AREA
        yield from self._fetch(taker)
        others = [p for p in range(NUM_PLAYERS) if p not in (taker, keeper) and p not in pitch.sent_off]
        for player in others:
            x, y = pitch.moves.positions[player]
            pitch.orders[player] = np.array([side * min(side * x, HALF_LENGTH - depth - 2.0), y])
        pitch.orders[keeper] = np.array([side * (HALF_LENGTH - 0.3), 0.0])
        yield from self._bring(np.array([side * (HALF_LENGTH - 11.4), 0.0]))
        pitch.hold(Phase.CONTROL)
        pitch.look_at(np.array([side * HALF_LENGTH, 0.0]))
        yield from self._wait(2.2)
        latest = pitch.frame + self._frames(_LONGEST_CLEARING_SECONDS)
        line = HALF_LENGTH - depth
        while pitch.frame < latest and (side * pitch.moves.positions[others, 0] > line).any():
            yield
        kick = self._kicks.penalty()
        pitch.look_at(kick.point)
        yield from self._wait(WINDUP_SECONDS)
        self._dismiss()
        return kick

    def _book(self, offender: int) -> Iterator[None]:
        pitch = self._pitch
        mates = pitch.teammates(offender)
        may_go = len(mates) > _TEAM_SIZE - _MOST_SENT_OFF
        red = may_go and self._rng.random() < 1 / 6
        if offender in self._booked and not may_go:
            return
        second = offender in self._booked
        pitch.incident("Yellow->red card" if second else "Red card" if red else "Yellow card", offender)
        self._booked.add(offender)
        yield from self._wait(1.8)
        if second or red:
            pitch.sent_off.add(offender)
            x = pitch.moves.positions[offender, 0]
            pitch.orders[offender] = np.array([0.5 * x, -HALF_WIDTH - 5.0])

    def _change_players(self, taker: int) -> Iterator[None]:
        """Perhaps let a player run off at the halfway line, and another one, of the same number, come on."""
        pitch, rng, config = self._pitch, self._rng, self._config
        if config.substitution <= 0.0 or rng.random() >= config.substitution:
            return
        spot = np.array(CHANGE_SPOT)
        drawn = rng.choice(NUM_PLAYERS, 6, replace=False).tolist()
        leavers = [p for p in drawn if p != taker and not pitch.is_keeper(p) and p not in pitch.sent_off]
        leaver = min(leavers, key=lambda player: float(np.hypot(*(pitch.moves.positions[player] - spot))))
        pitch.orders[leaver] = spot
        latest = pitch.frame + self._frames(_LONGEST_CHANGE_SECONDS)
        while (away := float(np.hypot(*(pitch.moves.positions[leaver] - spot)))) > 0.8:
            if pitch.frame >= latest:
                break
            if away < 9.0:
                pitch.focus = spot
            yield
        else:
            pitch.incident("Substitution", leaver)
            yield from self._wait(1.2)
        pitch.focus = None
        del pitch.orders[leaver]

    def _order_wall(self, offender: int, place: Floats, goal: Floats) -> None:
        pitch = self._pitch
        way = (goal - place) / max(float(np.hypot(*(goal - place))), 1.0)
        middle, aside = place + _WALL_M * way, np.array([-way[1], way[0]])
        mates = [p for p in pitch.teammates(offender) if not pitch.is_keeper(p)]
        mates.sort(key=lambda player: float(np.hypot(*(pitch.moves.positions[player] - middle))))
        for rank, player in enumerate(mates[:3]):
            pitch.orders[player] = middle + (rank - 1) * 0.9 * aside

    def _dismiss(self) -> None:
        """Let everybody do as the game wants again, but those who were sent off."""
        orders, sent_off = self._pitch.orders, self._pitch.sent_off
        for player in [player for player in orders if player not in sent_off]:
            del orders[player]

    def _set_piece(self, label: str, taker: int, spot: Floats, seconds: float) -> Generator[None, None, Kick]:
        """Fetch the ball, put it down and wait; an empty label leaves it to the kick."""
        yield from self._fetch(taker)
        yield from self._bring(spot)
        return (yield from self._kick_dead_ball(label, seconds))

    def _kick_dead_ball(self, label: str, seconds: float, incident: str = "") -> Generator[None, None, Kick]:
        pitch = self._pitch
        pitch.hold(Phase.CONTROL)
        yield from self._wait(seconds)
        kick = self._kicks.corner() if label == "CROSS" else self._kicks.restart(label, incident)
        pitch.look_at(kick.point)
        yield from self._wait(WINDUP_SECONDS)
        return kick

    def _fetch(self, player: int) -> Iterator[None]:
        pitch = self._pitch
        pitch.hold(Phase.DEAD)
        pitch.runner = player
        while pitch.reach(player) > 0.9:
            yield
        pitch.runner = -1
        pitch.owner = player
        pitch.hold(Phase.HANDS)

    def _bring(self, spot: Floats) -> Iterator[None]:
        pitch = self._pitch
        pitch.walk_to = spot
        while np.hypot(*(pitch.moves.positions[pitch.owner] - spot)) > 0.4:
            yield
        pitch.walk_to = None

    def _frames(self, seconds: float) -> int:
        return round(seconds * self._pitch.rate)

    def _wait(self, seconds: float) -> Iterator[None]:
        yield from self._wait_until(self._pitch.frame + self._frames(seconds))

    def _wait_until(self, frame: int) -> Iterator[None]:
        while self._pitch.frame < frame:
            yield
