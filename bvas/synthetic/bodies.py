"""Where the limbs of players are: from the simulated state to points in space."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.events import ActionKind, Phase, Play
from bvas.synthetic.movement import Floats

# Seconds around a kick, and where the kicking foot is then: meters ahead of the hip, meters up.
# The ball leaves between the frame before 0 and 0.
_SWING_SECONDS = np.array([-0.26, -0.12, -0.02, 0.06, 0.24])
_SWING_AHEAD = np.array([0.0, -0.6, 0.4, 0.8, 0.0])
_SWING_UP = np.array([0.0, 0.35, 0.05, 0.45, 0.0])
# A feint's foot comes to a stop before the ball.
_FEINT_AHEAD = np.array([0.0, -0.6, -0.5, 0.15, 0.0])
# Seconds after a fall, and how much of a body's height is left then.
_FALL_SECONDS = np.array([-0.05, 0.3, 1.6, 2.2])
_FALL_HEIGHT = np.array([1.0, 0.3, 0.3, 1.0])
_JUMP_M = 0.35

# Columns of `Bodies.points`.
HIP, NECK, HEAD, LEFT_LEG, RIGHT_LEG, LEFT_ARM, RIGHT_ARM, SHADOW = 0, 1, 2, 3, 6, 9, 11, 13
NUM_POINTS = 15


@dataclass(frozen=True, slots=True)
class Bodies:
    """The points that bodies are drawn from."""

    points: Floats
    """[F, N, 15, 3]: hip, neck, head, two legs of hip, knee and foot, two arms of shoulder and hand,
    and the ends of the shadow."""


@dataclass(frozen=True, slots=True)
class Poses:
    """What N bodies do besides running, [L, N] each; seconds from the nearest such action, inf where far."""

    kicks: Floats
    headers: Floats
    feints: Floats | None = None
    falls: Floats | None = None
    raised: NDArray[np.bool_] | None = None
    """The right arm is held up."""


def swings(play: Play) -> Poses:
    """Return the kicks and headers of a play."""
    return Poses(
        action_seconds(play, ("foot",), before=0.3, after=0.3),
        action_seconds(play, ("head",), before=0.3, after=0.3),
    )


def action_seconds(play: Play, kinds: tuple[ActionKind, ...], *, before: float, after: float) -> Floats:
    """Return each player's time from the nearest action of some kinds, [L, N]; inf where it is farther."""
    rate = float(play.rate)
    table = np.full(play.players.shape[:2], np.inf)
    for action in play.actions:
        if action.kind not in kinds:
            continue
        start = action.frame - int(np.ceil(before * rate))
        stop = action.frame + int(np.ceil(after * rate)) + 1
        frames = np.arange(max(0, start), min(play.num_frames, stop))
        seconds = (frames - action.frame) / rate
        closer = np.abs(seconds) < np.abs(table[frames, action.player])
        table[frames[closer], action.player] = seconds[closer]
    return table


def pose(play: Play, frames: slice, poses: Poses, scale: float) -> Bodies:
    """Return the bodies of F frames; `scale` is their height over a real one's."""
    facing = play.facing[frames].astype(np.float64)
    speed = play.speed[frames].astype(np.float64)
    gait = play.gait[frames].astype(np.float64)
    ahead = np.stack([np.cos(facing), np.sin(facing), np.zeros_like(facing)], axis=-1)
    aside = np.stack([-np.sin(facing), np.cos(facing), np.zeros_like(facing)], axis=-1)
    up = np.array([0.0, 0.0, 1.0])

    def at(forward: Floats | float, side: Floats | float, height: Floats | float) -> Floats:
        parts = [np.broadcast_to(part, facing.shape)[..., None] for part in (forward, side, height)]
        return np.asarray(parts[0] * ahead + parts[1] * aside + parts[2] * up)

    jump = _JUMP_M * np.clip(1.0 - (poses.headers[frames] / 0.25) ** 2, 0.0, 1.0)
    lean = 0.035 * speed
    points = np.zeros((*facing.shape, NUM_POINTS, 3))
    points[..., HIP, :] = at(0.0, 0.0, 0.92 + jump)
    points[..., NECK, :] = at(lean, 0.0, 1.48 + jump)
    points[..., HEAD, :] = at(lean * 1.2, 0.0, 1.68 + jump)
    stride = 0.52 * np.clip(speed / 4.5, 0.0, 1.0)
    legs = [(poses.kicks[frames], _SWING_AHEAD)]
    if poses.feints is not None:
        legs.append((poses.feints[frames], _FEINT_AHEAD))
    for column, side, turn in ((LEFT_LEG, 0.11, 0.0), (RIGHT_LEG, -0.11, np.pi)):
        forward = stride * np.sin(gait + turn)
        height = 0.35 * stride * np.clip(np.cos(gait + turn), 0.0, 1.0)
        if column == RIGHT_LEG:
            for swing, swing_ahead in legs:
                swinging = np.abs(swing) < 0.3
                forward = np.where(swinging, np.interp(swing, _SWING_SECONDS, swing_ahead), forward)
                height = np.where(swinging, np.interp(swing, _SWING_SECONDS, _SWING_UP), height)
        points[..., column, :] = at(0.0, side, 0.92 + jump)
        bend = 0.1 + 0.25 * height
        points[..., column + 1, :] = at(forward * 0.45 + bend, side, 0.5 + 0.4 * height + jump)
        points[..., column + 2, :] = at(forward, side, 0.05 + height + jump)
    throws = np.zeros(facing.shape, dtype=bool)
    holds = np.flatnonzero(play.phase[frames] == Phase.HANDS)
    throws[holds, play.owner[frames][holds]] = True
    for column, side, turn in ((LEFT_ARM, 0.24, np.pi), (RIGHT_ARM, -0.24, 0.0)):
        hand = 0.7 * stride * np.sin(gait + turn)
        points[..., column, :] = at(lean, side, 1.42 + jump)
        points[..., column + 1, :] = at(
            np.where(throws, 0.15, lean + hand),
            side,
            np.where(throws, 1.85, 0.95 + 0.2 * np.abs(hand)) + jump,
        )
    if poses.raised is not None:
        up_there = at(0.05, -0.3, 2.25)
        points[..., RIGHT_ARM + 1, :] = np.where(
            poses.raised[frames, :, None], up_there, points[..., RIGHT_ARM + 1, :]
        )
    if poses.falls is not None:
        left = np.interp(poses.falls[frames], _FALL_SECONDS, _FALL_HEIGHT)[..., None]
        points += (1.0 - left[..., None]) * points[..., 2:] * ahead[..., None, :]
        points[..., 2] *= left
    points *= scale
    points[..., SHADOW, :] = 0.0
    points[..., SHADOW + 1, :] = np.array([0.9, 0.6, 0.0]) * scale
    points[..., :2] += play.players[frames].astype(np.float64)[:, :, None]
    return Bodies(points)
