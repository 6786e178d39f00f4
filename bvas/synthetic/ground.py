"""Fixed scenery: grass, lines, goals, boards and crowd, drawn into a picture."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.camera import CameraPath
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats

Picture = NDArray[np.uint8]

SUBPIXEL_BITS = 3
"""Fractional bits of OpenCV coordinates."""
_LINE_M = 0.12
_PIECE_M = 2.0
_STANDS = (
    # (corner nearest to the pitch, along the pitch, up the stand), meters
    ((-85.0, 38.5, 0.9), (170.0, 0.0, 0.0), (0.0, 22.0, 13.0)),
    ((57.5, -70.0, 0.9), (0.0, 120.0, 0.0), (22.0, 0.0, 13.0)),
    ((-57.5, 70.0, 0.9), (0.0, -120.0, 0.0), (-22.0, 0.0, 13.0)),
    # The main camera stands here, and the second cameras.
    ((85.0, -44.0, 0.9), (-170.0, 0.0, 0.0), (0.0, -22.0, 13.0)),
)
_SEATS_PER_M = 1.6


class Ground:
    """The ground of one match; shades differ a little from match to match."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Choose shades and spectators."""
        grass = float(rng.uniform(88, 108))
        contrast = float(rng.uniform(6, 12))
        self.grass = (int(grass - contrast / 2), int(grass + contrast / 2))
        self._around = int(grass - 14)
        self._white = int(rng.uniform(180, 205))
        self._lines = _line_pieces()
        self._stripes = _stripe_corners(int(rng.integers(16, 24)))
        self._boards = _board_corners()
        self._board_luma = rng.choice([45, 70, 130, 175, 200], len(self._boards)).tolist()
        self._goals = np.concatenate([_goal_pieces(-1), _goal_pieces(1)])
        self._crowds = [_crowd(rng, along, up) for _, along, up in _STANDS[:3]]
        # The main camera never shows the last: it is a copy, so that it draws no random numbers.
        self._crowds.append(self._crowds[0])

    def draw(self, picture: Picture, path: CameraPath, frame: int) -> None:
        """Draw into uint8 [H, W], all of it overwritten."""
        picture[:] = self._around
        frames = slice(frame, frame + 1)
        stripes, stripe_scales = self._project(self._stripes, path, frames)
        for i in np.flatnonzero(_in_picture(stripes, stripe_scales, picture.shape)):
            cv2.fillConvexPoly(picture, stripes[i], self.grass[i % 2], cv2.LINE_AA, SUBPIXEL_BITS)
        self._draw_pieces(picture, self._lines, path, frames, self._white, _LINE_M)
        self._draw_stands(picture, path, frame)
        boards, board_scales = self._project(self._boards, path, frames)
        for i in np.flatnonzero(_in_picture(boards, board_scales, picture.shape)):
            cv2.fillConvexPoly(picture, boards[i], self._board_luma[i], cv2.LINE_AA, SUBPIXEL_BITS)
        self._draw_pieces(picture, self._goals, path, frames, self._white + 15, 0.12)

    def _project(self, corners: Floats, path: CameraPath, frames: slice) -> tuple[NDArray[np.int32], Floats]:
        """Return corners [P, Q, 3] in fixed point, [P, Q, 2], and pixels per meter [P, Q]."""
        xy, scales = path.project(corners.reshape(1, -1, 3), frames)
        shape = corners.shape[:2]
        return fixed_point(xy[0]).reshape(*shape, 2), scales[0].reshape(shape)

    def _draw_pieces(
        self, picture: Picture, pieces: Floats, path: CameraPath, frames: slice, luma: int, width_m: float
    ) -> None:
        ends, scales = self._project(pieces, path, frames)
        seen = _in_picture(ends, scales, picture.shape)
        if not seen.any():
            return
        width = width_m * float(scales[seen].mean())
        # Thinner than a pixel, a line keeps its light by getting darker.
        shade = self.grass[1] + (luma - self.grass[1]) * min(1.0, width)
        cv2.polylines(
            picture, list(ends[seen]), False, int(shade), max(1, round(width)), cv2.LINE_AA, SUBPIXEL_BITS
        )

    def _draw_stands(self, picture: Picture, path: CameraPath, frame: int) -> None:
        height, width = picture.shape
        frames = slice(frame, frame + 1)
        right, down, forward = (axis[0] for axis in path.axes(frames))
        focal = path.focal[frame]
        rows = np.stack(
            [focal * right + width / 2 * forward, focal * down + height / 2 * forward, forward]
        )  # [3, 3], world to homogeneous pixels
        for (corner, along, up), crowd in zip(_STANDS, self._crowds, strict=True):
            away = np.asarray(corner) - path.position[frame]
            steps = (np.asarray(along) / crowd.shape[1], np.asarray(up) / crowd.shape[0], away)
            to_picture = np.stack([(rows * step).sum(axis=1) for step in steps], axis=1)
            to_crowd = np.linalg.inv(to_picture)
            # The corners of the picture in the plane of the stand: most stands are wholly in front, or not seen.
            x, y, depth = to_crowd @ [[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]]
            in_front = depth > 0.0
            if in_front.all():
                column, row = x / depth, y / depth
                if row.max() < 0 or column.max() < 0 or column.min() > crowd.shape[1]:
                    continue
            elif not in_front.any():
                continue
            target = picture if in_front.all() else picture.copy()
            interpolation, border = cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT
            cv2.warpPerspective(crowd, to_picture, (width, height), target, interpolation, border)
            if target is not picture:
                # OpenCV also draws the mirrored image of the seats behind the camera.
                a, b, c = to_crowd[2]
                in_front = a * np.arange(width) + b * np.arange(height)[:, None] + c > 0.0
                np.copyto(picture, target, where=in_front)


def fixed_point(pixels: Floats) -> NDArray[np.int32]:
    """Return pixel positions with `SUBPIXEL_BITS` of fraction; pixel (0, 0) has its center at 0.5."""
    return np.asarray(np.rint(np.clip(pixels - 0.5, -3000, 6000) * (1 << SUBPIXEL_BITS)), dtype=np.int32)


def _in_picture(corners: NDArray[np.int32], scales: Floats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which of [P, Q, 2] shapes lie in front of the camera and may touch the picture, [P]."""
    height, width = (edge << SUBPIXEL_BITS for edge in shape[:2])
    low, high = corners.min(axis=1), corners.max(axis=1)
    touches = (high[:, 0] > 0) & (high[:, 1] > 0) & (low[:, 0] < width) & (low[:, 1] < height)
    return np.asarray(touches & (scales > 0).all(axis=1))


def _stripe_corners(number: int) -> Floats:
    edges = np.linspace(-HALF_LENGTH - 2, HALF_LENGTH + 2, number + 1)
    near, far = -HALF_WIDTH - 2, HALF_WIDTH + 2
    corners = [[(a, near, 0), (a, far, 0), (b, far, 0), (b, near, 0)] for a, b in pairwise(edges)]
    return np.array(corners, dtype=np.float64)


def _board_corners() -> Floats:
    sides = [((x, 37.0), (x + 7.0, 37.0)) for x in range(-56, 56, 7)]
    ends = [((x, y), (x, y + 7.0)) for x in (-56.0, 56.0) for y in range(-35, 35, 7)]
    return np.array([[(*a, 0.0), (*b, 0.0), (*b, 0.95), (*a, 0.95)] for a, b in (*sides, *ends)])


def _line_pieces() -> Floats:
    """Return the lines of a pitch (Laws of the Game, law 1) in short pieces, [P, 2, 3]."""
    length, width = HALF_LENGTH, HALF_WIDTH
    ways = [
        [(-length, -width), (length, -width), (length, width), (-length, width), (-length, -width)],
        [(0.0, -width), (0.0, width)],
        _arc((0.0, 0.0), 9.15, 0.0, 2 * np.pi),
        _arc((0.0, 0.0), 0.2, 0.0, 2 * np.pi),
    ]
    for side in (-1.0, 1.0):
        for depth, half in ((16.5, 20.16), (5.5, 9.16)):
            inner = side * (length - depth)
            ways.append([(side * length, -half), (inner, -half), (inner, half), (side * length, half)])
        spot, turn = side * (length - 11.0), np.pi if side > 0 else 0.0
        opening = float(np.arccos(5.5 / 9.15))
        ways.append(_arc((spot, 0.0), 9.15, turn - opening, turn + opening))
        ways.append(_arc((spot, 0.0), 0.2, 0.0, 2 * np.pi))
    pieces = [piece for way in ways for piece in _cut(np.asarray(way, dtype=np.float64))]
    flat = np.array(pieces)
    return np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=-1)


def _goal_pieces(side: int) -> Floats:
    line, back, half, height = side * HALF_LENGTH, side * (HALF_LENGTH + 1.8), 3.66, 2.44
    ways = [
        [(line, -half, 0), (line, -half, height), (line, half, height), (line, half, 0)],
        [(line, -half, height), (back, -half, 0), (back, half, 0), (line, half, height)],
    ]
    return np.array([pair for way in ways for pair in pairwise(way)], dtype=np.float64)


def _arc(center: tuple[float, float], radius: float, start: float, stop: float) -> list[tuple[float, float]]:
    angles = np.linspace(start, stop, 65 if radius > 1 else 7)
    return [(center[0] + radius * float(np.cos(a)), center[1] + radius * float(np.sin(a))) for a in angles]


def _cut(way: Floats) -> list[Floats]:
    pieces = []
    for start, stop in pairwise(way):
        number = max(1, round(float(np.hypot(*(stop - start))) / _PIECE_M))
        points = start + np.linspace(0, 1, number + 1)[:, None] * (stop - start)
        pieces += [np.stack(pair) for pair in pairwise(points)]
    return pieces


def _crowd(rng: np.random.Generator, along: tuple[float, ...], up: tuple[float, ...]) -> Picture:
    shape = tuple(int(np.linalg.norm(way) * _SEATS_PER_M) for way in (up, along))
    people = rng.normal(78, 26, shape) * (rng.random(shape) < 0.85) + 30
    return np.asarray(np.clip(people, 25, 190), dtype=np.uint8)
