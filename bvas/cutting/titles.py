"""Titles over the first pictures of a cut: what it shows, and when that was in its video."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.cutting.cut_list import VideoCut
from bvas.report.lettering import draw_text, text_width
from bvas.video.index.stored_picture import samples_of

_SECONDS = 2.0
# Gray of the box and of the letters; share of the picture that shines through the box.
_BACK, _INK, _THROUGH = 20, 255, 0.2
_NEUTRAL = 128


def title_of(cut: VideoCut, *, with_name: bool) -> str:
    """Return the title of a cut: label, time in its video, and the name of that.

    >>> title_of(cut, with_name=True)  # doctest: +SKIP
    'GOAL · 16:23 · match.mp4'
    """
    seconds = int(cut.moment_seconds + 1e-6)
    time = f"{seconds // 60}:{seconds % 60:02d}"
    name = cut.source.index.path.name if with_name else ""
    return " · ".join(part for part in (", ".join(cut.labels), time, name) if part)


class DrawnTitle:
    """A line of text in the lower left corner, white on a dark box."""

    seconds = _SECONDS

    def __init__(self, text: str) -> None:
        self._text = text
        self._size = (0, 0)
        self._box: _Box | None = None

    def draw(self, picture: Any, *, is_full_range: bool) -> None:
        """Draw it into a yuv420p frame of PyAV, in place."""
        size = picture.height, picture.width
        if self._box is None or self._size != size:
            self._size, self._box = size, _Box(self._text, size)
        self._box.draw(picture, is_full_range=is_full_range)


class _Box:
    """A title for pictures of one size."""

    def __init__(self, text: str, size: tuple[int, int]) -> None:
        height, width = size
        # Pixels that stand for one of a picture of 540 rows; narrow pictures have smaller letters.
        unit = min(height / 540, width / 720)
        edge, pad = _even(16 * unit), 12 * unit
        scale = 0.9 * unit
        scale *= min(1.0, (width - 2 * edge - 2 * pad) / max(1, text_width(text, scale, bold=True)))
        columns = min(_even(text_width(text, scale, bold=True) + 2 * pad), (width - edge) // 2 * 2)
        rows = min(_even(48 * unit), (height - edge) // 2 * 2)
        ink = np.zeros((rows, columns, 3), np.uint8)
        draw_text(ink, text, round(pad), round(rows * 0.68), scale, (255, 255, 255), bold=True)
        share: NDArray[np.float32] = (ink[..., 0] / 255).astype(np.float32)
        self._top, self._left = (height - edge - rows) // 2 * 2, edge
        self._kept: NDArray[np.float32] = _THROUGH * (1 - share)
        self._gray: NDArray[np.float32] = (1 - _THROUGH) * _BACK * (1 - share) + _INK * share

    def draw(self, picture: Any, *, is_full_range: bool) -> None:
        """Draw it in place: gray is gray in every matrix."""
        rows, columns = self._kept.shape
        luma, *chroma = (samples_of(plane) for plane in picture.planes)
        place = luma[self._top : self._top + rows, self._left : self._left + columns]
        # Both are written in full range; limited range shrinks what is added, and moves its black.
        gray = self._gray if is_full_range else self._gray * (219 / 255) + 16 * (1 - self._kept)
        place[:] = np.rint(place * self._kept + gray)
        kept = self._kept.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
        for plane in chroma:
            top, left = self._top // 2, self._left // 2
            place = plane[top : top + rows // 2, left : left + columns // 2]
            place[:] = np.rint((place.astype(np.float32) - _NEUTRAL) * kept + _NEUTRAL)


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)
