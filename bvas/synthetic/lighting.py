"""Changing light: the stand's shadow on the pitch, automatic exposure with drift, flickering lamps."""

from itertools import pairwise

import cv2
import numpy as np

from bvas.synthetic.camera import CameraPath, trail
from bvas.synthetic.canvas import BLACK, NEUTRAL, SUBPIXEL_BITS, WHITE, Canvas, Picture, fixed_point
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats
from bvas.synthetic.play_record import Play, Seed

_STRIP_M = 5.0
_SHADE_PROBABILITY, _SHADE_DEPTH = 0.5, 0.45
_FLICKER_PROBABILITY, _FLICKER_DEPTH = 0.3, 0.05
_EXPOSURE_DRIFT = 0.12
_EXPOSURE_LAG_SECONDS = 0.6


class Light:
    """Brightness of each of L frames, and the place of the shadow."""

    def __init__(self, play: Play, *, match_seed: Seed, half_seed: Seed) -> None:
        """Draw the light of a half.

        Args:
            play: The match; the exposure follows what the camera watches.
            match_seed: Weather and lamps, the same in both halves of a match.
            half_seed: Drift of the exposure.
        """
        match, half = np.random.default_rng(match_seed), np.random.default_rng(half_seed)
        edge, slope = float(match.uniform(-24.0, 18.0)), float(match.uniform(-0.12, 0.12))
        beat = float(match.uniform(1.5, 6.0))
        self._strips = _strips(edge, slope) if match.random() < _SHADE_PROBABILITY else None
        flickers = match.random() < _FLICKER_PROBABILITY
        seconds = np.arange(play.num_frames) / float(play.rate)
        rates, starts = half.uniform(0.02, 0.12, 3), half.uniform(0, 2 * np.pi, 3)
        waves = np.sin(2 * np.pi * rates * seconds[:, None] + starts).mean(axis=1)
        self.gain: Floats = 1.0 + _EXPOSURE_DRIFT * waves
        """[L] brightness over that of even light."""
        if self._strips is not None:
            # The iris opens by a half of the light that the shadow takes.
            x, y = play.watched[:, :2].astype(np.float64).T
            inside = np.clip((edge + slope * x - y) / 12.0 + 0.5, 0.0, 1.0)
            opened = trail(inside[:, None], lag=_EXPOSURE_LAG_SECONDS, rate=float(play.rate))[:, 0]
            self.gain *= 1.0 + opened * 0.5 * _SHADE_DEPTH / (1.0 - _SHADE_DEPTH)
        if flickers:
            self.gain *= 1.0 + _FLICKER_DEPTH * np.sin(2 * np.pi * beat * seconds)

    def apply(self, canvas: Canvas, path: CameraPath, frame: int) -> None:
        """Bring a canvas into the light of a frame."""
        gain = float(self.gain[frame])
        mask = None if self._strips is None else _mask(self._strips, path, frame)
        for plane, step in canvas.planes():
            if mask is not None:
                shaded = cv2.LUT(plane, _table(gain * (1.0 - _SHADE_DEPTH), step))
            cv2.LUT(plane, _table(gain, step), dst=plane)
            if mask is not None:
                cv2.copyTo(shaded, np.ascontiguousarray(mask[::step, ::step]), plane)


def _mask(strips: Floats, path: CameraPath, frame: int) -> Picture:
    """Return 255 in the shadow of a frame, else 0; uint8 [H, W]."""
    xy, scales = path.project(strips.reshape(1, -1, 3), slice(frame, frame + 1))
    corners = fixed_point(xy[0]).reshape(-1, 4, 2)
    ahead = (scales[0].reshape(-1, 4) > 0.0).all(axis=1)
    mask = np.zeros(path.size, dtype=np.uint8)
    for quad in corners[ahead]:
        cv2.fillConvexPoly(mask, quad, 255, cv2.LINE_8, SUBPIXEL_BITS)
    return mask


def _table(gain: float, step: int) -> Picture:
    """Return the values of a plane, luma or chroma, in brighter or darker light, uint8 [256]."""
    values = np.arange(256, dtype=np.float64)
    # Black and white of luma, gray and the ends of limited range of chroma.
    origin, low, top = (BLACK, 0, WHITE) if step == 1 else (NEUTRAL, 16, 240)
    return np.asarray(np.clip(np.rint(origin + (values - origin) * gain), low, top), dtype=np.uint8)


def _strips(edge: float, slope: float) -> Floats:
    """Return the shadow from the near side to a slanting edge, in quads [S, 4, 3]."""
    ends = np.arange(-HALF_LENGTH - 8.0, HALF_LENGTH + 8.0 + _STRIP_M, _STRIP_M)
    near = -HALF_WIDTH - 8.0
    quads = [
        [(a, near, 0.0), (a, edge + slope * a, 0.0), (b, edge + slope * b, 0.0), (b, near, 0.0)]
        for a, b in pairwise(ends)
    ]
    return np.array(quads, dtype=np.float64)
