"""Rendering of a half as broadcast pictures, in gray or in color.

The luma of both is the same, bit for bit.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic import bodies
from bvas.synthetic.bodies import (
    HEAD,
    HIP,
    LEFT_ARM,
    LEFT_LEG,
    NECK,
    NUM_POINTS,
    RIGHT_ARM,
    RIGHT_LEG,
    SHADOW,
)
from bvas.synthetic.canvas import BLACK, SUBPIXEL_BITS, WHITE, Canvas, Paint, Picture, fixed_point, paint
from bvas.synthetic.config import SceneConfig
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
from bvas.synthetic.ground import Ground
from bvas.synthetic.kits import draw_kits, team_hues
from bvas.synthetic.movement import Floats
from bvas.synthetic.officials import FAR_ASSISTANT, NEAR_ASSISTANT
from bvas.synthetic.play_record import Play, Seed
from bvas.synthetic.staging import Staging

_CHUNK = 64
_BALL_M = 0.22
_BALL = Paint(228)
_FLAG = paint(215, (1.0, 0.85, 0.1))
_ONE = 1 << SUBPIXEL_BITS


class Renderer:
    """Pictures of one half, from any frame on; a frame looks the same wherever rendering begins."""

    def __init__(
        self, staging: Staging, scene: SceneConfig, *, look_seed: Seed, noise_seed: Seed, color_seed: Seed = 0
    ) -> None:
        """Prepare a half.

        Args:
            staging: Content of the pictures; the size of its path is the size of the pictures.
            scene: Picture settings.
            look_seed: Luma of kits, grass and crowd, the same in both halves of a match.
            noise_seed: Sensor noise.
            color_seed: Hues of kits, boards and crowd.
        """
        look = np.random.default_rng(look_seed)
        noise = np.random.default_rng(noise_seed)
        self.staging = staging
        self._play, self._path, self._scene = staging.play, staging.path, scene
        colors = np.random.default_rng(color_seed)
        hues = team_hues(colors)
        self._ground = Ground(look, hues, colors)
        self._kits = draw_kits(look, hues, colors)
        height, width = self._path.size
        grain = np.rint(noise.normal(128.0, scene.noise_luma, (3 * height, 3 * width)))
        self._grain = np.asarray(np.clip(grain, 0, 255), dtype=np.uint8)
        self._grain_corners = noise.integers(0, (2 * height, 2 * width), (self.num_frames, 2))

    @property
    def num_frames(self) -> int:
        """Frames of the half (L)."""
        return self._play.num_frames

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
        """Yield the luma of frames [start, stop), uint8 [H, W]; the caller owns each picture."""
        for canvas in self._canvases(start, stop, is_color=False):
            yield canvas.luma

    def color_frames(
        self, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[Picture, Picture, Picture]]:
        """Yield luma [H, W], blue and red difference [H / 2, W / 2] of frames [start, stop), uint8."""
        for canvas in self._canvases(start, stop, is_color=True):
            assert canvas.chroma is not None
            yield canvas.luma, canvas.chroma[..., 0], canvas.chroma[..., 1]

    def _canvases(self, start: int, stop: int | None, *, is_color: bool) -> Iterator[Canvas]:
        stop = self.num_frames if stop is None else min(stop, self.num_frames)
        for first in range(start, stop, _CHUNK):
            yield from self._chunk(slice(first, min(first + _CHUNK, stop)), is_color)

    def _chunk(self, frames: slice, is_color: bool) -> Iterator[Canvas]:
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
            canvas = Canvas(path.size, is_color=is_color)
            frame = frames.start + i
            self._ground.draw(canvas, path, frame)
            self._draw_shadows(canvas, body_xy[i], body_scales[i])
            for which in order[i].tolist():
                if which == num_figures:
                    earlier = i + 1 if frame in self.staging.cuts else i
                    self._draw_ball(canvas, ball_xy[[earlier, i + 1]], float(ball_scales[i + 1, 0]))
                    continue
                self._draw_figure(canvas, which, body_xy[i, which], float(body_scales[i, which]))
                if which in (NEAR_ASSISTANT, FAR_ASSISTANT) and self.staging.poses.raised[frame, which]:
                    _draw_flag(canvas, body_xy[i, which, RIGHT_ARM + 1], float(body_scales[i, which]))
            self._expose(canvas, frame)
            yield canvas

    def _draw_shadows(self, canvas: Canvas, xy: NDArray[np.int32], scales: Floats) -> None:
        shade = self._ground.shade
        seen = [i for i in range(len(xy)) if not _outside(xy[i, HIP], canvas.luma.shape, scales[i])]
        for player in seen:
            (x0, y0), (x1, y1) = xy[player, SHADOW : SHADOW + 2].tolist()
            width = max(1, round(0.3 * scales[player]))
            cv2.line(canvas.luma, (x0, y0), (x1, y1), shade.luma, width, cv2.LINE_AA, SUBPIXEL_BITS)
        if seen:
            canvas.tint_lines(xy[seen, SHADOW : SHADOW + 2], shade, round(0.3 * float(scales[seen].mean())))

    def _draw_figure(self, canvas: Canvas, figure: int, xy: NDArray[np.int32], scale: float) -> None:
        if _outside(xy[HIP], canvas.luma.shape, scale):
            return
        kit = self._kits[figure]
        leg_width, arm_width = max(1, round(LEG_M * scale)), max(1, round(ARM_M * scale))
        both = xy[LEFT_LEG : RIGHT_LEG + 3].reshape(2, 3, 2)
        canvas.lines(both, kit.legs, leg_width)
        # Socks begin below the knee.
        canvas.tint_lines((2 * both[:, 1:] + both[:, 2:]) // 3, kit.socks, leg_width)
        (hip_x, hip_y), (neck_x, neck_y) = xy[: NECK + 1].tolist()
        unit = scale * _ONE
        shoulder, waist, drop = round(SHOULDER_M * unit), round(WAIST_M * unit), round(SHORTS_M * unit)
        left, right, low = hip_x - waist, hip_x + waist, hip_y + drop
        _fill(canvas, [(left, hip_y), (left, low), (right, low), (right, hip_y)], kit.shorts)
        chest = [(neck_x - shoulder, neck_y), (neck_x + shoulder, neck_y), (right, hip_y), (left, hip_y)]
        _fill(canvas, chest, kit.shirt)
        if scale > ARMS_FROM_PIXELS_PER_M:
            canvas.lines(xy[LEFT_ARM : RIGHT_ARM + 2].reshape(2, 2, 2), kit.shirt, arm_width)
        canvas.disc(xy[HEAD], round(HEAD_M * unit), kit.head)

    def _draw_ball(self, canvas: Canvas, xy: Floats, scale: float) -> None:
        """Draw the ball and its shadow; xy is [2, 2, 2]: frame before and now, ball and shadow."""
        diameter = _BALL_M * self._scene.ball_scale * scale
        # While the shutter is open, the ball draws a streak that ends where it is now.
        opened = xy[1] + (xy[0] - xy[1]) * self._scene.exposure
        radius = max(diameter / 2, 0.5)
        for which, luma in ((1, self._ground.grass[0].luma - 30), (0, _BALL.luma)):
            _blend_streak(canvas.luma, opened[which], xy[1, which], radius, luma)
        canvas.tint_lines(fixed_point(np.stack([opened[:1], xy[1, :1]], axis=1)), _BALL, round(2 * radius))

    def _expose(self, canvas: Canvas, frame: int) -> None:
        """Add motion blur of the pan, light and noise."""
        path, light = self._path, self.staging.light
        earlier = frame if frame in self.staging.cuts else frame - 1
        pixels_panned = abs(path.pan[frame] - path.pan[earlier]) * path.focal[frame] * self._scene.exposure
        if pixels_panned >= 1.5:
            for plane, step in canvas.planes():
                cv2.blur(plane, (int(pixels_panned / step) | 1, 1), dst=plane)
        if light is not None:
            light.apply(canvas, path, frame)
        y, x = self._grain_corners[frame].tolist()
        luma = canvas.luma
        grain = self._grain[y : y + luma.shape[0], x : x + luma.shape[1]]
        cv2.addWeighted(luma, 1.0, grain, 1.0, -128.0, dst=luma)
        np.clip(luma, BLACK, WHITE, out=luma)


def _fill(canvas: Canvas, corners: list[tuple[int, int]], color: Paint) -> None:
    canvas.polygon(np.array(corners, np.int32), color)


def _draw_flag(canvas: Canvas, hand: NDArray[np.int32], scale: float) -> None:
    """Draw a flag of 0.5 x 0.4 m above a hand; larger than a real one, as the ball is."""
    x, y = hand.tolist()
    half, up = round(0.25 * scale * _ONE), round(0.4 * scale * _ONE)
    _fill(canvas, [(x - half, y), (x - half, y - up), (x + half, y - up), (x + half, y)], _FLAG)


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
    if scale > NEAREST_SCALE * shape[0]:
        return True
    x, y = hip.tolist()
    margin = int(2.5 * scale * _ONE)
    height, width = shape[0] << SUBPIXEL_BITS, shape[1] << SUBPIXEL_BITS
    return scale <= 0.0 or not (-margin < x < width + margin and -margin < y < height + margin)
