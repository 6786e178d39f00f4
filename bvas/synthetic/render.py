"""Rendering of a half as gray broadcast pictures.

Luma is drawn as it is stored, limited range: 16 is black, 235 white.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic import bodies
from bvas.synthetic.bodies import HEAD, HIP, LEFT_ARM, LEFT_LEG, NUM_POINTS, RIGHT_ARM, RIGHT_LEG, SHADOW
from bvas.synthetic.config import SceneConfig
from bvas.synthetic.ground import SUBPIXEL_BITS, Ground, Picture, fixed_point
from bvas.synthetic.movement import TEAM_SIZE, Floats
from bvas.synthetic.officials import FAR_ASSISTANT, NEAR_ASSISTANT
from bvas.synthetic.play_record import NUM_PLAYERS, Play, Seed
from bvas.synthetic.staging import Staging

_CHUNK = 64
_BALL_M = 0.22
_BALL_LUMA = 228
_FLAG_LUMA = 215
_ARMS_FROM_PIXELS_PER_M = 9.0
_ONE = 1 << SUBPIXEL_BITS
_NEAREST_SCALE = 0.7
"""Largest size of a meter over the picture's height; nearer figures would hide everything else."""


class Renderer:
    """Pictures of one half, from any frame on; a frame looks the same wherever rendering begins."""

    def __init__(self, staging: Staging, scene: SceneConfig, *, look_seed: Seed, noise_seed: Seed) -> None:
        """Prepare a half.

        Args:
            staging: Content of the pictures; the size of its path is the size of the pictures.
            scene: Picture settings.
            look_seed: Kits, grass and crowd, the same in both halves of a match.
            noise_seed: Sensor noise.
        """
        look = np.random.default_rng(look_seed)
        noise = np.random.default_rng(noise_seed)
        self.staging = staging
        self._play, self._path, self._scene = staging.play, staging.path, scene
        self._ground = Ground(look)
        self._kits = _kits(look)
        height, width = self._path.size
        grain = np.rint(noise.normal(128.0, scene.noise_luma, (3 * height, 3 * width)))
        self._grain = np.asarray(np.clip(grain, 0, 255), dtype=np.uint8)
        self._grain_corners = noise.integers(0, (2 * height, 2 * width), (self.num_frames, 2))

    @property
    def num_frames(self) -> int:
        """Frames of the half (L)."""
        return self._play.num_frames

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
        """Yield frames [start, stop), uint8 [H, W]; the caller owns each picture."""
        stop = self.num_frames if stop is None else min(stop, self.num_frames)
        for first in range(start, stop, _CHUNK):
            yield from self._chunk(slice(first, min(first + _CHUNK, stop)))

    def _chunk(self, frames: slice) -> Iterator[Picture]:
        path, num = self._path, frames.stop - frames.start
        points = bodies.body_points(self._play, self.staging.poses, frames)
        num_figures = points.shape[1]
        xy, scales = path.project(points.reshape(num, -1, 3), frames)
        body_xy = fixed_point(xy).reshape(num, num_figures, NUM_POINTS, 2)
        body_scales = scales.reshape(num, num_figures, NUM_POINTS)[..., HIP] * bodies.PLAYER_SCALE
        # The ball's blur needs the frame before. At the start of a half it is the frame itself.
        before = slice(max(0, frames.start - 1), frames.stop)
        ball_xy, ball_scales = path.project(_ball_points(self._play, before, self._scene.ball_scale), before)
        if frames.start == 0:
            ball_xy, ball_scales = (np.concatenate([part[:1], part]) for part in (ball_xy, ball_scales))
        # The farthest on the ground is drawn first. By depth, a ball at the foot would lie behind the hip.
        places = np.concatenate([self._play.players[frames], self._play.ball[frames, None, :2]], axis=1)
        away = places - path.position[frames, None, :2]
        order = np.argsort(-np.hypot(away[..., 0], away[..., 1]), axis=1, kind="stable")
        for i in range(num):
            picture = np.empty(path.size, dtype=np.uint8)
            frame = frames.start + i
            self._ground.draw(picture, path, frame)
            self._draw_shadows(picture, body_xy[i], body_scales[i])
            for which in order[i].tolist():
                if which == num_figures:
                    earlier = i + 1 if frame in self.staging.cuts else i
                    self._draw_ball(picture, ball_xy[[earlier, i + 1]], float(ball_scales[i + 1, 0]))
                    continue
                self._draw_figure(picture, which, body_xy[i, which], float(body_scales[i, which]))
                if which in (NEAR_ASSISTANT, FAR_ASSISTANT) and self.staging.poses.raised[frame, which]:
                    _draw_flag(picture, body_xy[i, which, RIGHT_ARM + 1], float(body_scales[i, which]))
            yield self._expose(picture, frame)

    def _draw_shadows(self, picture: Picture, xy: NDArray[np.int32], scales: Floats) -> None:
        shade = self._ground.grass[0] - 26
        for player in range(len(xy)):
            if _outside(xy[player, HIP], picture.shape, scales[player]):
                continue
            (x0, y0), (x1, y1) = xy[player, SHADOW : SHADOW + 2].tolist()
            width = max(1, round(0.3 * scales[player]))
            cv2.line(picture, (x0, y0), (x1, y1), shade, width, cv2.LINE_AA, SUBPIXEL_BITS)

    def _draw_figure(self, picture: Picture, figure: int, xy: NDArray[np.int32], scale: float) -> None:
        if _outside(xy[HIP], picture.shape, scale):
            return
        shirt, shorts, legs, head = self._kits[figure]
        leg_width, arm_width = max(1, round(0.17 * scale)), max(1, round(0.12 * scale))
        both = [xy[LEFT_LEG : LEFT_LEG + 3], xy[RIGHT_LEG : RIGHT_LEG + 3]]
        cv2.polylines(picture, both, False, legs, leg_width, cv2.LINE_AA, SUBPIXEL_BITS)
        (hip_x, hip_y), (neck_x, neck_y), (head_x, head_y) = xy[: HEAD + 1].tolist()
        unit = scale * _ONE
        shoulder, waist, drop = round(0.25 * unit), round(0.19 * unit), round(0.28 * unit)
        left, right, low = hip_x - waist, hip_x + waist, hip_y + drop
        _fill(picture, [(left, hip_y), (left, low), (right, low), (right, hip_y)], shorts)
        chest = [(neck_x - shoulder, neck_y), (neck_x + shoulder, neck_y), (right, hip_y), (left, hip_y)]
        _fill(picture, chest, shirt)
        if scale > _ARMS_FROM_PIXELS_PER_M:
            arms = [xy[LEFT_ARM : LEFT_ARM + 2], xy[RIGHT_ARM : RIGHT_ARM + 2]]
            cv2.polylines(picture, arms, False, shirt, arm_width, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.circle(picture, (head_x, head_y), round(0.13 * unit), head, -1, cv2.LINE_AA, SUBPIXEL_BITS)

    def _draw_ball(self, picture: Picture, xy: Floats, scale: float) -> None:
        """Draw the ball and its shadow; xy is [2, 2, 2]: frame before and now, ball and shadow."""
        diameter = _BALL_M * self._scene.ball_scale * scale
        # While the shutter is open, the ball draws a streak that ends where it is now.
        opened = xy[1] + (xy[0] - xy[1]) * self._scene.exposure
        radius = max(diameter / 2, 0.5)
        for which, luma in ((1, self._ground.grass[0] - 30), (0, _BALL_LUMA)):
            _blend_streak(picture, opened[which], xy[1, which], radius, luma)

    def _expose(self, picture: Picture, frame: int) -> Picture:
        """Return the picture with motion blur of the pan, light and noise."""
        path, light = self._path, self.staging.light
        earlier = frame if frame in self.staging.cuts else frame - 1
        pixels_panned = abs(path.pan[frame] - path.pan[earlier]) * path.focal[frame] * self._scene.exposure
        if pixels_panned >= 1.5:
            picture = np.asarray(cv2.blur(picture, (int(pixels_panned) | 1, 1)), dtype=np.uint8)
        if light is not None:
            picture = light.apply(picture, path, frame)
        y, x = self._grain_corners[frame].tolist()
        grain = self._grain[y : y + picture.shape[0], x : x + picture.shape[1]]
        cv2.addWeighted(picture, 1.0, grain, 1.0, -128.0, dst=picture)
        return np.asarray(np.clip(picture, 16, 235, out=picture))


def _fill(picture: Picture, corners: list[tuple[int, int]], luma: int) -> None:
    cv2.fillConvexPoly(picture, np.array(corners, np.int32), luma, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_flag(picture: Picture, hand: NDArray[np.int32], scale: float) -> None:
    """Draw a flag of 0.5 x 0.4 m above a hand; larger than a real one, as the ball is."""
    x, y = hand.tolist()
    half, up = round(0.25 * scale * _ONE), round(0.4 * scale * _ONE)
    _fill(picture, [(x - half, y), (x - half, y - up), (x + half, y - up), (x + half, y)], _FLAG_LUMA)


def _blend_streak(picture: Picture, start: Floats, stop: Floats, radius: float, luma: int) -> None:
    """Blend a disc that moves from `start` to `stop` [2] (x, y) into the picture, smooth at any size."""
    height, width = picture.shape
    low = np.floor(np.minimum(start, stop) - radius - 1).astype(int)
    high = np.ceil(np.maximum(start, stop) + radius + 1).astype(int)
    (x0, y0), (x1, y1) = np.clip(low, 0, (width, height)), np.clip(high, 0, (width, height))
    if x0 >= x1 or y0 >= y1:
        return
    x = np.arange(x0, x1) + 0.5 - start[0]
    y = np.arange(y0, y1)[:, None] + 0.5 - start[1]
    way = stop - start
    along = np.clip((x * way[0] + y * way[1]) / max(float(way @ way), 1e-9), 0.0, 1.0)
    cover = np.clip(radius + 0.5 - np.hypot(x - along * way[0], y - along * way[1]), 0.0, 1.0)
    patch = picture[y0:y1, x0:x1]
    patch[:] = np.rint(patch + cover * (luma - patch.astype(np.float64)))


def _ball_points(play: Play, frames: slice, scale: float) -> Floats:
    """Return the ball's center and its shadow's, [F, 2, 3]."""
    ball = play.ball[frames].astype(np.float64)
    center = ball + np.array([0.0, 0.0, _BALL_M * scale / 2])
    ground = ball * np.array([1.0, 1.0, 0.0]) + np.array([0.1, -0.05, 0.0])
    shadow = ground + ball[:, 2:] * np.array([0.5, 0.33, 0.0])
    return np.stack([center, shadow], axis=1)


def _outside(hip: NDArray[np.int32], shape: tuple[int, ...], scale: float) -> bool:
    if scale > _NEAREST_SCALE * shape[0]:
        return True
    x, y = hip.tolist()
    margin = int(2.5 * scale * _ONE)
    height, width = shape[0] << SUBPIXEL_BITS, shape[1] << SUBPIXEL_BITS
    return scale <= 0.0 or not (-margin < x < width + margin and -margin < y < height + margin)


def _kits(rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Return the luma (shirt, shorts, legs, head) of each figure: one team bright, one dark, keepers between."""
    light = (int(rng.integers(190, 222)), int(rng.choice([55, 120, 200])), int(rng.integers(165, 190)))
    dark = (int(rng.integers(28, 52)), int(rng.choice([40, 150, 200])), int(rng.integers(40, 60)))
    teams = [light, dark] if rng.random() < 0.5 else [dark, light]
    heads = rng.integers(45, 150, NUM_PLAYERS).tolist()
    kits = []
    for player in range(NUM_PLAYERS):
        keeper = player % TEAM_SIZE == 0
        kit = (150, 60, 140) if keeper else teams[player // TEAM_SIZE]
        kits.append((*kit, heads[player]))
    substitutes = [(*kit, head) for kit, head in zip(teams, (100, 70), strict=True)]
    return [*kits, *[(128, 30, 30, 90)] * 3, *substitutes]
