"""Choice of kicks: label, receiver, flight and outcome."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.movement import HALF_LENGTH, Floats
from bvas.synthetic.pitch import Pitch
from bvas.synthetic.receivers import Receivers

CONTROL_SECONDS = 0.32
"""Least time of a receiver from the arrival of the ball to the next touch after control."""
TOUCH_SECONDS = 0.08
"""Time that a receiver needs to play on at the first touch."""
Outcome = Literal["control", "touch", "header", "block", "out", "goal", "offside"]

_INTERCEPTION = 0.08
_TOP_SPEED = 22.0
_GOAL_HALF_WIDTH = 3.66


@dataclass(frozen=True, slots=True, kw_only=True)
class Kick:
    """A single kick, header or throw."""

    label: str
    receiver: int
    """The player who gets it; -1 for none."""
    point: Floats
    """[2] target."""
    seconds: float
    """Time of flight."""
    apex: float = 0.0
    """Height of the arc, meters."""
    end_height: float = 0.0
    """Height at the end, meters."""
    outcome: Outcome = "control"
    next_seconds: float = 0.0
    """Least time from this kick to the next event."""
    incident: str = ""
    """Label in Action Spotting; empty for none."""


@dataclass(frozen=True, slots=True)
class KickChooser:
    """Decisions of the player with the ball, from the state of the pitch."""

    config: PlayConfig
    rng: np.random.Generator
    """It belongs to the game."""
    pitch: Pitch
    receivers: Receivers

    def carry_direction(self) -> float:
        """Return the direction of a run with the ball: forward, off the lines, away from opponents."""
        pitch, owner = self.pitch, self.pitch.owner
        here = pitch.moves.positions[owner]
        way = np.array([pitch.sign(owner) * 44.0, 0.4 * here[1]]) - here
        way /= max(float(np.hypot(*way)), 1.0)
        away = here - pitch.moves.positions[np.array(pitch.opponents(owner))]
        distance = np.maximum(np.hypot(away[:, 0], away[:, 1]), 0.5)
        way = way + (away / distance[:, None] ** 2 * (distance < 6.0)[:, None]).sum(axis=0) * 1.5
        way -= 1.5 * np.sign(here) * np.maximum(0.0, np.abs(here) - [44.0, 28.0]) / 4.0
        return float(np.arctan2(way[1], way[0]) + self.rng.normal(0, 0.25))

    def choose(self, next_seconds: float) -> Kick:
        """Return the owner's kick; the event after it follows in `next_seconds`."""
        pitch, rng, config, receivers = self.pitch, self.rng, self.config, self.receivers
        here = pitch.ball[:2].copy()
        to_goal = np.array([pitch.sign(pitch.owner) * HALF_LENGTH, 0.0]) - here
        if np.hypot(*to_goal) < config.shot_m and rng.random() < config.shot:
            return self._shot(next_seconds)
        if abs(here[1]) > 20.0 and abs(to_goal[0]) < 20.0 and rng.random() < config.cross:
            return self._high_ball("CROSS", receivers.in_box(), next_seconds)
        has_time = next_seconds > 1.6 and config.out > 0.0 and rng.random() < config.out
        if next_seconds >= config.dead_ball_seconds or has_time:
            side = np.sign(here[1]) or 1.0
            ahead = pitch.sign(pitch.owner) * rng.uniform(2, 9)
            point = np.array([here[0] + ahead, side * rng.uniform(36, 37.5)])
            out = self._ball_out("PASS", point, 14.0, least=0.5)
            return replace(out, seconds=min(out.seconds, 2.0), next_seconds=next_seconds)
        if next_seconds < 1.68 and rng.random() < config.first_touch:
            kick = self.first_touch(next_seconds, slowest=10.0)
            if kick is not None:
                return kick
        if next_seconds > 2.2 and rng.random() < config.high_pass:
            receiver = receivers.teammate_between(25.0, 45.0)
            if receiver is not None:
                return self._high_ball("HIGH PASS", receiver, next_seconds)
        latest = next_seconds - CONTROL_SECONDS
        receiver = receivers.mate(5.0, min(latest * _TOP_SPEED, 30.0))
        if rng.random() < _INTERCEPTION:
            receiver = receivers.interceptor(receiver)
        distance = receivers.distance(receiver)
        seconds = float(np.clip(distance / rng.uniform(12.0, 17.0), 0.28, max(latest, 0.28)))
        return replace(self._ground(receiver, max(seconds, distance / 26.0)), next_seconds=next_seconds)

    def first_touch(self, next_seconds: float, *, slowest: float) -> Kick | None:
        """Return a pass to play on at the first touch; None without a receiver at the right distance.

        Args:
            next_seconds: Time from this pass to the next.
            slowest: Least speed of the ball, m/s.
        """
        seconds = next_seconds - TOUCH_SECONDS
        receiver = self.receivers.teammate_between(seconds * slowest, seconds * 20.0)
        if receiver is None:
            return None
        return replace(self._ground(receiver, seconds), next_seconds=next_seconds, outcome="touch")

    def through(self, receiver: int) -> Kick:
        """Return a pass to a teammate in an offside position."""
        return replace(self._pass(receiver, 16.0), outcome="offside")

    def header(self) -> Kick:
        """Return a header: a few meters on, to any player near."""
        pitch, distances = self.pitch, self.receivers.distances()
        near = [p for p in range(len(distances)) if 4.0 < distances[p] < 14.0 and not pitch.is_keeper(p)]
        receiver = int(self.rng.choice(near)) if near else self.receivers.nearest_mate()
        return replace(self._pass(receiver, 11.0), label="HEADER", apex=0.8)

    def clearance(self) -> Kick:
        """Return a goalkeeper's kick: a short pass or a long ball."""
        far = self.receivers.teammate_between(25.0, 50.0)
        if far is not None and self.rng.random() < 0.5:
            return replace(self._high_ball("HIGH PASS", far), incident="Clearance")
        return self._pass(self.receivers.mate(8.0, 28.0), 14.0)

    def restart(self, label: str, incident: str) -> Kick:
        """Return a kick of a resting ball."""
        if incident == "Clearance":
            return replace(self.clearance(), incident=incident)
        if incident == "Corner":
            return replace(self._high_ball("CROSS", self.receivers.in_box()), incident=incident)
        if incident == "Penalty":
            return self._penalty()
        pitch, config = self.pitch, self.config
        to_goal = np.array([pitch.sign(pitch.owner) * HALF_LENGTH, 0.0]) - pitch.ball[:2]
        if label == "FREE KICK" and config.free_shot > 0.0 and np.hypot(*to_goal) < 30.0:
            if self.rng.random() < config.free_shot:
                return replace(self._shot(0.0), label=label, incident="Direct free-kick")
        kick = self._pass(self.receivers.mate(6.0, 25.0), 14.0, least=0.45)
        next_seconds = kick.seconds + self.rng.uniform(0.5, 1.0)
        return replace(kick, label=label, next_seconds=next_seconds, incident=incident)

    def deflection(self) -> Kick:
        """Return the way of a stopped shot over the goal line beside the goal."""
        pitch, rng = self.pitch, self.rng
        y = rng.choice([-1, 1]) * rng.uniform(4.5, 10.0)
        point = np.array([-pitch.sign(pitch.owner) * (HALF_LENGTH + 3.0), y])
        return replace(self._ball_out("", point, 16.0), apex=0.6)

    def throw(self) -> Kick:
        """Return a throw-in to a teammate."""
        return replace(self._pass(self.receivers.mate(5.0, 16.0), 11.0), label="THROW IN", apex=0.6)

    def _penalty(self) -> Kick:
        """Return a kick from the penalty spot: 75 % score, 17 % are saved, 8 % go wide."""
        pitch, rng = self.pitch, self.rng
        draw = rng.random()
        y = rng.choice([-1, 1]) * (rng.uniform(4.5, 6.5) if draw > 0.92 else rng.uniform(1.0, 3.3))
        kick = self._at_goal(float(y), wide=draw > 0.92, incident="Penalty")
        saved = 0.75 < draw <= 0.92
        keeper = pitch.keeper(pitch.sign(pitch.owner) > 0)
        return replace(kick, receiver=keeper, outcome="control") if saved else kick

    def _shot(self, next_seconds: float) -> Kick:
        pitch, rng, receivers = self.pitch, self.rng, self.receivers
        side = pitch.sign(pitch.owner)
        keeper = pitch.keeper(side > 0)
        draw = rng.random()
        y = rng.uniform(-_GOAL_HALF_WIDTH, _GOAL_HALF_WIDTH) * 0.9
        if draw < 0.55:
            blocked = draw < 0.15
            receiver = receivers.interceptor(keeper) if blocked else keeper
            return Kick(
                label="SHOT",
                receiver=receiver,
                point=np.array([side * HALF_LENGTH, y]),
                seconds=max(0.2 if blocked else 0.25, receivers.distance(receiver) / 24.0),
                apex=0.0 if blocked else 0.4,
                outcome="block" if blocked else "control",
                next_seconds=next_seconds,
                incident="Shots off target" if blocked else "Shots on target",
            )
        wide = draw < 0.9
        y = float(rng.choice([-1, 1]) * rng.uniform(4.5, 9.0)) if wide else y
        incident = "Shots off target" if wide else "Shots on target"
        return replace(self._at_goal(y, wide=wide, incident=incident), next_seconds=next_seconds)

    def _at_goal(self, y: float, *, wide: bool, incident: str) -> Kick:
        x = self.pitch.sign(self.pitch.owner) * (HALF_LENGTH + (3.0 if wide else 1.0))
        kick = self._ball_out("SHOT", np.array([x, y]), 24.0)
        return replace(kick, apex=0.5, outcome="out" if wide else "goal", incident=incident)

    def _ball_out(self, label: str, point: Floats, speed: float, least: float = 0.3) -> Kick:
        seconds = max(least, float(np.hypot(*(point - self.pitch.ball[:2]))) / speed)
        return Kick(label=label, receiver=-1, point=point, seconds=seconds, outcome="out")

    def _pass(self, receiver: int, speed: float, least: float = 0.5) -> Kick:
        return self._ground(receiver, max(least, self.receivers.distance(receiver) / speed))

    def _ground(self, receiver: int, seconds: float) -> Kick:
        point = self.pitch.moves.positions[receiver].copy()
        return Kick(label="PASS", receiver=receiver, point=point, seconds=seconds)

    def _high_ball(self, label: str, receiver: int, next_seconds: float = 0.0) -> Kick:
        distance = self.receivers.distance(receiver)
        kick = replace(
            self._ground(receiver, max(0.9, distance / 16.0)), label=label, apex=1.0 + 0.13 * distance
        )
        if self.rng.random() < (0.6 if label == "CROSS" else 0.25):
            return replace(kick, end_height=1.8, outcome="header", next_seconds=next_seconds)
        return replace(kick, end_height=0.3, next_seconds=next_seconds)
