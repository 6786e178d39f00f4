"""Where the limbs of 22 players are: from the simulated state to points in space."""

from dataclasses import dataclass

import numpy as np

from bvas.synthetic.events import NUM_PLAYERS, Phase, Play
from bvas.synthetic.movement import Floats

# Seconds around a kick, and where the kicking foot is then: meters ahead of the hip, meters up.
# The ball leaves between the frame before 0 and 0.
_SWING_SECONDS = np.array([-0.26, -0.12, -0.02, 0.06, 0.24])
_SWING_AHEAD = np.array([0.0, -0.6, 0.4, 0.8, 0.0])
_SWING_UP = np.array([0.0, 0.35, 0.05, 0.45, 0.0])
_JUMP_M = 0.35

# Columns of `Bodies.points`.
HIP, NECK, HEAD, LEFT_LEG, RIGHT_LEG, LEFT_ARM, RIGHT_ARM, SHADOW = 0, 1, 2, 3, 6, 9, 11, 13
NUM_POINTS = 15


@dataclass(frozen=True, slots=True)
class Bodies:
    """The points that bodies are drawn from."""

    points: Floats
    """[F, 22, 15, 3]: hip, neck, head, two legs of hip, knee and foot, two arms of shoulder and hand,
    and the ends of the shadow."""


def swing_seconds(play: Play) -> tuple[Floats, Floats]:
    """Return each player's time from the nearest kick, and from the nearest header, [L, 22]; far is inf."""
    rate = float(play.rate)
    kicks = np.full((play.num_frames, NUM_PLAYERS), np.inf)
    headers = np.full((play.num_frames, NUM_PLAYERS), np.inf)
    reach = int(np.ceil(0.3 * rate))
    for action in play.actions:
        if action.kind not in ("foot", "head"):
            continue
        table = headers if action.kind == "head" else kicks
        frames = np.arange(max(0, action.frame - reach), min(play.num_frames, action.frame + reach + 1))
        seconds = (frames - action.frame) / rate
        closer = np.abs(seconds) < np.abs(table[frames, action.player])
        table[frames[closer], action.player] = seconds[closer]
    return kicks, headers


def pose(play: Play, frames: slice, kicks: Floats, headers: Floats, scale: float) -> Bodies:
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

    jump = _JUMP_M * np.clip(1.0 - (headers[frames] / 0.25) ** 2, 0.0, 1.0)
    lean = 0.035 * speed
    points = np.zeros((*facing.shape, NUM_POINTS, 3))
    points[..., HIP, :] = at(0.0, 0.0, 0.92 + jump)
    points[..., NECK, :] = at(lean, 0.0, 1.48 + jump)
    points[..., HEAD, :] = at(lean * 1.2, 0.0, 1.68 + jump)
    stride = 0.52 * np.clip(speed / 4.5, 0.0, 1.0)
    swing = kicks[frames]
    swings = np.abs(swing) < 0.3
    for column, side, turn in ((LEFT_LEG, 0.11, 0.0), (RIGHT_LEG, -0.11, np.pi)):
        forward = stride * np.sin(gait + turn)
        height = 0.35 * stride * np.clip(np.cos(gait + turn), 0.0, 1.0)
        if column == RIGHT_LEG:
            forward = np.where(swings, np.interp(swing, _SWING_SECONDS, _SWING_AHEAD), forward)
            height = np.where(swings, np.interp(swing, _SWING_SECONDS, _SWING_UP), height)
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
    points *= scale
    points[..., SHADOW, :] = 0.0
    points[..., SHADOW + 1, :] = np.array([0.9, 0.6, 0.0]) * scale
    points[..., :2] += play.players[frames].astype(np.float64)[:, :, None]
    return Bodies(points)
