"""Actions of one player, staged on demand: the body and the ball of a short clip.

`control` is a kick, and `rise` a fall, that is played backward. So the two labels of such a pair have the same single
frames, and only their order tells them apart.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.bodies import PLAYER_SCALE
from bvas.synthetic.movement import Floats

REVERSED = {"control": "pass", "rise": "fall"}
"""Labels whose clips are those of another label, played backward."""

# Meters per second over the ground, and radians of the stride per meter.
_WALK_SPEED, _WALK_RADIANS_PER_M = (0.9, 1.8), 3.8
_RUN_SPEED, _RUN_RADIANS_PER_M = (3.8, 6.2), 2.3
_DRIBBLE_SPEED = (1.2, 4.5)
# The reach of the legs, as the speed in m/s to which it belongs. It says little about the true speed.
_WALK_REACH, _RUN_REACH, _STAND_REACH = (1.8, 3.8), (2.2, 4.5), (0.3, 3.8)
_IDLE_SHARE = 0.4
_TURN_RADIANS_PER_SECOND = 0.35
_SHUFFLE_SPEED = 0.5
# Ball at the foot: meters ahead of the hip and to its left, as the kicking foot of bodies.py meets it.
_FOOT_AHEAD, _FOOT_ASIDE = 0.55 * PLAYER_SCALE, -0.11 * PLAYER_SCALE
_KICK_SECONDS, _KICK_SPEED, _KICK_SLOWNESS = (0.5, 1.1), (1.4, 2.8), (1.2, 1.7)
_HEAD_SECONDS, _HEAD_SPEED, _HEAD_M = (0.5, 1.1), (1.8, 3.4), (0.3, 2.2)
_THROW_SECONDS, _THROW_SPEED, _HANDS_M = (0.7, 1.25), (2.5, 4.5), (0.15 * PLAYER_SCALE, 1.87 * PLAYER_SCALE)
_FALL_STARTS, _FALL_SECONDS = (0.15, 0.65), (0.35, 0.75)
# Seconds of a fall in bodies.py, from upright to lying.
_UPRIGHT, _LYING = -0.05, 0.3
_GRAVITY = 9.81


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The player and the ball in each of F frames; positions are meters from the player's first one."""

    places: Floats
    """[F, 2] of the player."""
    facing: Floats
    """[F] radians, 0 along +x."""
    reach: Floats
    """[F] speed in m/s whose stride the legs have."""
    gait: Floats
    """[F] radians through the stride."""
    ball: Floats
    """[F, 3] lowest point of the ball; NaN where there is none."""
    holds: NDArray[np.bool_]
    """[F] the ball is in the hands."""
    kicks: Floats
    """[F] seconds from the kick; inf without one. So the next two."""
    headers: Floats
    falls: Floats

    def backward(self) -> "Action":
        """Return the action in reverse order."""
        return replace(self, **{item.name: getattr(self, item.name)[::-1] for item in fields(self)})


def draw_action(label: str, seconds: Floats, heading: float, rng: np.random.Generator) -> Action:
    """Draw an action.

    Args:
        label: One of `clip_config.LABELS`.
        seconds: [F] time of each frame, from 0.
        heading: Direction to which the player turns or runs, radians, 0 along +x.
        rng: Draws it. A label of `REVERSED` draws what its other label draws.
    """
    if label in REVERSED:
        return draw_action(REVERSED[label], seconds, heading, rng).backward()
    if label == "walk":
        return _moving(seconds, heading, rng, _WALK_SPEED, _WALK_REACH, _WALK_RADIANS_PER_M)
    if label == "run":
        return _moving(seconds, heading, rng, _RUN_SPEED, _RUN_REACH, _RUN_RADIANS_PER_M)
    if label == "dribble":
        return _dribble(seconds, heading, rng)
    standing = _standing(seconds, heading, rng)
    if label == "stand":
        return standing
    if label == "pass":
        return _kick(standing, seconds, rng)
    if label == "header":
        return _header(standing, seconds, rng)
    if label == "throw":
        return _throw(standing, seconds, rng)
    return _fall(standing, seconds, rng)


def _moving(
    seconds: Floats,
    heading: float,
    rng: np.random.Generator,
    speeds: tuple[float, float],
    reaches: tuple[float, float],
    radians_per_m: float,
) -> Action:
    speed, num = rng.uniform(*speeds), len(seconds)
    facing = heading + rng.uniform(-1.0, 1.0) * _TURN_RADIANS_PER_SECOND * (seconds - seconds[-1] / 2)
    steps = speed * np.diff(seconds, prepend=seconds[0])
    places = np.cumsum(steps[:, None] * np.stack([np.cos(facing), np.sin(facing)], axis=-1), axis=0)
    return Action(
        places=places,
        facing=facing,
        reach=np.full(num, rng.uniform(*reaches)),
        gait=rng.uniform(0.0, 2 * np.pi) + radians_per_m * speed * seconds,
        ball=np.full((num, 3), np.nan),
        holds=np.zeros(num, dtype=bool),
        kicks=np.full(num, np.inf),
        headers=np.full(num, np.inf),
        falls=np.full(num, np.inf),
    )


def _standing(seconds: Floats, heading: float, rng: np.random.Generator) -> Action:
    """Return a player who stays about where he is, upright or in the middle of a step."""
    still = _moving(seconds, heading, rng, (0.0, 0.0), _STAND_REACH, 0.0)
    drift = rng.uniform(0.0, _SHUFFLE_SPEED) * seconds[:, None] * _unit(rng.uniform(0.0, 2 * np.pi))
    reach = still.reach * (rng.random() >= _IDLE_SHARE)
    sway = 0.15 * np.sin(2 * np.pi * (rng.uniform(0.2, 0.5) * seconds + rng.random()))
    return replace(still, places=drift, reach=reach, gait=still.gait + sway)


def _dribble(seconds: Floats, heading: float, rng: np.random.Generator) -> Action:
    running = _moving(seconds, heading, rng, _DRIBBLE_SPEED, _RUN_REACH, _RUN_RADIANS_PER_M)
    # A touch in every stride; between two of them the ball rolls ahead and is caught up with.
    part = running.gait / (2 * np.pi) + rng.random()
    rolled = 1.0 - (2.0 * (part % 1.0) - 1.0) ** 2
    ahead = _FOOT_AHEAD + rng.uniform(0.15, 0.4) * rolled
    return replace(running, ball=_beside(running, ahead, _FOOT_ASIDE, 0.0))


def _kick(standing: Action, seconds: Floats, rng: np.random.Generator) -> Action:
    later = seconds - rng.uniform(*_KICK_SECONDS)
    away = standing.facing[0] + rng.normal(0.0, 0.2)
    start = _beside(standing, np.full(len(seconds), _FOOT_AHEAD), _FOOT_ASIDE, 0.0)
    ball = start.copy()
    ball[:, :2] += np.maximum(0.0, later)[:, None] * rng.uniform(*_KICK_SPEED) * _unit(away)
    return replace(standing, ball=ball, kicks=later / rng.uniform(*_KICK_SLOWNESS))


def _header(standing: Action, seconds: Floats, rng: np.random.Generator) -> Action:
    later = seconds - rng.uniform(*_HEAD_SECONDS)
    comes, leaves = (standing.facing[0] + rng.normal(0.0, spread) for spread in (0.3, 0.5))
    ahead, up = _HEAD_M
    ball = _beside(standing, np.full(len(seconds), ahead), 0.0, up)
    before, after = np.maximum(0.0, -later)[:, None], np.maximum(0.0, later)[:, None]
    ball[:, :2] += before * rng.uniform(*_HEAD_SPEED) * _unit(comes)
    ball[:, :2] += after * rng.uniform(*_HEAD_SPEED) * _unit(leaves)
    ball[:, 2] += before[:, 0] * rng.uniform(-0.5, 1.5)
    ball[:, 2] += after[:, 0] * rng.uniform(-0.5, 1.5) - 0.5 * _GRAVITY * after[:, 0] ** 2
    ball[:, 2] = np.maximum(0.0, ball[:, 2])
    return replace(standing, ball=ball, headers=later)


def _throw(standing: Action, seconds: Floats, rng: np.random.Generator) -> Action:
    later = seconds - rng.uniform(*_THROW_SECONDS)
    away = standing.facing[0] + rng.normal(0.0, 0.2)
    ahead, up = _HANDS_M
    after = np.maximum(0.0, later)[:, None]
    ball = _beside(standing, np.full(len(seconds), ahead), 0.0, up)
    ball[:, :2] += after * rng.uniform(*_THROW_SPEED) * _unit(away)
    ball[:, 2] += after[:, 0] * rng.uniform(0.0, 2.0) - 0.5 * _GRAVITY * after[:, 0] ** 2
    ball[:, 2] = np.maximum(0.0, ball[:, 2])
    return replace(standing, ball=ball, holds=later <= 0.0)


def _fall(standing: Action, seconds: Floats, rng: np.random.Generator) -> Action:
    start, length = rng.uniform(*_FALL_STARTS), rng.uniform(*_FALL_SECONDS)
    part = np.clip((seconds - start) / length, 0.0, 1.0)
    return replace(standing, falls=_UPRIGHT + (_LYING - _UPRIGHT) * part)


def _beside(action: Action, ahead: Floats, aside: float, up: float) -> Floats:
    """Return points [F, 3] ahead of the player and to the left, meters."""
    cos, sin = np.cos(action.facing), np.sin(action.facing)
    x, y = ahead * cos - aside * sin, ahead * sin + aside * cos
    return np.stack([action.places[:, 0] + x, action.places[:, 1] + y, np.full(len(ahead), up)], axis=-1)


def _unit(angle: float) -> Floats:
    return np.array([np.cos(angle), np.sin(angle)])
