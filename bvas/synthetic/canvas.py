"""Canvas: luma as it is stored, and two chroma planes of half its size, drawn together.

Luma is of limited range: 16 is black, 235 white. Chroma is that of ITU-R BT.601, at the left of its two columns.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.movement import Floats

Picture = NDArray[np.uint8]

SUBPIXEL_BITS = 3
"""Fractional bits of OpenCV coordinates."""
BLACK, WHITE, NEUTRAL = 16, 235, 128
# Of chroma: a coordinate in eighths of a pixel is one in sixteenths of a pair, but for half a row.
_CHROMA_BITS = SUBPIXEL_BITS + 1
_HALF_ROW = np.array([0, 1 << SUBPIXEL_BITS - 1], dtype=np.int32)
_RED_SHARE, _BLUE_SHARE = 0.299, 0.114

Hue = tuple[float, float, float]
"""Red, green and blue in [0, 1]; their ratio counts."""
NO_HUE: Hue = (1.0, 1.0, 1.0)


class Paint(NamedTuple):
    """A color as it is stored."""

    luma: int
    blue: int = NEUTRAL
    red: int = NEUTRAL

    @property
    def chroma(self) -> tuple[int, int, int, int]:
        """A color of the chroma planes."""
        return self.blue, self.red, NEUTRAL, NEUTRAL

    def under(self, other: "Paint", width: float) -> "Paint":
        """Return this paint below a line of another, `width` pixels wide: a line thinner than one covers less."""
        luma = int(self.luma + (other.luma - self.luma) * min(1.0, width))
        share = min(1.0, width / 2)
        return Paint(
            luma,
            round(self.blue + (other.blue - self.blue) * share),
            round(self.red + (other.red - self.red) * share),
        )


def paint(luma: int, hue: Hue) -> Paint:
    """Return the paint of a luma in a hue, paler where the luma is too bright for it."""
    red, green, blue = hue
    unit = (luma - BLACK) / (WHITE - BLACK)
    own = _RED_SHARE * red + (1.0 - _RED_SHARE - _BLUE_SHARE) * green + _BLUE_SHARE * blue
    # Of the color (red, green, blue) * unit / own, moved to gray as far as the brightest part needs.
    excess = (max(hue) / own - 1.0) * unit
    kept = unit / own * min(1.0, (1.0 - unit) / excess if excess > 0.0 else 1.0)
    return Paint(
        luma,
        round(NEUTRAL + 112.0 * kept * (blue - own) / (1.0 - _BLUE_SHARE)),
        round(NEUTRAL + 112.0 * kept * (red - own) / (1.0 - _RED_SHARE)),
    )


class Canvas:
    """A picture; every method draws into all its planes. Coordinates have `SUBPIXEL_BITS` of fraction."""

    def __init__(self, size: tuple[int, int], *, is_color: bool) -> None:
        """Make one of (H, W), not yet filled."""
        height, width = size
        self.luma: Picture = np.empty(size, dtype=np.uint8)
        """[H, W]"""
        self.chroma: Picture | None = None
        """[H / 2, W / 2, 4]: blue and red difference, and two that are not used; None for gray."""
        if is_color:
            # OpenCV draws smooth edges into 1, 3 or 4 channels.
            self.chroma = np.empty((height // 2, width // 2, 4), dtype=np.uint8)

    def fill(self, color: Paint) -> None:
        """Fill the picture."""
        self.luma.fill(color.luma)
        self.tint_rows(color, len(self.luma))

    def tint_rows(self, color: Paint, stop: int) -> None:
        """Fill the chroma of the rows above one of luma."""
        if self.chroma is not None:
            self.chroma[: max(0, stop) // 2].view(np.uint32).fill(
                np.array(color.chroma, np.uint8).view(np.uint32)[0]
            )

    def polygon(self, corners: NDArray[np.int32], color: Paint) -> None:
        """Fill a convex polygon [P, 2]."""
        cv2.fillConvexPoly(self.luma, corners, color.luma, cv2.LINE_AA, SUBPIXEL_BITS)
        if self.chroma is not None:
            cv2.fillConvexPoly(self.chroma, corners - _HALF_ROW, color.chroma, cv2.LINE_AA, _CHROMA_BITS)

    def lines(self, ways: NDArray[np.int32], color: Paint, width: int) -> None:
        """Draw ways [N, P, 2], `width` pixels wide."""
        cv2.polylines(self.luma, list(ways), False, color.luma, width, cv2.LINE_AA, SUBPIXEL_BITS)
        self.tint_lines(ways, color, width)

    def tint_lines(self, ways: NDArray[np.int32], color: Paint, width: int) -> None:
        """Draw lines into chroma only."""
        if self.chroma is not None:
            halved, width = list(ways - _HALF_ROW), max(1, round(width / 2))
            cv2.polylines(self.chroma, halved, False, color.chroma, width, cv2.LINE_AA, _CHROMA_BITS)

    def disc(self, center: NDArray[np.int32], radius: int, color: Paint) -> None:
        """Fill a circle with its center at [2]."""
        x, y = center.tolist()
        cv2.circle(self.luma, (x, y), radius, color.luma, -1, cv2.LINE_AA, SUBPIXEL_BITS)
        if self.chroma is not None:
            center_of_chroma = x, y - int(_HALF_ROW[1])
            cv2.circle(self.chroma, center_of_chroma, radius, color.chroma, -1, cv2.LINE_AA, _CHROMA_BITS)

    def planes(self) -> Iterator[tuple[Picture, int]]:
        """Yield the luma and 1 and, in color, the chroma and 2: a plane, and its step in rows and columns of luma."""
        yield self.luma, 1
        if self.chroma is not None:
            yield self.chroma, 2


def fixed_point(pixels: Floats) -> NDArray[np.int32]:
    """Return pixel positions with `SUBPIXEL_BITS` of fraction; pixel (0, 0) has its center at 0.5."""
    return np.asarray(np.rint(np.clip(pixels - 0.5, -3000, 6000) * (1 << SUBPIXEL_BITS)), dtype=np.int32)
