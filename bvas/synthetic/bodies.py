"""Body poses: points of the limbs in space, from the simulated state."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import ActionKind, Phase, Play

# Seconds around a kick, and the position of the kicking foot: meters ahead of the hip, meters up.
# The ball leaves between the frame before 0 and 0.
_SWING_SECONDS = (-0.26, -0.12, -0.02, 0.06, 0.24)
_SWING_AHEAD = (0.0, -0.6, 0.4, 0.8, 0.0)
_SWING_UP = (0.0, 0.35, 0.05, 0.45, 0.0)
# The foot of a feint stops before the ball.
_FEINT_AHEAD = (0.0, -0.6, -0.5, 0.15, 0.0)
# Seconds after a fall, and the share of the body's height that remains.
_FALL_SECONDS = (-0.05, 0.3, 1.6, 2.2)
_FALL_HEIGHT = (1.0, 0.3, 0.3, 1.0)
_JUMP_M = 0.35
PLAYER_SCALE = 1.15
"""Height of a player over a real one's (1.8 m)."""

# Indices of body points.
HIP, NECK, HEAD, LEFT_LEG, RIGHT_LEG, LEFT_ARM, RIGHT_ARM, SHADOW = 0, 1, 2, 3, 6, 9, 11, 13
NUM_POINTS = 15


@dataclass(frozen=True, slots=True)
class Poses:
    """Actions of N figures, [L, N] each: seconds from the nearest such action, inf where it is far."""

    kicks: Floats
    headers: Floats
    feints: Floats
    falls: Floats
    raised: NDArray[np.bool_]
    """The right arm is raised."""

    def at(self, frames: NDArray[np.int64], later: Floats) -> "Poses":
        """Return the poses of M frames [M], each `later` [M] seconds after its frame."""
        times = (self.kicks, self.headers, self.feints, self.falls)
        kicks, headers, feints, falls = (time[frames] + later[:, None] for time in times)
        return Poses(kicks, headers, feints, falls, self.raised[frames])


def body_poses(play: Play, raised: NDArray[np.bool_]) -> Poses:
    """Return the poses of a play; `raised` [L, N] says whose right arm is raised."""
    kicks, headers, feints = (_action_seconds(play, kind, 0.3, 0.3) for kind in ("foot", "head", "feint"))
    return Poses(kicks, headers, feints, _action_seconds(play, "fall", 0.0, 2.2), raised)


def body_points(play: Play, poses: Poses, frames: slice) -> Floats:
    """Return the bodies of F frames, [F, N, 15, 3] meters.

    The points are hip, neck, head, two legs of hip, knee and foot, two arms of shoulder and hand, and the
    ends of the shadow.
    """
    facing = play.facing[frames].astype(np.float64)
    speed = play.speed[frames].astype(np.float64)
    gait = play.gait[frames].astype(np.float64)
    cos, sin = np.cos(facing), np.sin(facing)

    def at(ahead: Floats | float, aside: Floats | float, up: Floats | float) -> Floats:
        x, y = ahead * cos - aside * sin, ahead * sin + aside * cos
        return np.stack([x, y, np.broadcast_to(up, x.shape)], axis=-1)

    jump = _JUMP_M * np.clip(1.0 - (poses.headers[frames] / 0.25) ** 2, 0.0, 1.0)
    lean = 0.035 * speed
    points = np.zeros((*facing.shape, NUM_POINTS, 3))
    points[..., HIP, :] = at(0.0, 0.0, 0.92 + jump)
    points[..., NECK, :] = at(lean, 0.0, 1.48 + jump)
    points[..., HEAD, :] = at(lean * 1.2, 0.0, 1.68 + jump)
    stride = 0.52 * np.clip(speed / 4.5, 0.0, 1.0)
    for column, side, turn in ((LEFT_LEG, 0.11, 0.0), (RIGHT_LEG, -0.11, np.pi)):
        forward = stride * np.sin(gait + turn)
        height = 0.35 * stride * np.clip(np.cos(gait + turn), 0.0, 1.0)
        if column == RIGHT_LEG:
            for times, swing_ahead in ((poses.kicks, _SWING_AHEAD), (poses.feints, _FEINT_AHEAD)):
                seconds = times[frames]
                swings = np.abs(seconds) < 0.3
                forward = np.where(swings, np.interp(seconds, _SWING_SECONDS, swing_ahead), forward)
                height = np.where(swings, np.interp(seconds, _SWING_SECONDS, _SWING_UP), height)
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
        ahead = np.where(throws, 0.15, lean + hand)
        up = np.where(throws, 1.85, 0.95 + 0.2 * np.abs(hand)) + jump
        points[..., column + 1, :] = at(ahead, side, up)
    raised = poses.raised[frames, :, None]
    points[..., RIGHT_ARM + 1, :] = np.where(raised, at(0.05, -0.3, 2.25), points[..., RIGHT_ARM + 1, :])
    standing = np.interp(poses.falls[frames], _FALL_SECONDS, _FALL_HEIGHT)[..., None]
    points[..., 0] += (1.0 - standing) * points[..., 2] * cos[..., None]
    points[..., 1] += (1.0 - standing) * points[..., 2] * sin[..., None]
    points[..., 2] *= standing
    points[..., SHADOW, :] = 0.0
    points[..., SHADOW + 1, :] = (0.9, 0.6, 0.0)
    points *= PLAYER_SCALE
    points[..., :2] += play.players[frames].astype(np.float64)[:, :, None]
    return points


def _action_seconds(play: Play, kind: ActionKind, before: float, after: float) -> Floats:
    """Return each figure's time from the nearest action of a kind, [L, N]; inf where it is farther."""
    rate = float(play.rate)
    table = np.full(play.players.shape[:2], np.inf)
    for action in play.actions:
        if action.kind != kind:
            continue
        start = action.frame - int(np.ceil(before * rate))
        stop = action.frame + int(np.ceil(after * rate)) + 1
        frames = np.arange(max(0, start), min(play.num_frames, stop))
        seconds = (frames - action.frame) / rate
        closer = np.abs(seconds) < np.abs(table[frames, action.player])
        table[frames[closer], action.player] = seconds[closer]
    return table
