"""True boxes of the players in the pictures of a half, from the projected bodies."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.bodies import (
    HEAD,
    HIP,
    LEFT_ARM,
    LEFT_LEG,
    NECK,
    NUM_POINTS,
    PLAYER_SCALE,
    RIGHT_ARM,
    RIGHT_LEG,
    body_points,
)
from bvas.synthetic.figure_shape import (
    ARM_M,
    ARMS_FROM_PIXELS_PER_M,
    HEAD_M,
    LEG_M,
    NEAREST_SCALE,
    SHORTS_M,
    SHOULDER_M,
    WAIST_M,
)
from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import NUM_PLAYERS
from bvas.synthetic.staging import Staging
from bvas.values.boxes import Boxes

LEAST_VISIBLE = 0.25
"""Least share of a body's box inside the picture; a player of whom less is seen has no box."""
# Smooth edges reach beyond a shape, pixels.
_FRINGE = 0.5
_CHUNK = 256
_LEGS = [*range(LEFT_LEG, LEFT_LEG + 3), *range(RIGHT_LEG, RIGHT_LEG + 3)]
_ARMS = [LEFT_ARM, LEFT_ARM + 1, RIGHT_ARM, RIGHT_ARM + 1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueBoxes:
    """Boxes of the players in one frame."""

    frame: int
    """Frame of the video, from 0."""
    players: NDArray[np.int64]
    """Players [N], 0 to 21, ascending."""
    boxes: Boxes
    """[N, 4], clipped to the picture."""
    visible: NDArray[np.float64]
    """Share of each body's box inside the picture [N]. Players in front of others are not counted."""


def true_boxes(staging: Staging) -> Iterator[TrueBoxes]:
    """Yield the boxes of the 22 players in each frame of a half; officials and substitutes have none.

    In a replay the boxes are where the replay shows the players.
    """
    height, width = staging.path.size
    for start in range(0, staging.play.num_frames, _CHUNK):
        edges, is_drawn = _body_edges(staging, slice(start, min(start + _CHUNK, staging.play.num_frames)))
        clipped = np.clip(edges, 0.0, [width, height, width, height])
        visible = _areas(clipped) / np.maximum(_areas(edges), 1e-9)
        for i in range(len(edges)):
            players = np.flatnonzero(is_drawn[i] & (visible[i] >= LEAST_VISIBLE))
            low, high = clipped[i, players, :2], clipped[i, players, 2:]
            yield TrueBoxes(
                frame=start + i,
                players=players,
                boxes=np.concatenate([low, high - low], axis=1),
                visible=visible[i, players],
            )


def _body_edges(staging: Staging, frames: slice) -> tuple[Floats, NDArray[np.bool_]]:
    """Return left, upper, right and lower edges [F, 22, 4] in pixels, and which players are drawn [F, 22]."""
    points = body_points(staging.play, staging.poses, frames)[:, :NUM_PLAYERS]
    num = len(points)
    xy, scales = staging.path.project(points.reshape(num, -1, 3), frames)
    xy = xy.reshape(num, NUM_PLAYERS, NUM_POINTS, 2)
    scale = scales.reshape(num, NUM_PLAYERS, NUM_POINTS)[..., HIP] * PLAYER_SCALE

    def around(columns: list[int], right: Floats, up: Floats, down: Floats) -> Floats:
        """Return the edges of points that reach so far to both sides, up and down."""
        reach = np.stack([right, up, right, down], axis=-1)[..., None, :]
        low = (xy[..., columns, :] - reach[..., :2]).min(axis=-2)
        high = (xy[..., columns, :] + reach[..., 2:]).max(axis=-2)
        return np.concatenate([low, high], axis=-1)

    leg, arm = (np.maximum(1.0, meters * scale) / 2 for meters in (LEG_M, ARM_M))
    head, none = HEAD_M * scale, np.zeros_like(scale)
    parts = [
        around(_LEGS, leg, leg, leg),
        # The trunk is drawn upright, whatever the direction of the body.
        around([HIP], WAIST_M * scale, none, SHORTS_M * scale),
        around([NECK], SHOULDER_M * scale, none, none),
        around([HEAD], head, head, head),
    ]
    arms = around(_ARMS, arm, arm, arm)
    # Without arms, those of the head count twice.
    parts.append(np.where((scale > ARMS_FROM_PIXELS_PER_M)[..., None], arms, parts[-1]))
    edges = np.stack(parts)
    joined = np.concatenate([edges[..., :2].min(axis=0), edges[..., 2:].max(axis=0)], axis=-1)
    joined += _FRINGE * np.array([-1.0, -1.0, 1.0, 1.0])
    return joined, (scale > 0.0) & (scale <= NEAREST_SCALE * staging.path.size[0])


def _areas(edges: Floats) -> Floats:
    return np.asarray((edges[..., 2] - edges[..., 0]) * (edges[..., 3] - edges[..., 1]))
