"""Pitch state of the current frame, and the record of all frames so far."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from bvas.synthetic.movement import HALF_LENGTH, TEAM_SIZE, Floats, Movement
from bvas.synthetic.play_record import NUM_PLAYERS, STATES, ActionKind, Phase, Play, PlayerAction, PlayEvent

_FOOT_M = 0.4
_DRIBBLE_SECONDS = 0.56


class Pitch:
    """State of the next frame, and the ways in which a script changes it."""

    def __init__(self, rng: np.random.Generator, *, rate: Fraction, home_sign: int) -> None:
        """Place the players; the ball has no owner yet."""
        self.rate = float(rate)
        self._exact_rate = rate
        self.moves = Movement(rng, self.rate, home_sign)
        self.frame = 0
        self.ball: Floats = np.zeros(3)
        self.next_ball: Floats = np.zeros(3)
        self.phase = Phase.CONTROL
        self.owner = 0
        self.receiver = -1
        self.tackler = -1
        self.runner = -1
        self.walk_to: Floats | None = None
        self.carry_direction = 0.0
        self.orders: dict[int, Floats] = {}
        """Ordered positions of players, [2] each; they override the formation."""
        self.watched: Floats | None = None
        """[2] target of the camera; None for the ball."""
        self._meet_at: Floats = np.zeros(2)
        self._look: Floats | None = None
        self._phase_since = 0
        self._possession = 0
        self._rows: list[tuple[Floats, ...]] = []
        self._states: list[tuple[int, int]] = []
        self._events: list[PlayEvent] = []
        self._incidents: list[PlayEvent] = []
        self._actions: list[PlayerAction] = []

    def frames(self, seconds: float) -> int:
        """Return a time in frames."""
        return round(seconds * self.rate)

    def wait(self, until: int) -> Iterator[None]:
        """Let the frames up to `until` pass; yields once each."""
        while self.frame < until:
            yield

    def team(self, player: int) -> int:
        """Return 0 for home, 1 for away."""
        return player // TEAM_SIZE

    def sign(self, player: int) -> float:
        """Return +1 where the player's team attacks towards +x, else -1."""
        return float(self.moves.signs[player])

    def is_keeper(self, player: int) -> bool:
        """Return whether the player is a goalkeeper."""
        return player % TEAM_SIZE == 0

    def keeper(self, right: bool) -> int:
        """Return the goalkeeper of the goal at +x (`right`) or at -x."""
        return 0 if (self.moves.signs[0] < 0) == right else TEAM_SIZE

    def opponents(self, player: int) -> list[int]:
        """Return the players of the other team, goalkeeper first."""
        start = (1 - self.team(player)) * TEAM_SIZE
        return list(range(start, start + TEAM_SIZE))

    def field_mates(self, player: int) -> list[int]:
        """Return the other field players of the same team."""
        start = self.team(player) * TEAM_SIZE
        return [mate for mate in range(start + 1, start + TEAM_SIZE) if mate != player]

    def nearest(self, *, team: int, point: Floats) -> int:
        """Return the field player of a team nearest to a point."""
        first = team * TEAM_SIZE + 1
        away = self.moves.positions[first : first + TEAM_SIZE - 1] - point
        return first + int(np.argmin(np.hypot(away[:, 0], away[:, 1])))

    def nearest_to_ball(self, but: int) -> int:
        """Return the field player of either team nearest to the ball, other than `but`."""
        away = np.hypot(*(self.moves.positions - self.ball[:2]).T)
        away[[0, TEAM_SIZE, but]] = np.inf
        return int(np.argmin(away))

    def reach(self, player: int) -> float:
        """Return the distance of a player from the ball, meters."""
        return float(np.hypot(*(self.moves.positions[player] - self.ball[:2])))

    def event(self, label: str, player: int) -> None:
        """Record a ball spotting event whose first frame is the next one."""
        self._events.append(PlayEvent(self.frame, label, player))

    def incident(self, label: str, player: int) -> None:
        """Record an event of Action Spotting whose first frame is the next one."""
        self._incidents.append(PlayEvent(self.frame, label, player))

    def action(self, kind: ActionKind, player: int) -> None:
        """Record a body movement at the next frame."""
        self._actions.append(PlayerAction(self.frame, player, kind))

    def hold(self, phase: Phase) -> None:
        """Leave the ball with its owner, or dead, from the next frame on."""
        if phase == Phase.DEAD:
            self.ball[2] = 0.0
        self.phase = phase
        self._phase_since = self.frame
        self._look = None
        self._possession = self.team(self.owner)

    def look_at(self, point: Floats) -> None:
        """Turn the owner to a point."""
        self._look = np.asarray(point, dtype=np.float64)[:2].copy()

    def look_away(self) -> None:
        """Turn the owner back to the direction of the run."""
        self._look = None

    def flight(
        self, receiver: int, num_frames: int, *, apex: float, end_height: float = 0.0
    ) -> Iterator[None]:
        """Send the ball to a player's foot or head; yields once a frame, then the player owns it."""
        self.receiver = receiver
        positions, velocities = self.moves.positions, self.moves.velocities
        seconds = min(num_frames / self.rate, 0.7)
        self._meet_at = positions[receiver] + velocities[receiver] * seconds * 0.6
        self._meet_at[0] += self.sign(receiver) * (not self.is_keeper(receiver))
        np.clip(self._meet_at, [-HALF_LENGTH + 0.5, -33.0], [HALF_LENGTH - 0.5, 33.0], out=self._meet_at)
        start = self.ball.copy()
        self._release()
        for i in range(max(num_frames, 1)):
            # The foot moves during the flight, so the arc is aimed again in every frame.
            end = np.append(self._foot(receiver, _FOOT_M), end_height)
            self._fly(start, end, (i + 1) / (max(num_frames, 1) + 1), apex)
            yield
        self.owner, self.receiver = receiver, -1
        self.hold(Phase.CONTROL)

    def flight_to_point(self, point: Floats, num_frames: int, *, apex: float) -> Iterator[None]:
        """Send the ball to a place without a player; yields once a frame."""
        start, end = self.ball.copy(), np.append(np.asarray(point, np.float64)[:2], 0.0)
        self._release()
        for i in range(num_frames):
            self._fly(start, end, (i + 1) / num_frames, apex)
            yield

    def advance(self) -> None:
        """Move players and ball to the next frame, and record it."""
        moves = self.moves
        targets = moves.formation_targets(self.ball[:2], self._possession, self.frame / self.rate)
        top_speed = np.full(NUM_PLAYERS, 5.0)
        acceleration = np.full(NUM_PLAYERS, 4.0)
        look = np.full(NUM_PLAYERS, np.nan)
        if self.phase in (Phase.FREE, Phase.CONTROL, Phase.CARRY):
            self._support_and_press(targets)
        self._direct(targets, top_speed, acceleration, look)
        moves.step(targets, top_speed, acceleration, look, self.owner)
        self._place_ball()
        watched = self.ball if self.watched is None else np.append(self.watched, 0.0)
        row = (moves.positions, moves.facing, moves.speeds(), moves.gait, self.ball, watched)
        self._rows.append(tuple(value.astype(np.float32) for value in row))
        attached = self.phase in (Phase.CONTROL, Phase.CARRY, Phase.HANDS)
        self._states.append((self.phase, self.owner if attached else -1))
        self.frame += 1

    def record(self) -> Play:
        """Return the frames and events so far."""
        columns = (np.stack(column) for column in zip(*self._rows, strict=True))
        phase, owner = np.array(self._states).T
        return Play(
            rate=self._exact_rate,
            **dict(zip(STATES, columns, strict=True)),
            phase=phase.astype(np.uint8),
            owner=owner.astype(np.int16),
            events=tuple(event for event in self._events if event.frame < self.frame),
            incidents=tuple(incident for incident in self._incidents if incident.frame < self.frame),
            actions=tuple(self._actions),
        )

    def _release(self) -> None:
        self.phase = Phase.FREE
        self._phase_since = self.frame
        self._look = None
        self.owner = -1

    def _fly(self, start: Floats, end: Floats, part: float, apex: float) -> None:
        along = part + 0.3 * part * (1.0 - part)  # A ball slows down on its way.
        self.next_ball = start + (end - start) * along
        self.next_ball[2] = start[2] + (end[2] - start[2]) * part + 4.0 * apex * part * (1.0 - part)

    def _foot(self, player: int, ahead: float) -> Floats:
        facing = self.moves.facing[player]
        return np.asarray(self.moves.positions[player] + ahead * np.array([np.cos(facing), np.sin(facing)]))

    def _support_and_press(self, targets: Floats) -> None:
        """Bring two teammates into range of a short pass, and two opponents between ball and goal."""
        ball = self.ball[:2]
        away = self.moves.positions - ball
        distance = np.hypot(away[:, 0], away[:, 1])
        busy = [player for player in (self.owner, self.receiver, self.tackler, self.runner) if player >= 0]
        distance[[0, TEAM_SIZE, *busy]] = np.inf
        start = self._possession * TEAM_SIZE
        for rank, player in enumerate(np.argsort(distance[start : start + TEAM_SIZE])[:2] + start):
            targets[player] = ball + away[player] * ((8.0 + 2.0 * rank) / max(distance[player], 1.0))
        start = (1 - self._possession) * TEAM_SIZE
        to_goal = np.array([-self.moves.signs[start] * HALF_LENGTH, 0.0]) - ball
        to_goal /= max(float(np.hypot(*to_goal)), 1.0)
        for rank, player in enumerate(np.argsort(distance[start : start + TEAM_SIZE])[:2] + start):
            targets[player] = ball + to_goal * (3.2 + 4.0 * rank)

    def _direct(self, targets: Floats, top_speed: Floats, acceleration: Floats, look: Floats) -> None:
        """Give targets to the players with orders and to those near the ball."""
        positions, ball = self.moves.positions, self.ball[:2]
        for player, point in self.orders.items():
            targets[player] = point
            top_speed[player], acceleration[player] = 6.5, 7.0
        if self.receiver >= 0:
            targets[self.receiver] = self._meet_at
            top_speed[self.receiver], acceleration[self.receiver] = 6.5, 8.0
            look[self.receiver] = _angle(ball - positions[self.receiver])
        for chaser, speed in ((self.tackler, 7.0), (self.runner, 5.5)):
            if chaser >= 0:
                targets[chaser] = ball
                top_speed[chaser], acceleration[chaser] = speed, 7.0
        owner = self.owner
        if owner < 0 or self.phase == Phase.DEAD:
            return
        if self.phase == Phase.CARRY:
            direction = np.array([np.cos(self.carry_direction), np.sin(self.carry_direction)])
            targets[owner] = positions[owner] + 5.0 * direction
            top_speed[owner], acceleration[owner] = 5.2, 9.0
            look[owner] = self.carry_direction
        elif self.walk_to is not None:
            targets[owner] = self.walk_to
            top_speed[owner] = 3.5
        else:
            targets[owner] = positions[owner]
            acceleration[owner] = 12.0
            look[owner] = self.moves.facing[owner]
        if self._look is not None:
            look[owner] = _angle(self._look - positions[owner])

    def _place_ball(self) -> None:
        if self.phase == Phase.FREE:
            self.ball = self.next_ball.copy()
        elif self.phase == Phase.CONTROL:
            # A ball received in the air drops to the foot.
            height = max(0.0, self.ball[2] - 4.0 / self.rate)
            self.ball = np.append(self._foot(self.owner, _FOOT_M), height)
        elif self.phase == Phase.CARRY:
            seconds = (self.frame - self._phase_since + 1) / self.rate
            touch = 0.5 - 0.5 * np.cos(2 * np.pi * seconds / _DRIBBLE_SECONDS)
            self.ball = np.append(self._foot(self.owner, _FOOT_M + 0.5 * touch * (self._look is None)), 0.0)
        elif self.phase == Phase.HANDS:
            self.ball = np.append(self._foot(self.owner, 0.15), 1.75)


def _angle(direction: Floats) -> float:
    return float(np.arctan2(direction[1], direction[0]))
