"""Lines of text drawn into pictures, with fonts that have their characters."""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bvas.report.fonts import drawable_text, font_runs

PIXELS = 29.0
"""Of a font's em at scale 1; capitals are 21 pixels high then."""


def draw_text(
    picture: NDArray[np.uint8],
    text: str,
    left: int,
    baseline: int,
    scale: float,
    color: tuple[int, int, int],
    *,
    bold: bool = False,
) -> None:
    """Draw one line of text into uint8 [H, W, 3], in place; what lies outside of it is cut off."""
    mask, row = _mask(drawable_text(text), _size(scale), bold)
    top = baseline - row
    first_row, first_column = max(0, -top), max(0, -left)
    last_row = min(mask.shape[0], picture.shape[0] - top)
    last_column = min(mask.shape[1], picture.shape[1] - left)
    if first_row >= last_row or first_column >= last_column:
        return
    share = mask[first_row:last_row, first_column:last_column, None].astype(np.float32) / 255
    place = picture[top + first_row : top + last_row, left + first_column : left + last_column]
    place[:] = np.rint(place * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)


def text_width(text: str, scale: float, *, bold: bool = False) -> int:
    """Return the columns that `draw_text` fills."""
    return _columns(drawable_text(text), _size(scale), bold)


def _size(scale: float) -> float:
    # Letters of a size are kept, and scales are any fractions.
    return max(4.0, round(scale * PIXELS * 2) / 2)


def _columns(text: str, size: float, bold: bool) -> int:
    return math.ceil(sum(_font(path, size).getlength(run) for run, path in font_runs(text, bold=bold)))


@lru_cache(maxsize=256)
def _font(path: Path, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


@lru_cache(maxsize=1024)
def _mask(text: str, size: float, bold: bool) -> tuple[NDArray[np.uint8], int]:
    """Return how much of each pixel is ink, [rows, columns] 0 to 255, and the row of the baseline."""
    row = math.ceil(1.2 * size)
    mask = Image.new("L", (max(1, _columns(text, size, bold) + 2), row + math.ceil(0.6 * size)))
    draw = ImageDraw.Draw(mask)
    x = 0.0
    for run, path in font_runs(text, bold=bold):
        font = _font(path, size)
        draw.text((x, row), run, fill=255, font=font, anchor="ls")
        x += font.getlength(run)
    return np.asarray(mask), row
