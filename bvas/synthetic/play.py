"""Play a half: who has the ball, who gets it, and every event on the way.

The game is one generator. It decides, then yields once for every frame that its decision
takes, so the order of the code is the order of the game; `Pitch` moves players and ball.
"""

from collections.abc import Generator, Iterator
from fractions import Fraction

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.events import NUM_PLAYERS, Phase, Play
from bvas.synthetic.gaps import GapSource
from bvas.synthetic.kicks import Kick, KickChooser
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats
from bvas.synthetic.pitch import Pitch

_CONTROL_SECONDS = 0.32
_TOUCH_SECONDS = 0.08
_WINDUP_SECONDS = 0.24


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
        self.drive_due = 0
        """The frame in which who controls the ball sets off with it."""

    def run(self) -> Iterator[None]:
        """Play without end."""
        yield from self._kick_off(NUM_PLAYERS // 2 * int(self.rng.integers(2)) + 9)
        while True:
            yield from self._control()
            if self.pitch.is_keeper(self.pitch.owner):
                yield from self._play_ball(self.kicks.clearance())
                continue
            self._event("DRIVE")
            pass_due = self.pitch.frame + self._frames(self.gaps.after_drive())
            kick = yield from self._carry(pass_due)
            if kick is not None:
                yield from self._play_ball(kick)

    def _frames(self, seconds: float) -> int:
        return round(seconds * self.pitch.rate)

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
        yield from self._wait(max(self.drive_due, pitch.frame + self._frames(_CONTROL_SECONDS)))

    def _carry(self, pass_due: int) -> Generator[None, None, Kick | None]:
        """Run with the ball until the kick is due; returns the kick, None where the ball was lost."""
        pitch, start = self.pitch, self.pitch.frame
        pitch.hold(Phase.CARRY)
        tackler = -1
        if pass_due - start > self._frames(1.2) and self.rng.random() < self.config.tackle:
            tackler = pitch.nearest(team=1 - pitch.team(pitch.owner), point=pitch.ball[:2])
            pitch.tackler = tackler
        windup = self._frames(_WINDUP_SECONDS)
        kick: Kick | None = None
        while pitch.frame < pass_due:
            if tackler >= 0 and pitch.frame > start + self._frames(0.5) and pitch.reach(tackler) < 1.3:
                yield from self._tackle(tackler)
                return None
            if kick is None and pitch.frame >= pass_due - windup:
                kick = self._choose()
                pitch.look_at(kick.point)
            if kick is None and (pitch.frame - start) % self._frames(0.4) == 0:
                pitch.carry_direction = self.kicks.carry_direction()
            yield
        pitch.tackler = -1
        return kick

    def _choose(self) -> Kick:
        gap = self.gaps.after_pass()
        return self.kicks.choose(gap, control_seconds=_CONTROL_SECONDS, touch_seconds=_TOUCH_SECONDS)

    def _tackle(self, tackler: int) -> Iterator[None]:
        pitch = self.pitch
        victim = pitch.owner
        pitch.tackler = -1
        if self.rng.random() < self.config.foul:
            pitch.hold(Phase.DEAD)
            yield from self._set_piece("FREE KICK", victim, pitch.ball[:2].copy(), 4.0)
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
            pitch.action("head" if kick.label == "HEADER" else "foot", kicker)
            if kick.outcome == "out":
                yield from self._fly_out(kick, kicked_at)
                return
            if kick.outcome == "goal":
                yield from self._fly_to(kick)
                self._event("GOAL", kicker)
                yield from self._after_goal()
                return
            yield from pitch.flight(
                kick.receiver, self._frames(kick.seconds), apex=kick.apex, end_height=kick.end_height
            )
            pitch.owner = kick.receiver
            if kick.outcome == "block":
                self._event("BALL PLAYER BLOCK", kick.receiver)
                yield from pitch.flight(pitch.nearest_to_ball(kick.receiver), self._frames(0.5), apex=0.3)
                self.drive_due = 0
                return
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

    def _fly_to(self, kick: Kick) -> Iterator[None]:
        yield from self.pitch.flight_to_point(
            kick.point, self._frames(kick.seconds), kick.apex, kick.end_height
        )

    def _fly_out(self, kick: Kick, kicked_at: int) -> Iterator[None]:
        """Follow a ball over the line, and bring it back into play."""
        pitch, kicker = self.pitch, self.pitch.owner
        was_in = True
        for _ in self.pitch.flight_to_point(kick.point, self._frames(kick.seconds), kick.apex, 0.0):
            x, y = pitch.next_ball[:2]
            if was_in and (abs(x) > HALF_LENGTH or abs(y) > HALF_WIDTH):
                was_in = False
                self._event("OUT", kicker)
            yield
        pitch.hold(Phase.DEAD)
        due = kicked_at + self._frames(max(kick.gap, self.config.dead_ball_seconds))
        other = 1 - pitch.team(kicker)
        if abs(pitch.ball[1]) > HALF_WIDTH:
            yield from self._throw_in(pitch.nearest(team=other, point=pitch.ball[:2]), due)
            return
        keeper = pitch.keeper(pitch.ball[0] > 0)
        spot_y = float(np.sign(pitch.ball[1])) or 1.0
        if pitch.team(keeper) == other:
            spot = np.array([np.sign(pitch.ball[0]) * 47.0, spot_y * 6.0])
            yield from self._set_piece("", keeper, spot, 3.0)
        else:
            spot = np.array([np.sign(pitch.ball[0]) * 52.1, spot_y * 33.6])
            taker = pitch.nearest(team=other, point=pitch.ball[:2])
            yield from self._set_piece("CROSS", taker, spot, 2.0)

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

    def _throw_in(self, thrower: int, due: int) -> Iterator[None]:
        pitch = self.pitch
        yield from self._fetch(thrower)
        yield from self._bring(np.array([pitch.ball[0], np.sign(pitch.ball[1]) * (HALF_WIDTH + 0.2)]))
        kick = self.kicks.throw()
        pitch.look_at(kick.point)
        flight = self._frames(kick.seconds)
        control = self._frames(_CONTROL_SECONDS + 0.15)
        yield from self._wait(max(due - flight - control, pitch.frame + self._frames(0.8)))
        self._event("THROW IN", thrower)
        pitch.action("throw", thrower)
        yield from pitch.flight(kick.receiver, flight, apex=kick.apex)
        self.drive_due = max(due, pitch.frame + control)

    def _set_piece(self, label: str, taker: int, spot: Floats, seconds: float) -> Iterator[None]:
        """Fetch the ball, put it down, wait, and kick it; an empty label leaves it to the kick."""
        yield from self._fetch(taker)
        yield from self._bring(spot)
        yield from self._kick_dead_ball(label, seconds)

    def _kick_dead_ball(self, label: str, seconds: float) -> Iterator[None]:
        pitch = self.pitch
        pitch.hold(Phase.CONTROL)
        yield from self._wait(pitch.frame + self._frames(seconds))
        kick = self.kicks.corner() if label == "CROSS" else self.kicks.restart(label)
        pitch.look_at(kick.point)
        yield from self._wait(pitch.frame + self._frames(_WINDUP_SECONDS))
        yield from self._play_ball(kick)

    def _kick_off(self, taker: int) -> Iterator[None]:
        pitch = self.pitch
        pitch.ball[:] = 0.0
        pitch.moves.positions[taker] = (-0.4 * pitch.sign(taker), 0.0)
        pitch.owner = taker
        yield from self._kick_dead_ball("PASS", 1.2)

    def _after_goal(self) -> Iterator[None]:
        pitch = self.pitch
        pitch.hold(Phase.DEAD)
        yield from self._wait(pitch.frame + self._frames(3.0))
        keeper = pitch.keeper(pitch.ball[0] > 0)
        taker = NUM_PLAYERS // 2 * pitch.team(keeper) + 9
        yield from self._set_piece("PASS", taker, np.zeros(2), 1.0)
