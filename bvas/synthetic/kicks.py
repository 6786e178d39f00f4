"""Where the ball goes next: which kick, to whom, how fast, and what becomes of it."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bvas.synthetic.config import PlayConfig
from bvas.synthetic.movement import HALF_LENGTH, Floats
from bvas.synthetic.pitch import Pitch
from bvas.synthetic.receivers import Receivers

Outcome = Literal["control", "touch", "header", "block", "out", "goal", "offside"]

_TOP_SPEED = 22.0
_GOAL_HALF_WIDTH = 3.66


@dataclass(frozen=True, slots=True, kw_only=True)
class Kick:
    """One ball played."""

    label: str
    receiver: int
    """Who gets it; -1 where nobody does."""
    point: Floats
    """[2] where it is aimed at."""
    seconds: float
    """Time of flight."""
    apex: float = 0.0
    """Height of the arc, meters."""
    end_height: float = 0.0
    """Height at the end, meters."""
    outcome: Outcome = "control"
    gap: float = 0.0
    """Seconds from this kick to the next annotation; what takes longer takes longer."""
    incident: str = ""
    """What a referee's report calls the kick; empty where it would not hold it."""


class KickChooser:
    """A player's decisions, from what the pitch looks like."""

    def __init__(self, config: PlayConfig, rng: np.random.Generator, pitch: Pitch) -> None:
        """Draw from `rng`, which belongs to the game."""
        self._config = config
        self._rng = rng
        self._pitch = pitch
        self._who = Receivers(config, rng, pitch)

    def carry_direction(self) -> float:
        """Return which way the owner runs with the ball: forward, off the lines, away from opponents."""
        pitch, owner = self._pitch, self._pitch.owner
        here = pitch.moves.positions[owner]
        goal = np.array([pitch.sign(owner) * 44.0, 0.4 * here[1]])
        way = goal - here
        way /= max(float(np.hypot(*way)), 1.0)
        opponents = np.array(pitch.opponents(owner))
        away = here - pitch.moves.positions[opponents]
        distance = np.maximum(np.hypot(away[:, 0], away[:, 1]), 0.5)
        way = way + (away / distance[:, None] ** 2 * (distance < 6.0)[:, None]).sum(axis=0) * 1.5
        way[1] -= 1.5 * np.sign(here[1]) * max(0.0, abs(here[1]) - 28.0) / 4.0
        way[0] -= 1.5 * np.sign(here[0]) * max(0.0, abs(here[0]) - 44.0) / 4.0
        return float(np.arctan2(way[1], way[0]) + self._rng.normal(0, 0.25))

    def choose(self, gap: float, *, control_seconds: float, touch_seconds: float) -> Kick:
        """Return what the owner does with the ball.

        Args:
            gap: Seconds to the annotation after this kick.
            control_seconds: What a receiver needs at least before setting off.
            touch_seconds: What one needs to play on at the first touch.
        """
        pitch, rng, config = self._pitch, self._rng, self._config
        owner = pitch.owner
        here = pitch.ball[:2].copy()
        to_goal = np.array([pitch.sign(owner) * HALF_LENGTH, 0.0]) - here
        if np.hypot(*to_goal) < config.shot_m and rng.random() < config.shot:
            return self._shot(gap)
        if abs(here[1]) > 20.0 and abs(to_goal[0]) < 20.0 and rng.random() < config.cross:
            return self._high_ball("CROSS", self._who.in_box(), gap)
        in_no_hurry = gap > 1.6 and config.out > 0.0 and rng.random() < config.out
        if gap >= config.dead_ball_seconds or in_no_hurry:
            side = np.sign(here[1]) or 1.0
            point = np.array([here[0] + pitch.sign(owner) * rng.uniform(2, 9), side * rng.uniform(36, 37.5)])
            seconds = float(np.clip(np.hypot(*(point - here)) / 14.0, 0.5, 2.0))
            return Kick(label="PASS", receiver=-1, point=point, seconds=seconds, outcome="out", gap=gap)
        touch_at = gap - touch_seconds
        if touch_at < 1.6 and rng.random() < config.first_touch:
            receiver = self._who.teammate_between(touch_at * 10.0, touch_at * 20.0)
            if receiver is not None:
                return self._ground(receiver, touch_at, gap, "touch")
        if gap > 2.2 and rng.random() < config.high_pass:
            far = self._who.teammate_between(25.0, 45.0)
            if far is not None:
                return self._high_ball("HIGH PASS", far, gap)
        latest = gap - control_seconds
        receiver = self._who.teammate_between(5.0, min(latest * _TOP_SPEED, 30.0))
        if receiver is None:
            receiver = self._who.nearest_mate()
        if rng.random() < config.interception:
            receiver = self._who.interceptor(receiver)
        seconds = float(
            np.clip(self._who.distance(receiver) / rng.uniform(12.0, 17.0), 0.28, max(latest, 0.28))
        )
        seconds = max(seconds, self._who.distance(receiver) / 26.0)
        return self._ground(receiver, seconds, gap, "control")

    def quick(self, gap: float, *, touch_seconds: float) -> Kick | None:
        """Return a pass that is played on at the first touch `gap` later; None where nobody stands right."""
        seconds = gap - touch_seconds
        receiver = self._who.teammate_between(seconds * 8.0, seconds * 20.0)
        return None if receiver is None else self._ground(receiver, seconds, gap, "touch")

    def through(self, receiver: int) -> Kick:
        """Return a pass to a teammate who stands offside."""
        return self._ground(receiver, max(0.5, self._who.distance(receiver) / 16.0), 0.0, "offside")

    def header(self) -> Kick:
        """Return where a header goes: a few meters on, to anybody near."""
        pitch, rng = self._pitch, self._rng
        distances = self._who.distances()
        near = [
            player
            for player in range(22)
            if 4.0 < distances[player] < 14.0 and not pitch.is_keeper(player) and player not in pitch.sent_off
        ]
        receiver = int(rng.choice(near)) if near else self._who.nearest_mate()
        seconds = max(0.5, float(distances[receiver]) / 11.0)
        return replace(self._ground(receiver, seconds, 0.0, "control"), label="HEADER", apex=0.8)

    def clearance(self) -> Kick:
        """Return what a goalkeeper does: a throw-like short pass or a long ball."""
        far = self._who.teammate_between(25.0, 50.0)
        if far is not None and self._rng.random() < 0.5:
            return replace(self._high_ball("HIGH PASS", far, 0.0), incident="Clearance")
        near = self._who.teammate_between(8.0, 28.0)
        receiver = self._who.nearest_mate() if near is None else near
        return self._ground(receiver, max(0.5, self._who.distance(receiver) / 14.0), 0.0, "control")

    def restart(self, label: str, incident: str) -> Kick:
        """Return a kick from a standing ball; an empty label is a goal kick."""
        pitch = self._pitch
        if not label:
            return replace(self.clearance(), incident="Clearance")
        to_goal = np.array([pitch.sign(pitch.owner) * HALF_LENGTH, 0.0]) - pitch.ball[:2]
        config = self._config
        if label == "FREE KICK" and config.free_shot > 0.0 and np.hypot(*to_goal) < 30.0:
            if self._rng.random() < config.free_shot:
                return replace(self._shot(0.0), label=label, incident="Direct free-kick")
        receiver = self._who.teammate_between(6.0, 25.0)
        receiver = self._who.nearest_mate() if receiver is None else receiver
        kick = self._ground(receiver, max(0.45, self._who.distance(receiver) / 14.0), 0.0, "control")
        incident = "Indirect free-kick" if label == "FREE KICK" else incident
        gap = kick.seconds + self._rng.uniform(0.5, 1.0)
        return replace(kick, label=label, gap=gap, incident=incident)

    def corner(self) -> Kick:
        """Return a cross from the corner."""
        return replace(self._high_ball("CROSS", self._who.in_box(), 0.0), incident="Corner")

    def penalty(self) -> Kick:
        """Return a kick from the penalty spot: three in four go in."""
        pitch, rng = self._pitch, self._rng
        side = pitch.sign(pitch.owner)
        draw = rng.random()
        wide = draw > 0.92
        y = rng.choice([-1, 1]) * (rng.uniform(4.5, 6.5) if wide else rng.uniform(1.0, 3.3))
        kick = Kick(
            label="SHOT",
            receiver=-1,
            point=np.array([side * (HALF_LENGTH + (3.0 if wide else 1.0)), y]),
            seconds=0.55,
            apex=0.4,
            outcome="out" if wide else "goal",
            incident="Penalty",
        )
        saved = 0.75 < draw <= 0.92
        return replace(kick, receiver=pitch.keeper(side > 0), outcome="control") if saved else kick

    def deflection(self) -> Kick:
        """Return how a stopped shot goes on over the goal line, beside the goal."""
        pitch, rng = self._pitch, self._rng
        y = rng.choice([-1, 1]) * rng.uniform(4.5, 10.0)
        point = np.array([-pitch.sign(pitch.owner) * (HALF_LENGTH + 3.0), y])
        seconds = max(0.3, float(np.hypot(*(point - pitch.ball[:2]))) / 16.0)
        return Kick(label="", receiver=-1, point=point, seconds=seconds, apex=0.6, outcome="out")

    def throw(self) -> Kick:
        """Return a throw-in to a teammate."""
        receiver = self._who.teammate_between(5.0, 16.0)
        receiver = self._who.nearest_mate() if receiver is None else receiver
        kick = self._ground(receiver, max(0.5, self._who.distance(receiver) / 11.0), 0.0, "control")
        return replace(kick, label="THROW IN", apex=0.6)

    def _shot(self, gap: float) -> Kick:
        pitch, rng = self._pitch, self._rng
        side = pitch.sign(pitch.owner)
        here = pitch.ball[:2]
        keeper = pitch.keeper(side > 0)
        draw = rng.random()
        y = rng.uniform(-_GOAL_HALF_WIDTH, _GOAL_HALF_WIDTH) * 0.9
        base = Kick(
            label="SHOT", receiver=keeper, point=np.array([side * HALF_LENGTH, y]), seconds=0.8, gap=gap
        )
        if draw < 0.15:
            blocker = self._who.interceptor(keeper)
            seconds = max(0.2, self._who.distance(blocker) / 24.0)
            return replace(
                base, receiver=blocker, seconds=seconds, outcome="block", incident="Shots off target"
            )
        if draw < 0.55:
            seconds = max(0.25, self._who.distance(keeper) / 24.0)
            return replace(base, seconds=seconds, apex=0.4, incident="Shots on target")
        wide = draw < 0.9
        y = float(rng.choice([-1, 1]) * rng.uniform(4.5, 9.0)) if wide else y
        point = np.array([side * (HALF_LENGTH + (3.0 if wide else 1.0)), y])
        seconds = max(0.3, float(np.hypot(*(point - here))) / 24.0)
        return replace(
            base,
            receiver=-1,
            point=point,
            seconds=seconds,
            apex=0.5,
            outcome="out" if wide else "goal",
            incident="Shots off target" if wide else "Shots on target",
        )

    def _ground(self, receiver: int, seconds: float, gap: float, outcome: Outcome) -> Kick:
        point = self._pitch.moves.positions[receiver].copy()
        return Kick(label="PASS", receiver=receiver, point=point, seconds=seconds, outcome=outcome, gap=gap)

    def _high_ball(self, label: str, receiver: int, gap: float) -> Kick:
        distance = self._who.distance(receiver)
        head = self._rng.random() < (0.6 if label == "CROSS" else 0.25)
        return Kick(
            label=label,
            receiver=receiver,
            point=self._pitch.moves.positions[receiver].copy(),
            seconds=max(0.9, distance / 16.0),
            apex=1.0 + 0.13 * distance,
            end_height=1.8 if head else 0.3,
            outcome="header" if head else "control",
            gap=gap,
        )
