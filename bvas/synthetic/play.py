"""Play a half: who has the ball, who gets it, and every event on the way.

The game is one generator. It decides, then yields once for every frame that its decision
takes, so the order of the code is the order of the game; `Pitch` moves players and ball.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.events import NUM_PLAYERS, Phase, Play
from bvas.synthetic.gaps import GapSource
from bvas.synthetic.kicks import Kick, KickChooser
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats
from bvas.synthetic.pitch import Pitch
from bvas.synthetic.receivers import Receivers
from bvas.synthetic.restarts import CONTROL_SECONDS, PENALTY_AREA, WINDUP_SECONDS, Restarts

_TOUCH_SECONDS = 0.08
_FEINT_SECONDS = 0.32
_DUMMY_M = 1.4
"""How near a ball passes by a player who pretends to play it."""


def play_half(
    config: PlayConfig, *, seed: int | tuple[int, ...], num_frames: int, rate: Fraction, home_sign: int = 1
) -> Play:
    """Simulate one half.

    Args:
        config: How the game is played.
        seed: The same seed gives the same half, bit for bit.
        num_frames: Length (L).
        rate: Frames per second; the game's times are in seconds, whatever the rate.
        home_sign: +1 where home attacks towards +x, -1 in the other half.
    """
    rng = np.random.default_rng(seed)
    pitch = Pitch(rng, num_frames=num_frames, rate=rate, home_sign=home_sign)
    game = _Game(config, rng, pitch)
    script = game.run()
    while pitch.frame < num_frames:
        next(script)
        pitch.advance()
    return pitch.record()


class _Game:
    """The decisions. `pitch.frame` is the frame that the next yield produces."""

    def __init__(self, config: PlayConfig, rng: np.random.Generator, pitch: Pitch) -> None:
        self.config = config
        self.rng = rng
        self.pitch = pitch
        self.gaps = GapSource(config, rng)
        self.kicks = KickChooser(config, rng, pitch)
        self.receivers = Receivers(config, rng, pitch)
        self.restarts = Restarts(config, rng, pitch, self.kicks)
        self.drive_due = 0
        """The frame in which who controls the ball sets off with it."""
        self.quick_passes = 0
        """How many passes of a combination are still to come."""

    def run(self) -> Iterator[None]:
        """Play without end."""
        kick = yield from self.restarts.kick_off(NUM_PLAYERS // 2 * int(self.rng.integers(2)) + 9)
        yield from self._play_ball(kick)
        while True:
            yield from self._control()
            if self.pitch.is_keeper(self.pitch.owner):
                yield from self._play_ball(self.kicks.clearance())
                continue
            self._event("DRIVE")
            pass_due = self.pitch.frame + self._frames(self.gaps.after_drive())
            next_kick = yield from self._carry(pass_due)
            if next_kick is not None:
                yield from self._play_ball(next_kick)

    def _frames(self, seconds: float) -> int:
        return round(seconds * self.pitch.rate)

    def _chance(self, probability: float) -> bool:
        """Draw; what never happens draws nothing, so that a game without it stays the same game."""
        return probability > 0.0 and bool(self.rng.random() < probability)

    def _event(self, label: str, player: int | None = None) -> None:
        self.pitch.event(label, self.pitch.owner if player is None else player)

    def _wait(self, until: int) -> Iterator[None]:
        while self.pitch.frame < until:
            yield

    def _control(self) -> Iterator[None]:
        """Stop the ball, stand with it until the set-off is due."""
        pitch = self.pitch
        pitch.hold(Phase.CONTROL)
        pitch.carry_direction = self.kicks.carry_direction()
        yield from self._wait(max(self.drive_due, pitch.frame + self._frames(CONTROL_SECONDS)))

    def _carry(self, pass_due: int) -> Generator[None, None, Kick | None]:
        """Run with the ball until the kick is due; returns the kick, None where the ball was lost."""
        pitch, start = self.pitch, self.pitch.frame
        pitch.hold(Phase.CARRY)
        tackler = -1
        trips = self._in_opponents_area() and self._chance(self.config.trip)
        if trips or (pass_due - start > self._frames(1.2) and self.rng.random() < self.config.tackle):
            tackler = pitch.nearest(team=1 - pitch.team(pitch.owner), point=pitch.ball[:2])
            pitch.tackler = tackler
        windup = self._frames(WINDUP_SECONDS)
        feint_at = self._feint_frame(start, pass_due - windup)
        raider = self._raider(pass_due - start)
        kick: Kick | None = None
        while pitch.frame < pass_due:
            if tackler >= 0 and pitch.frame > start + self._frames(0.5) and pitch.reach(tackler) < 1.3:
                pitch.orders.pop(raider, None)
                yield from self._tackle(tackler, trips)
                return None
            if raider >= 0:
                pitch.orders[raider] = self._behind_defense(raider, 6.0)
            if kick is None and pitch.frame >= pass_due - windup:
                kick = self._choose(raider)
                pitch.look_at(kick.point)
            if kick is None and (pitch.frame - start) % self._frames(0.4) == 0:
                pitch.carry_direction = self.kicks.carry_direction()
            if pitch.frame == feint_at - windup:
                ahead = pitch.carry_direction + self.rng.uniform(-1.0, 1.0)
                pitch.look_at(pitch.ball[:2] + 10.0 * np.array([np.cos(ahead), np.sin(ahead)]))
            if pitch.frame == feint_at:
                pitch.action("feint", pitch.owner)
                pitch.look_away()
                pitch.carry_direction = self.kicks.carry_direction()
            yield
        pitch.tackler = -1
        pitch.orders.pop(raider, None)
        if kick is not None and kick.outcome == "offside" and not self._is_offside(raider, 0.2):
            return replace(kick, outcome="control")
        return kick

    def _in_opponents_area(self) -> bool:
        pitch = self.pitch
        depth, width = PENALTY_AREA
        x, y = pitch.ball[0] * pitch.sign(pitch.owner), pitch.ball[1]
        return bool(x > HALF_LENGTH - depth and abs(y) < width)

    def _feint_frame(self, start: int, stop: int) -> int:
        """Return when the owner feints between two frames; -1 for never."""
        around = self._frames(_FEINT_SECONDS)
        if stop - start < 3 * around or not self._chance(self.config.feint):
            return -1
        return int(self.rng.integers(start + around, stop - around))

    def _raider(self, carry_frames: int) -> int:
        """Return who runs behind the defense while the owner has the ball; -1 for nobody."""
        pitch, owner = self.pitch, self.pitch.owner
        side = pitch.sign(owner)
        far_enough = carry_frames > self._frames(0.8) and -15.0 < side * pitch.ball[0] < 35.0
        if not far_enough or not self._chance(self.config.offside):
            return -1
        mates = [p for p in pitch.teammates(owner) if p != owner and not pitch.is_keeper(p)]
        return max(mates, key=lambda player: float(side * pitch.moves.positions[player, 0]))

    def _behind_defense(self, raider: int, by: float) -> Floats:
        """Return the place `by` meters behind the second-last opponent and behind the ball."""
        pitch = self.pitch
        side = pitch.sign(raider)
        line = np.sort(side * pitch.moves.positions[pitch.opponents(raider), 0])[-2]
        x = min(max(float(line), side * pitch.ball[0], 0.0) + by, HALF_LENGTH - 3.0)
        return np.array([side * x, pitch.moves.positions[raider, 1]])

    def _is_offside(self, raider: int, by: float) -> bool:
        ahead = self.pitch.moves.positions[raider, 0] - self._behind_defense(raider, by)[0]
        return bool(self.pitch.sign(raider) * ahead > 0.0)

    def _choose(self, raider: int = -1) -> Kick:
        if raider >= 0 and self._is_offside(raider, 0.5):
            return self.kicks.through(raider)
        if self.quick_passes == 0 and self._chance(self.config.combination):
            self.quick_passes = int(self.rng.integers(2, 5))
        if self.quick_passes > 0:
            self.quick_passes -= 1
            quick = self.kicks.quick(float(self.rng.uniform(0.6, 1.0)), touch_seconds=_TOUCH_SECONDS)
            if quick is not None:
                return quick
            self.quick_passes = 0
        gap = self.gaps.after_pass()
        return self.kicks.choose(gap, control_seconds=CONTROL_SECONDS, touch_seconds=_TOUCH_SECONDS)

    def _tackle(self, tackler: int, trips: bool) -> Iterator[None]:
        pitch = self.pitch
        victim = pitch.owner
        pitch.tackler = -1
        if trips or self.rng.random() < self.config.foul:
            kick = yield from self.restarts.after_foul(tackler, victim)
            yield from self._play_ball(kick)
            return
        self._event("PLAYER SUCCESSFUL TACKLE", tackler)
        yield from pitch.flight(tackler, self._frames(0.12), apex=0.0)
        self.drive_due = 0

    def _play_ball(self, kick: Kick) -> Iterator[None]:
        """Kick, follow the ball, and go on until somebody has it under control."""
        pitch = self.pitch
        while True:
            kicker, kicked_at = pitch.owner, pitch.frame
            self._event(kick.label, kicker)
            if kick.incident:
                pitch.incident(kick.incident, kicker)
            pitch.action("head" if kick.label == "HEADER" else "foot", kicker)
            if kick.outcome == "out":
                yield from self._fly_out(kick)
                due = kicked_at + self._frames(max(kick.gap, self.config.dead_ball_seconds))
                if abs(pitch.ball[1]) > HALF_WIDTH:
                    thrower = pitch.nearest(team=1 - pitch.team(kicker), point=pitch.ball[:2])
                    self.drive_due = yield from self.restarts.throw_in(thrower, due)
                    return
                kick = yield from self.restarts.from_goal_line(kicker)
                continue
            if kick.outcome == "goal":
                yield from pitch.flight_to_point(
                    kick.point, self._frames(kick.seconds), kick.apex, kick.end_height
                )
                self._event("GOAL", kicker)
                pitch.incident("Goal", kicker)
                kick = yield from self.restarts.after_goal()
                continue
            yield from self._fly_to_receiver(kick, kicker)
            pitch.owner = kick.receiver
            if kick.outcome == "block":
                self._event("BALL PLAYER BLOCK", kick.receiver)
            stopped = kick.outcome == "block" or kick.incident == "Shots on target"
            if stopped and self._chance(self.config.parry):
                yield from self._fly_out(self.kicks.deflection())
                kick = yield from self.restarts.from_goal_line(kick.receiver)
                continue
            if kick.outcome == "block":
                yield from pitch.flight(pitch.nearest_to_ball(kick.receiver), self._frames(0.5), apex=0.3)
                self.drive_due = 0
                return
            if kick.outcome == "offside":
                yield from self._wait(pitch.frame + self._frames(0.4))
                kick = yield from self.restarts.after_offside(kick.receiver)
                continue
            if kick.outcome == "header":
                kick = self.kicks.header()
                continue
            if kick.outcome == "control":
                self.drive_due = kicked_at + self._frames(kick.gap)
                return
            # Played on at the first touch: the next kick is the next annotation.
            due = kicked_at + self._frames(kick.gap)
            pitch.hold(Phase.CONTROL)
            next_kick = self._choose()
            pitch.look_at(next_kick.point)
            yield from self._wait(max(due, pitch.frame + self._frames(_TOUCH_SECONDS)))
            kick = next_kick

    def _fly_to_receiver(self, kick: Kick, kicker: int) -> Iterator[None]:
        pitch = self.pitch
        flight = pitch.flight(
            kick.receiver, self._frames(kick.seconds), apex=kick.apex, end_height=kick.end_height
        )
        on_ground = kick.label == "PASS" and kick.apex == 0.0
        dummy = -1
        if on_ground and kick.outcome != "offside" and self._chance(self.config.dummy):
            dummy = self.receivers.beside_way(kicker, kick.receiver, kick.point, kick.seconds)
        if dummy < 0:
            yield from flight
            return
        pitch.orders[dummy] = pitch.ball[:2] + 0.55 * (kick.point - pitch.ball[:2])
        reaches = [np.inf]
        # The ball must have come from somebody, and must still be on its way to somebody.
        first, last = pitch.frame + 3, pitch.frame + self._frames(kick.seconds) - 3
        for _ in flight:
            reaches.append(float(np.hypot(*(pitch.moves.positions[dummy] - pitch.next_ball[:2]))))
            passes = reaches[-1] > reaches[-2] and reaches[-2] < _DUMMY_M
            if passes and first <= pitch.frame <= last:
                pitch.action("feint", dummy)
                last = -1
            yield
        del pitch.orders[dummy]

    def _fly_out(self, kick: Kick) -> Iterator[None]:
        """Follow a ball over the line."""
        pitch, kicker = self.pitch, self.pitch.owner
        was_in = True
        for _ in pitch.flight_to_point(kick.point, self._frames(kick.seconds), kick.apex, 0.0):
            x, y = pitch.next_ball[:2]
            if was_in and (abs(x) > HALF_LENGTH or abs(y) > HALF_WIDTH):
                was_in = False
                self._event("OUT", kicker)
                pitch.incident("Ball out of play", kicker)
            yield
        pitch.hold(Phase.DEAD)
