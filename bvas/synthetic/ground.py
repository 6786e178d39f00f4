"""Fixed scenery: grass, lines, goals, boards and crowd, drawn into a picture."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.camera import CameraPath
from bvas.synthetic.canvas import NO_HUE, SUBPIXEL_BITS, Canvas, Hue, Paint, Picture, fixed_point, paint
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats

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
_GRASS: Hue = (0.36, 0.58, 0.2)
_AROUND: Hue = (0.4, 0.5, 0.26)
_SKY: Hue = (0.3, 0.55, 0.95)
_BOARDS: tuple[Hue, ...] = (NO_HUE, (0.9, 0.2, 0.2), (0.2, 0.35, 0.9), (1.0, 0.8, 0.2), (0.3, 0.6, 0.45))
_CLOTHES: tuple[Hue, ...] = (
    NO_HUE,
    NO_HUE,
    (0.8, 0.6, 0.5),
    (0.3, 0.4, 0.8),
    (0.8, 0.25, 0.2),
    (0.9, 0.75, 0.3),
)
_SECTOR_SEATS = 34
_IN_TEAM_COLORS = 0.55


class Ground:
    """The ground of one match; shades differ a little from match to match."""

    def __init__(self, look: np.random.Generator, fans: tuple[Hue, Hue], colors: np.random.Generator) -> None:
        """Choose shades and spectators.

        Args:
            look: Draws luma.
            fans: Hues that the spectators wear.
            colors: Draws hues.
        """
        grass = float(look.uniform(88, 108))
        contrast = float(look.uniform(6, 12))
        self.grass = tuple(paint(int(grass + part * contrast / 2), _GRASS) for part in (-1, 1))
        self.shade = paint(self.grass[0].luma - 26, _GRASS)
        self._around = paint(int(grass - 14), _AROUND)
        self._sky = paint(self._around.luma, _SKY)
        white = int(look.uniform(180, 205))
        self._white, self._posts = Paint(white), Paint(white + 15)
        self._lines = _line_pieces()
        self._stripes = _stripe_corners(int(look.integers(16, 24)))
        self._boards = _board_corners()
        luma = look.choice([45, 70, 130, 175, 200], len(self._boards)).tolist()
        hues = colors.integers(len(_BOARDS), size=len(luma)).tolist()
        self._board_paints = [paint(shade, _BOARDS[hue]) for shade, hue in zip(luma, hues, strict=True)]
        self._goals = np.concatenate([_goal_pieces(-1), _goal_pieces(1)])
        crowds = [_crowd(look, along, up) for _, along, up in _STANDS[:3]]
        # The main camera never shows the last: it is a copy, so that it draws no random numbers.
        self._crowds = [(crowd, _dressed(crowd, fans, colors)) for crowd in (*crowds, crowds[0])]
        seats = [crowd.shape for crowd, _ in self._crowds]
        self._corners = np.array([corner for corner, _, _ in _STANDS])
        self._steps = np.array(
            [
                (np.array(along) / n, np.array(up) / m)
                for (_, along, up), (m, n) in zip(_STANDS, seats, strict=True)
            ]
        )
        """[stands, 2, 3] meters from a seat to the next, along the pitch and up."""
        # A seat more on each side: OpenCV draws a little beyond the last.
        self._ends = np.array(
            [[(-1, n + 1, -1, n + 1), (-1, -1, m + 1, m + 1), (1, 1, 1, 1)] for m, n in seats]
        )

    def draw(self, canvas: Canvas, path: CameraPath, frame: int) -> None:
        """Draw into a canvas, all of it overwritten."""
        canvas.fill(self._around)
        canvas.tint_rows(self._sky, path.horizon(frame))
        frames = slice(frame, frame + 1)
        stripes, stripe_scales = self._project(self._stripes, path, frames)
        for i in np.flatnonzero(_in_picture(stripes, stripe_scales, path.size)):
            canvas.polygon(stripes[i], self.grass[i % 2])
        self._draw_pieces(canvas, self._lines, path, frames, self._white, _LINE_M)
        self._draw_stands(canvas, path, frame)
        boards, board_scales = self._project(self._boards, path, frames)
        for i in np.flatnonzero(_in_picture(boards, board_scales, path.size)):
            canvas.polygon(boards[i], self._board_paints[i])
        self._draw_pieces(canvas, self._goals, path, frames, self._posts, 0.12)

    def _project(self, corners: Floats, path: CameraPath, frames: slice) -> tuple[NDArray[np.int32], Floats]:
        """Return corners [P, Q, 3] in fixed point, [P, Q, 2], and pixels per meter [P, Q]."""
        xy, scales = path.project(corners.reshape(1, -1, 3), frames)
        shape = corners.shape[:2]
        return fixed_point(xy[0]).reshape(*shape, 2), scales[0].reshape(shape)

    def _draw_pieces(
        self, canvas: Canvas, pieces: Floats, path: CameraPath, frames: slice, white: Paint, width_m: float
    ) -> None:
        ends, scales = self._project(pieces, path, frames)
        seen = _in_picture(ends, scales, path.size)
        if not seen.any():
            return
        width = width_m * float(scales[seen].mean())
        # Thinner than a pixel, a line keeps its light by getting darker.
        canvas.lines(ends[seen], self.grass[1].under(white, width), max(1, round(width)))

    def _draw_stands(self, canvas: Canvas, path: CameraPath, frame: int) -> None:
        height, width = path.size
        frames = slice(frame, frame + 1)
        right, down, forward = (axis[0] for axis in path.axes(frames))
        focal = path.focal[frame]
        rows = np.stack(
            [focal * right + width / 2 * forward, focal * down + height / 2 * forward, forward]
        )  # [3, 3], world to homogeneous pixels
        steps = np.concatenate([self._steps, (self._corners - path.position[frame])[:, None]], axis=1)
        to_pictures = (rows * steps[:, :, None]).sum(axis=-1).swapaxes(1, 2)
        x, y, depth = (to_pictures @ self._ends).swapaxes(0, 1)
        outside = x < 0.0, x > width * depth, y < 0.0, y > height * depth
        for i in np.flatnonzero(~np.any([side.all(axis=1) for side in outside], axis=0)):
            to_picture, crowds = to_pictures[i], self._crowds[i]
            to_crowd = np.linalg.inv(to_picture)
            # The corners of the picture in the plane of the stand.
            column, row, distance = to_crowd @ [[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]]
            in_front = distance > 0.0
            if in_front.all():
                column, row = column / distance, row / distance
                if row.max() < 0 or column.max() < 0 or column.min() > crowds[0].shape[1]:
                    continue
            elif not in_front.any():
                continue
            for (plane, step), crowd in zip(canvas.planes(), crowds, strict=False):
                in_plane = to_picture / [[step], [step], [1]]
                target = plane if in_front.all() else plane.copy()
                interpolation, border = cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT
                cv2.warpPerspective(crowd, in_plane, plane.shape[1::-1], target, interpolation, border)
                if target is not plane:
                    # OpenCV also draws the mirrored image of the seats behind the camera.
                    a, b, c = to_crowd[2]
                    ahead = a * np.arange(0, width, step) + b * np.arange(0, height, step)[:, None] + c > 0.0
                    plane[ahead] = target[ahead]


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


def _dressed(crowd: Picture, fans: tuple[Hue, Hue], colors: np.random.Generator) -> Picture:
    """Return the chroma of spectators, [rows, seats, 3]: sectors of fans, others between them."""
    # Clothes are paler than kits.
    hues = (*_CLOTHES, *((0.6 * red + 0.4, 0.6 * green + 0.4, 0.6 * blue + 0.4) for red, green, blue in fans))
    tables = np.array([[paint(luma, hue).chroma for luma in range(256)] for hue in hues], dtype=np.uint8)
    wears = colors.integers(len(_CLOTHES), size=crowd.shape)
    sectors = colors.integers(2, size=crowd.shape[1] // _SECTOR_SEATS + 1).repeat(_SECTOR_SEATS)
    are_fans = colors.random(crowd.shape) < _IN_TEAM_COLORS
    wears = np.where(are_fans, len(_CLOTHES) + sectors[: crowd.shape[1]], wears)
    return np.asarray(tables[wears, crowd])
