"""Broadcast cameras: pan, tilt and zoom toward a target with lag, and projection to pixels."""

from dataclasses import dataclass

import numpy as np

from bvas.synthetic.config import SceneConfig
from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import Play, Seed

CAMERA_POSITION = np.array([0.0, -62.0, 17.0])
"""Meters: level with the halfway line, behind the near touchline, above the pitch."""
_NEAREST_M = 2.0
_NEAREST_ZOOM_M = 12.0
_FOLLOW_ACROSS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPath:
    """Position and direction of the camera in each of L frames."""

    size: tuple[int, int]
    """(H, W) of the picture."""
    pan: Floats
    """[L] radians to the right of straight across the pitch."""
    tilt: Floats
    """[L] radians downwards."""
    focal: Floats
    """[L] focal length in pixels."""
    position: Floats
    """[L, 3] meters."""

    def axes(self, frames: slice) -> tuple[Floats, Floats, Floats]:
        """Return the camera's right, down and forward unit vectors, each [F, 3]."""
        pan, tilt = self.pan[frames], self.tilt[frames]
        sin_pan, cos_pan, sin_tilt, cos_tilt = np.sin(pan), np.cos(pan), np.sin(tilt), np.cos(tilt)
        right = np.stack([cos_pan, -sin_pan, np.zeros_like(pan)], axis=-1)
        down = np.stack([-sin_pan * sin_tilt, -cos_pan * sin_tilt, -cos_tilt], axis=-1)
        forward = np.stack([sin_pan * cos_tilt, cos_pan * cos_tilt, -sin_tilt], axis=-1)
        return right, down, forward

    def project(self, points: Floats, frames: slice) -> tuple[Floats, Floats]:
        """Project points into the picture.

        Args:
            points: [F, P, 3] meters, or [1, P, 3] for fixed points.
            frames: The F frames.

        Returns:
            [F, P, 2] pixels (x, y), and [F, P] pixels per meter there. The latter is 0 for a point that is
            not in front of the camera; such pixels have no meaning.
        """
        away = points - self.position[frames][:, None]
        # Sums by component and not by matrix product: the bits do not depend on F.
        x, y, depth = (
            away[..., 0] * axis[:, None, 0]
            + away[..., 1] * axis[:, None, 1]
            + away[..., 2] * axis[:, None, 2]
            for axis in self.axes(frames)
        )
        front = depth > _NEAREST_M
        scale = np.where(front, self.focal[frames, None] / np.where(front, depth, 1.0), 0.0)
        height, width = self.size
        return np.stack([width / 2 + x * scale, height / 2 + y * scale], axis=-1), scale

    def horizon(self, frame: int) -> int:
        """Return the row of the picture above which the sky begins; may lie outside."""
        return int(self.size[0] / 2 - self.focal[frame] * np.tan(self.tilt[frame]))

    def shows(self, point: Floats, frame: int) -> bool:
        """Return whether a point [3] lies inside the picture."""
        (xy,), (scale,) = (part[0] for part in self.project(point[None, None], slice(frame, frame + 1)))
        height, width = self.size
        return bool(scale > 0.0 and 0.0 <= xy[0] < width and 0.0 <= xy[1] < height)


def follow_ball(play: Play, scene: SceneConfig, *, size: tuple[int, int], seed: Seed) -> CameraPath:
    """Return the main camera's path through a half."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(play.num_frames) / float(play.rate)
    seen = play.watched[:, :2].astype(np.float64) * [1.0, _FOLLOW_ACROSS]
    looked = trail(seen, lag=scene.camera_lag_seconds, rate=float(play.rate))
    looked += scene.camera_shake_m * _wander(seconds, rng)
    zoom = 1.0 + scene.zoom_variation * np.sin(2 * np.pi * (seconds / rng.uniform(15, 25) + rng.random()))
    on_ground, width_m = np.pad(looked, ((0, 0), (0, 1))), scene.view_width_m * zoom
    pan, tilt, focal = aim(on_ground, CAMERA_POSITION, width_m=width_m, size=size)
    position = np.tile(CAMERA_POSITION, (play.num_frames, 1))
    return CameraPath(size=size, pan=pan, tilt=tilt, focal=focal, position=position)


def aim(
    points: Floats, position: Floats, *, width_m: Floats | float, size: tuple[int, int]
) -> tuple[Floats, Floats, Floats]:
    """Return pan, tilt and focal length, [F] each, of a camera with the points [F, 3] in the middle.

    The picture is `width_m` meters wide there. Nearer than 12 m the camera does not zoom out further.
    """
    away = points - position
    distance = np.hypot(away[:, 0], away[:, 1])
    reach = np.maximum(np.hypot(distance, away[:, 2]), _NEAREST_ZOOM_M)
    pan = np.unwrap(np.arctan2(away[:, 0], away[:, 1]))
    return pan, np.arctan2(-away[:, 2], distance), size[1] * reach / width_m


def trail(way: Floats, *, lag: float, rate: float) -> Floats:
    """Follow [L, D] like a critically damped spring: a steady run is followed `lag` seconds late."""
    stiffness, dt = 2.0 / lag, 1.0 / rate
    # The spring is integrated exactly over a frame: any lag is stable at any rate.
    decay = np.exp(-stiffness * dt)
    followed = np.empty_like(way)
    offset, speed = np.zeros(way.shape[1]), np.zeros(way.shape[1])
    followed[0] = place = way[0]
    for i in range(1, len(way)):
        offset = place - way[i]
        push = speed + stiffness * offset
        place = way[i] + (offset + push * dt) * decay
        speed = (speed - stiffness * push * dt) * decay
        followed[i] = place
    return followed


def _wander(seconds: Floats, rng: np.random.Generator) -> Floats:
    """Return [L, 2] slow irregular motion of size about 1."""
    rates = rng.uniform(0.15, 0.9, (3, 2))
    starts = rng.uniform(0, 2 * np.pi, (3, 2))
    waves = np.sin(2 * np.pi * rates[:, None] * seconds[None, :, None] + starts[:, None])
    return np.asarray(waves.mean(axis=0))
