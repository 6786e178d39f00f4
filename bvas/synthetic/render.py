"""Render a half as gray pictures, the way a broadcast would show it.

Luma is drawn as it is stored, limited range: 16 is black, 235 white.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.bodies import (
    HEAD,
    HIP,
    LEFT_ARM,
    LEFT_LEG,
    NUM_POINTS,
    RIGHT_ARM,
    RIGHT_LEG,
    SHADOW,
    pose,
    swings,
)
from bvas.synthetic.camera import CameraPath
from bvas.synthetic.config import SceneConfig
from bvas.synthetic.events import NUM_PLAYERS, Play
from bvas.synthetic.ground import SUBPIXEL_BITS, Ground, Picture, fixed_point
from bvas.synthetic.movement import Floats
from bvas.synthetic.officials import Official
from bvas.synthetic.scoreboard import Scoreboard
from bvas.synthetic.staging import Staging

_CHUNK = 64
_BALL_M = 0.22
_BALL_LUMA = 228
_ARMS_FROM_PIXELS_PER_M = 9.0
_ONE = 1 << SUBPIXEL_BITS
_NEAREST_SCALE = 0.7
"""A meter takes at most this share of the picture's height."""
_HAND = RIGHT_ARM + 1
_WIPE_LUMA = (205, 60)
_WIPE_SLANT = 0.35
# (wide, high) in meters; larger than real ones, as the ball is.
_CARD_M, _FLAG_M, _BOARD_M = (0.24, 0.32), (0.5, 0.4), (0.75, 0.45)


class Renderer:
    """Pictures of one half, in order or from any frame on; frame i looks the same either way."""

    def __init__(
        self,
        play: Play,
        path: CameraPath,
        scene: SceneConfig,
        *,
        look_seed: int | tuple[int, ...],
        noise_seed: int | tuple[int, ...],
        staging: Staging | None = None,
    ) -> None:
        """Prepare.

        Args:
            play: What happens.
            path: Where the camera looks; its size is the pictures' size.
            scene: How it is shown.
            look_seed: Kits, grass and crowd: the same in both halves of a match.
            noise_seed: The sensor's noise.
            staging: Cuts, gestures and light; None for the main camera's view of the players alone.
        """
        look = np.random.default_rng(look_seed)
        noise = np.random.default_rng(noise_seed)
        self._play, self._path, self._scene = play, path, scene
        self._ground = Ground(look)
        self._kits = _kits(look)
        self._staging = staging
        self._scoreboard = Scoreboard(path.size, look) if scene.scoreboard else None
        self._poses = swings(play) if staging is None else staging.poses
        height, width = path.size
        grain = np.rint(noise.normal(128.0, scene.noise_luma, (3 * height, 3 * width)))
        self._grain = np.asarray(np.clip(grain, 0, 255), dtype=np.uint8)
        self._grain_corners = noise.integers(0, (2 * height, 2 * width), (play.num_frames, 2))

    @property
    def num_frames(self) -> int:
        """Frames of the half (L)."""
        return self._play.num_frames

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Picture]:
        """Yield frames [start, stop), uint8 [H, W]; each picture is the receiver's own."""
        stop = self.num_frames if stop is None else min(stop, self.num_frames)
        for first in range(start, stop, _CHUNK):
            yield from self._chunk(slice(first, min(first + _CHUNK, stop)))

    def _chunk(self, frames: slice) -> Iterator[Picture]:
        play, path = self._play, self._path
        bodies = pose(play, frames, self._poses, self._scene.player_scale).points
        num, num_figures = bodies.shape[:2]
        xy, scales = path.project(bodies.reshape(num, -1, 3), frames)
        body_xy = fixed_point(xy).reshape(num, num_figures, NUM_POINTS, 2)
        body_scales = scales.reshape(num, num_figures, NUM_POINTS)[..., HIP] * self._scene.player_scale
        # The frame before is needed for the ball's blur: at the start of a half it is the frame itself.
        before = slice(max(0, frames.start - 1), frames.stop)
        ball_xy, ball_scales = path.project(_ball_points(play, before, self._scene.ball_scale), before)
        if frames.start == 0:
            ball_xy, ball_scales = (np.concatenate([part[:1], part]) for part in (ball_xy, ball_scales))
        # Farther from the camera is drawn earlier.
        if path.position is None:
            nearness = -np.concatenate([play.players[frames, :, 1], play.ball[frames, None, 1]], axis=1)
        else:
            figures = scales.reshape(num, num_figures, NUM_POINTS)[..., HIP]
            nearness = np.concatenate([figures, ball_scales[1:, :1]], axis=1).astype(np.float32)
        order = np.argsort(nearness, axis=1, kind="stable")
        for i in range(num):
            picture = np.empty(path.size, dtype=np.uint8)
            self._ground.draw(picture, path, frames.start + i)
            self._draw_shadows(picture, body_xy[i], body_scales[i])
            for which in order[i].tolist():
                if which == num_figures:
                    earlier = i + 1 if self._is_cut(frames.start + i) else i
                    self._draw_ball(picture, ball_xy[[earlier, i + 1]], float(ball_scales[i + 1, 0]))
                else:
                    self._draw_player(picture, which, body_xy[i, which], float(body_scales[i, which]))
                    self._draw_held(
                        picture, frames.start + i, which, body_xy[i, which], body_scales[i, which]
                    )
            yield self._through_the_camera(picture, frames.start + i)

    def _draw_shadows(self, picture: Picture, xy: NDArray[np.int32], scales: Floats) -> None:
        shade = self._ground.grass[0] - 26
        for player in range(len(xy)):
            if _outside(xy[player, HIP], picture.shape, scales[player]):
                continue
            (x0, y0), (x1, y1) = xy[player, SHADOW : SHADOW + 2].tolist()
            width = max(1, round(0.3 * scales[player]))
            cv2.line(picture, (x0, y0), (x1, y1), shade, width, cv2.LINE_AA, SUBPIXEL_BITS)

    def _draw_player(self, picture: Picture, player: int, xy: NDArray[np.int32], scale: float) -> None:
        if _outside(xy[HIP], picture.shape, scale):
            return
        shirt, shorts, legs, head = self._kits[player]
        leg_width = max(1, round(0.17 * scale))
        both = [xy[LEFT_LEG : LEFT_LEG + 3], xy[RIGHT_LEG : RIGHT_LEG + 3]]
        cv2.polylines(picture, both, False, legs, leg_width, cv2.LINE_AA, SUBPIXEL_BITS)
        (hip_x, hip_y), (neck_x, neck_y), (head_x, head_y) = xy[: HEAD + 1].tolist()
        unit = scale * _ONE
        shoulder, waist, drop = round(0.25 * unit), round(0.19 * unit), round(0.28 * unit)
        outline = np.array(
            [
                (hip_x - waist, hip_y),
                (hip_x - waist, hip_y + drop),
                (hip_x + waist, hip_y + drop),
                (hip_x + waist, hip_y),
            ],
            dtype=np.int32,
        )
        cv2.fillConvexPoly(picture, outline, shorts, cv2.LINE_AA, SUBPIXEL_BITS)
        outline = np.array(
            [
                (neck_x - shoulder, neck_y),
                (neck_x + shoulder, neck_y),
                (hip_x + waist, hip_y),
                (hip_x - waist, hip_y),
            ],
            dtype=np.int32,
        )
        cv2.fillConvexPoly(picture, outline, shirt, cv2.LINE_AA, SUBPIXEL_BITS)
        if scale > _ARMS_FROM_PIXELS_PER_M:
            arms = [xy[LEFT_ARM : LEFT_ARM + 2], xy[RIGHT_ARM : RIGHT_ARM + 2]]
            cv2.polylines(
                picture, arms, False, shirt, max(1, round(0.12 * scale)), cv2.LINE_AA, SUBPIXEL_BITS
            )
        cv2.circle(picture, (head_x, head_y), round(0.13 * unit), head, -1, cv2.LINE_AA, SUBPIXEL_BITS)

    def _draw_held(self, picture: Picture, frame: int, who: int, xy: NDArray[np.int32], scale: float) -> None:
        luma = 0 if self._staging is None else int(self._staging.held[frame, who])
        if luma == 0:
            return
        wide, high = _BOARD_M if who == Official.FOURTH else _CARD_M if who == Official.REFEREE else _FLAG_M
        x, y = (int(part) for part in xy[_HAND])
        half, up = round(wide / 2 * scale * _ONE), round(high * scale * _ONE)
        outline = np.array([(x - half, y), (x - half, y - up), (x + half, y - up), (x + half, y)], np.int32)
        cv2.fillConvexPoly(picture, outline, luma, cv2.LINE_AA, SUBPIXEL_BITS)

    def _is_cut(self, frame: int) -> bool:
        return self._staging is not None and bool(self._staging.cut[frame])

    def _draw_ball(self, picture: Picture, xy: Floats, scale: float) -> None:
        """Draw the ball and its shadow; xy is [2, 2, 2]: frame before and now, ball and its shadow."""
        diameter = _BALL_M * self._scene.ball_scale * scale
        # While the shutter is open, the ball draws a streak that ends where it is now.
        opened = xy[1] + (xy[0] - xy[1]) * self._scene.exposure
        radius = max(diameter / 2, 0.5)
        for which, luma in ((1, self._ground.grass[0] - 30), (0, _BALL_LUMA)):
            _blend_streak(picture, opened[which], xy[1, which], radius, luma)

    def _through_the_camera(self, picture: Picture, frame: int) -> Picture:
        path, staging, earlier = self._path, self._staging, max(0, frame - 1)
        if self._is_cut(frame):
            earlier = frame
        pixels_panned = abs(path.pan[frame] - path.pan[earlier]) * path.focal[frame] * self._scene.exposure
        if pixels_panned >= 1.5:
            picture = np.asarray(cv2.blur(picture, (int(pixels_panned) | 1, 1)), dtype=np.uint8)
        if staging is not None and staging.light is not None:
            picture = staging.light.apply(picture, path, frame)
        if self._scoreboard is not None and (staging is None or staging.live[frame]):
            self._scoreboard.draw(picture, int(frame / self._play.rate))
        if staging is not None and not np.isnan(staging.wipe[frame]):
            _draw_wipe(picture, float(staging.wipe[frame]))
        y, x = self._grain_corners[frame].tolist()
        grain = self._grain[y : y + picture.shape[0], x : x + picture.shape[1]]
        cv2.addWeighted(picture, 1.0, grain, 1.0, -128.0, dst=picture)
        return np.asarray(np.clip(picture, 16, 235, out=picture))


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


def _draw_wipe(picture: Picture, part: float) -> None:
    """Draw the slanting bar that hides a cut; `part` is how far it has come from left to right."""
    height, width = picture.shape
    slant = _WIPE_SLANT * height
    # Half-way through it covers the whole width.
    middle, half = (2.0 * part - 0.5) * width, 0.62 * width * (1.0 - abs(2.0 * part - 1.0)) + 0.08 * width
    for luma, shrink in zip(_WIPE_LUMA, (1.0, 0.7), strict=True):
        left, right = middle - shrink * half, middle + shrink * half
        outline = np.array(
            [(left + slant, 0), (right + slant, 0), (right - slant, height), (left - slant, height)]
        )
        cv2.fillConvexPoly(picture, fixed_point(outline), luma, cv2.LINE_AA, SUBPIXEL_BITS)


def _ball_points(play: Play, frames: slice, scale: float) -> Floats:
    """Return the ball's center and its shadow's, [F, 2, 3]."""
    ball = play.ball[frames].astype(np.float64)
    center = ball + np.array([0.0, 0.0, _BALL_M * scale / 2])
    ground = ball * np.array([1.0, 1.0, 0.0]) + np.array([0.1, -0.05, 0.0])
    shadow = ground + ball[:, 2:] * np.array([0.5, 0.33, 0.0])
    return np.stack([center, shadow], axis=1)


def _outside(hip: NDArray[np.int32], shape: tuple[int, ...], scale: float) -> bool:
    # Who stands right before the camera is left out as well, or nothing else would be seen.
    if scale > _NEAREST_SCALE * shape[0]:
        return True
    x, y = hip.tolist()
    margin = int(2.5 * scale * _ONE)
    height, width = shape[0] << SUBPIXEL_BITS, shape[1] << SUBPIXEL_BITS
    return scale <= 0.0 or not (-margin < x < width + margin and -margin < y < height + margin)


def _kits(rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Return (shirt, shorts, legs, head) of each figure: one team bright, one dark, keepers between."""
    light = (int(rng.integers(190, 222)), int(rng.choice([55, 120, 200])), int(rng.integers(165, 190)))
    dark = (int(rng.integers(28, 52)), int(rng.choice([40, 150, 200])), int(rng.integers(40, 60)))
    teams = [light, dark] if rng.random() < 0.5 else [dark, light]
    heads = rng.integers(45, 150, NUM_PLAYERS).tolist()
    kits = []
    for player in range(NUM_PLAYERS):
        keeper = player % (NUM_PLAYERS // 2) == 0
        kit = (150, 60, 140) if keeper else teams[player // (NUM_PLAYERS // 2)]
        kits.append((*kit, heads[player]))
    officials = [(128, 30, 30, 90)] * (len(Official) - 2)
    bench = [(*teams[team], 100 - 30 * team) for team in range(2)]
    return kits + officials + bench
