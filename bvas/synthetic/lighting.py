"""Light that changes: the stand's shadow on the pitch, exposure that wanders and follows it, lamps that flicker."""

from itertools import pairwise

import cv2
import numpy as np

from bvas.synthetic.broadcast import BroadcastConfig
from bvas.synthetic.camera import CameraPath, trail
from bvas.synthetic.events import Play
from bvas.synthetic.ground import SUBPIXEL_BITS, Picture, fixed_point
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats

_BLACK = 16
_STRIP_M = 5.0
_OPENS_SECONDS = 0.6
"""Time by which the exposure trails what the camera sees."""


class Light:
    """How bright each of L frames is, and where the shadow lies."""

    def __init__(
        self,
        play: Play,
        config: BroadcastConfig,
        *,
        match_seed: int | tuple[int, ...],
        half_seed: int | tuple[int, ...],
    ) -> None:
        """Choose.

        Args:
            play: What happens; the exposure follows what is looked at.
            config: How much of it there is.
            match_seed: The weather: the same in both halves of a match.
            half_seed: How the exposure wanders.
        """
        match, half = np.random.default_rng(match_seed), np.random.default_rng(half_seed)
        edge = float(match.uniform(-24.0, 18.0))
        slope = float(match.uniform(-0.12, 0.12))
        beat, depth = float(match.uniform(1.5, 6.0)), config.flicker_depth
        self._light = 1.0 - config.shade_depth
        self._strips = _strips(edge, slope) if match.random() < config.shade else None
        flickers = match.random() < config.flicker
        seconds = np.arange(play.num_frames) / float(play.rate)
        rates, starts = half.uniform(0.02, 0.12, 3), half.uniform(0, 2 * np.pi, 3)
        waves = np.sin(2 * np.pi * rates * seconds[:, None] + starts).mean(axis=1)
        gain = 1.0 + config.exposure_drift * waves
        if self._strips is not None:
            # The iris opens by a half of what the shadow takes.
            x, y = play.watched[:, 0].astype(np.float64), play.watched[:, 1].astype(np.float64)
            inside = np.clip((edge + slope * x - y) / 12.0 + 0.5, 0.0, 1.0)
            opened = trail(inside[:, None], lag=_OPENS_SECONDS, rate=float(play.rate))[:, 0]
            gain *= 1.0 + opened * 0.5 * config.shade_depth / self._light
        if flickers:
            gain *= 1.0 + depth * np.sin(2 * np.pi * beat * seconds)
        self.gain: Floats = gain
        """[L] brightness over that of a plain match."""

    def apply(self, picture: Picture, path: CameraPath, frame: int) -> Picture:
        """Return the picture, uint8 [H, W], in the light of a frame."""
        gain = float(self.gain[frame])
        lit = np.asarray(cv2.LUT(picture, _table(gain)), dtype=np.uint8)
        if self._strips is None:
            return lit
        xy, scales = path.project(self._strips.reshape(1, -1, 3), slice(frame, frame + 1))
        corners = fixed_point(xy[0]).reshape(-1, 4, 2)
        ahead = (scales[0].reshape(-1, 4) > 0.0).all(axis=1)
        mask = np.zeros(picture.shape, dtype=np.uint8)
        for quad in corners[ahead]:
            cv2.fillConvexPoly(mask, quad, 255, cv2.LINE_8, SUBPIXEL_BITS)
        shaded = cv2.LUT(picture, _table(gain * self._light))
        cv2.copyTo(shaded, mask, lit)
        return lit


def _table(gain: float) -> Picture:
    luma = np.arange(256, dtype=np.float64)
    return np.asarray(np.clip(np.rint(_BLACK + (luma - _BLACK) * gain), 0, 235), dtype=np.uint8)


def _strips(edge: float, slope: float) -> Floats:
    """Return the shadow, which reaches from the near side to a slanting edge, in pieces [S, 4, 3]."""
    ends = np.arange(-HALF_LENGTH - 8.0, HALF_LENGTH + 8.0 + _STRIP_M, _STRIP_M)
    near = -HALF_WIDTH - 8.0
    pieces = [
        [(a, near, 0.0), (a, edge + slope * a, 0.0), (b, edge + slope * b, 0.0), (b, near, 0.0)]
        for a, b in pairwise(ends)
    ]
    return np.array(pieces, dtype=np.float64)
