"""Game script of one half: possession, kicks and every event.

The game is one generator. It decides, then yields once for every frame that the decision takes. So the order
of the code is the order of the game; `Pitch` moves players and ball.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.event_spacing import seconds_after_drive, seconds_after_pass
from bvas.synthetic.kicks import CONTROL_SECONDS, TOUCH_SECONDS, Kick, KickChooser
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, TEAM_SIZE, Floats
from bvas.synthetic.pitch import Pitch
from bvas.synthetic.play_record import Phase, Play, Seed
from bvas.synthetic.receivers import Receivers
from bvas.synthetic.restarts import WINDUP_SECONDS, Restarts

_FEINT_SECONDS = 0.32
_DUMMY_M = 1.4
"""Largest distance of a ball from a player who pretends to play it."""


def play_half(config: PlayConfig, *, seed: Seed, num_frames: int, rate: Fraction, home_sign: int = 1) -> Play:
    """Simulate one half.

    Args:
        config: Game settings.
        seed: The same seed gives the same half, bit for bit.
        num_frames: Length (L).
        rate: Frames per second; the game's times are in seconds at any rate.
        home_sign: +1 where home attacks towards +x, -1 in the other half.
    """
    rng = np.random.default_rng(seed)
    pitch = Pitch(rng, rate=rate, home_sign=home_sign)
    script = _Game(config, rng, pitch).run()
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
        self.receivers = Receivers(rng, pitch, forward=config.forward)
        self.kicks = KickChooser(config, rng, pitch, self.receivers)
        self.restarts = Restarts(config, rng, pitch, self.kicks)
        self.drive_due = 0
        """First frame of the next run with the ball."""
        self.quick_passes = 0
        """Remaining passes of a combination."""

    def run(self) -> Iterator[None]:
        """Play without end."""
        kick = yield from self.restarts.kick_off(TEAM_SIZE * int(self.rng.integers(2)) + 9)
        yield from self._play_ball(kick)
        while True:
            yield from self._control()
            if self.pitch.is_keeper(self.pitch.owner):
                yield from self._play_ball(self.kicks.clearance())
                continue
            self.pitch.event("DRIVE", self.pitch.owner)
            pass_due = self.pitch.frame + self.pitch.frames(seconds_after_drive(self.rng))
            next_kick = yield from self._carry(pass_due)
            if next_kick is not None:
                yield from self._play_ball(next_kick)

    def _chance(self, probability: float) -> bool:
        """Draw. A probability of 0 draws nothing: a new kind of event leaves the games without it the same."""
        return probability > 0.0 and bool(self.rng.random() < probability)

    def _control(self) -> Iterator[None]:
        """Stop the ball, and stand with it until the run is due."""
        pitch = self.pitch
        pitch.hold(Phase.CONTROL)
        pitch.carry_direction = self.kicks.carry_direction()
        yield from pitch.wait(max(self.drive_due, pitch.frame + pitch.frames(CONTROL_SECONDS)))

    def _carry(self, pass_due: int) -> Generator[None, None, Kick | None]:
        """Run with the ball until the kick is due; returns the kick, None where the ball was lost."""
        pitch, start, owner = self.pitch, self.pitch.frame, self.pitch.owner
        pitch.hold(Phase.CARRY)
        tackler = -1
        trips = self.restarts.in_penalty_area(pitch.ball, owner) and self._chance(self.config.trip)
        if trips or (pass_due - start > pitch.frames(1.2) and self.rng.random() < self.config.tackle):
            tackler = pitch.nearest(team=1 - pitch.team(owner), point=pitch.ball[:2])
            pitch.tackler = tackler
        windup = pitch.frames(WINDUP_SECONDS)
        feint_at = self._feint_frame(start, pass_due - windup)
        raider = self._raider(pass_due - start)
        kick: Kick | None = None
        while pitch.frame < pass_due:
            if tackler >= 0 and pitch.frame > start + pitch.frames(0.5) and pitch.reach(tackler) < 1.3:
                pitch.orders.pop(raider, None)
                yield from self._tackle(tackler, trips)
                return None
            if raider >= 0:
                pitch.orders[raider] = self._behind_defense(raider, 6.0)
            if kick is None and pitch.frame >= pass_due - windup:
                kick = self._choose(raider)
                pitch.look_at(kick.point)
            if kick is None and (pitch.frame - start) % pitch.frames(0.4) == 0:
                pitch.carry_direction = self.kicks.carry_direction()
            if pitch.frame == feint_at - windup:
                ahead = pitch.carry_direction + self.rng.uniform(-1.0, 1.0)
                pitch.look_at(pitch.ball[:2] + 10.0 * np.array([np.cos(ahead), np.sin(ahead)]))
            if pitch.frame == feint_at:
                pitch.action("feint", owner)
                pitch.look_away()
                pitch.carry_direction = self.kicks.carry_direction()
            yield
        pitch.tackler = -1
        pitch.orders.pop(raider, None)
        if kick is not None and kick.outcome == "offside" and not self._is_offside(raider, 0.2):
            return replace(kick, outcome="control")
        return kick

    def _feint_frame(self, start: int, stop: int) -> int:
        """Return the frame of the owner's feint between two frames; -1 for none."""
        around = self.pitch.frames(_FEINT_SECONDS)
        if stop - start < 3 * around or not self._chance(self.config.feint):
            return -1
        return int(self.rng.integers(start + around, stop - around))

    def _raider(self, carry_frames: int) -> int:
        """Return the player who runs behind the defense during the owner's run; -1 for none."""
        pitch, owner = self.pitch, self.pitch.owner
        side = pitch.sign(owner)
        far_enough = carry_frames > pitch.frames(0.8) and -15.0 < side * pitch.ball[0] < 35.0
        if not far_enough or not self._chance(self.config.offside):
            return -1
        return max(pitch.field_mates(owner), key=lambda mate: float(side * pitch.moves.positions[mate, 0]))

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
            quick = self.kicks.first_touch(float(self.rng.uniform(0.6, 1.0)), slowest=8.0)
            if quick is not None:
                return quick
            self.quick_passes = 0
        return self.kicks.choose(seconds_after_pass(self.rng))

    def _tackle(self, tackler: int, trips: bool) -> Iterator[None]:
        pitch = self.pitch
        pitch.tackler = -1
        if trips or self.rng.random() < self.config.foul:
            kick = yield from self.restarts.after_foul(tackler, pitch.owner)
            yield from self._play_ball(kick)
            return
        pitch.event("PLAYER SUCCESSFUL TACKLE", tackler)
        yield from pitch.flight(tackler, pitch.frames(0.12), apex=0.0)
        self.drive_due = 0

    def _play_ball(self, kick: Kick) -> Iterator[None]:
        """Kick, follow the ball, and continue until a player has it under control."""
        pitch = self.pitch
        next_kick: Kick | None = kick
        while next_kick is not None:
            kick, kicker, kicked_at = next_kick, pitch.owner, pitch.frame
            pitch.event(kick.label, kicker)
            if kick.incident:
                pitch.incident(kick.incident, kicker)
            pitch.action("head" if kick.label == "HEADER" else "foot", kicker)
            if kick.outcome in ("out", "goal"):
                next_kick = yield from self._leave_pitch(kick, kicker, kicked_at)
            else:
                yield from self._fly_to_receiver(kick, kicker)
                pitch.owner = kick.receiver
                next_kick = yield from self._receive(kick, kicked_at)

    def _leave_pitch(self, kick: Kick, kicker: int, kicked_at: int) -> Generator[None, None, Kick | None]:
        """Follow a ball over a line; returns the next kick, None after a throw-in."""
        pitch = self.pitch
        if kick.outcome == "goal":
            yield from pitch.flight_to_point(kick.point, pitch.frames(kick.seconds), apex=kick.apex)
            pitch.event("GOAL", kicker)
            pitch.incident("Goal", kicker)
            return (yield from self.restarts.after_goal())
        yield from self._fly_out(kick)
        if abs(pitch.ball[1]) <= HALF_WIDTH:
            return (yield from self.restarts.from_goal_line(kicker))
        due = kicked_at + pitch.frames(max(kick.next_seconds, self.config.dead_ball_seconds))
        thrower = pitch.nearest(team=1 - pitch.team(kicker), point=pitch.ball[:2])
        self.drive_due = yield from self.restarts.throw_in(thrower, due)
        return None

    def _receive(self, kick: Kick, kicked_at: int) -> Generator[None, None, Kick | None]:
        """Return the next kick after the ball has reached its receiver; None for a player in control."""
        pitch = self.pitch
        due = kicked_at + pitch.frames(kick.next_seconds)
        if kick.outcome == "block":
            pitch.event("BALL PLAYER BLOCK", kick.receiver)
        stopped = kick.outcome == "block" or kick.incident == "Shots on target"
        if stopped and self._chance(self.config.parry):
            yield from self._fly_out(self.kicks.deflection())
            return (yield from self.restarts.from_goal_line(kick.receiver))
        if kick.outcome == "block":
            yield from pitch.flight(pitch.nearest_to_ball(kick.receiver), pitch.frames(0.5), apex=0.3)
            self.drive_due = 0
        elif kick.outcome == "offside":
            yield from pitch.wait(pitch.frame + pitch.frames(0.4))
            return (yield from self.restarts.after_offside(kick.receiver))
        elif kick.outcome == "header":
            return self.kicks.header()
        elif kick.outcome == "control":
            self.drive_due = due
        else:
            # Played on at the first touch: the next kick is the next event.
            pitch.hold(Phase.CONTROL)
            next_kick = self._choose()
            pitch.look_at(next_kick.point)
            yield from pitch.wait(max(due, pitch.frame + pitch.frames(TOUCH_SECONDS)))
            return next_kick
        return None

    def _fly_to_receiver(self, kick: Kick, kicker: int) -> Iterator[None]:
        pitch = self.pitch
        flight = pitch.flight(
            kick.receiver, pitch.frames(kick.seconds), apex=kick.apex, end_height=kick.end_height
        )
        on_ground = kick.label == "PASS" and kick.apex == 0.0 and kick.outcome != "offside"
        dummy = -1
        if on_ground and self._chance(self.config.dummy):
            dummy = self.receivers.beside_way(kicker, kick.receiver, kick.point, kick.seconds)
        if dummy < 0:
            yield from flight
            return
        pitch.orders[dummy] = pitch.ball[:2] + 0.55 * (kick.point - pitch.ball[:2])
        reach = np.inf
        # A swing in the first or last frames would look like the kick or the control of the pass.
        first, last = pitch.frame + 3, pitch.frame + pitch.frames(kick.seconds) - 3
        for _ in flight:
            before, reach = reach, float(np.hypot(*(pitch.moves.positions[dummy] - pitch.next_ball[:2])))
            if before < min(reach, _DUMMY_M) and first <= pitch.frame <= last:
                pitch.action("feint", dummy)
                last = -1
            yield
        del pitch.orders[dummy]

    def _fly_out(self, kick: Kick) -> Iterator[None]:
        """Follow a ball over the line."""
        pitch, kicker = self.pitch, self.pitch.owner
        was_in = True
        for _ in pitch.flight_to_point(kick.point, pitch.frames(kick.seconds), apex=kick.apex):
            if was_in and (np.abs(pitch.next_ball[:2]) > (HALF_LENGTH, HALF_WIDTH)).any():
                was_in = False
                pitch.event("OUT", kicker)
                pitch.incident("Ball out of play", kicker)
            yield
        pitch.hold(Phase.DEAD)
