"""Boxes of players with their captions, drawn into a picture."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bvas.players.players_result import PlayerRow
from bvas.report import palette
from bvas.report.captions import unit_of
from bvas.report.lettering import draw_text, text_width

LineStyle = Literal["solid", "dashed", "dotted"]
_STYLES: tuple[LineStyle, ...] = ("solid", "dashed", "dotted")
_BACK = (18, 22, 27)
_WHITE = (255, 255, 255)
_NAME_SCALE = 0.52
_LABEL_SCALE = 0.46
# A longer text is cut: it would cover other players.
_WIDEST_SHARE = 0.16
_MOST_PLATES = 512


class Rect(NamedTuple):
    """A rectangle of pixels; right and bottom are the first outside of it."""

    left: int
    top: int
    right: int
    bottom: int

    def grown(self, by: int) -> "Rect":
        """Return it with a margin on all sides; a negative one shrinks it."""
        return Rect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def clipped(self, height: int, width: int) -> "Rect":
        """Return the part inside of a picture; without area where it lies outside."""
        left, right = (min(max(side, 0), width) for side in (self.left, self.right))
        top, bottom = (min(max(side, 0), height) for side in (self.top, self.bottom))
        return Rect(left, top, right, bottom)

    def shared_area(self, other: "Rect") -> int:
        """Return the pixels that both share."""
        columns = min(self.right, other.right) - max(self.left, other.left)
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        return columns * rows if columns > 0 and rows > 0 else 0


def color_of(number: int) -> str:
    """Return the color of a track as #RRGGBB; it repeats after twelve, with another line."""
    return palette.PLAYERS[(number - 1) % len(palette.PLAYERS)]


def style_of(number: int) -> LineStyle:
    """Return the line of a track's box: solid for the first twelve numbers, then dashed, then dotted."""
    return _STYLES[(number - 1) // len(palette.PLAYERS) % len(_STYLES)]


class PlayerDrawing:
    """Draws players into pictures of one size.

    Args:
        size: (H, W) of the pictures to draw into.
        box_size: (h, w) of the picture that boxes are in; each axis has a scale of its own.
    """

    def __init__(self, size: tuple[int, int], box_size: tuple[int, int]) -> None:
        self._height, self._width = size
        self._scale_y, self._scale_x = size[0] / box_size[0], size[1] / box_size[1]
        unit = unit_of(np.empty((*size, 3), np.uint8))
        self._unit = unit
        # Chroma has half the resolution: of two columns at an odd place each shares its sample with the dark edge.
        self._line = max(3, round(2.5 * unit))
        self._edge = max(1, round(unit))
        self._plate = lru_cache(maxsize=_MOST_PLATES)(self._new_plate)

    def draw(self, picture: NDArray[np.uint8], rows: Sequence[PlayerRow]) -> None:
        """Draw the players of one frame into uint8 [H, W, 3] RGB, in place.

        Captions stand above the boxes, over all lines. Those of lower numbers keep their place; others give way where
        there is room below, or higher up.
        """
        rects = [self.rect_of(row) for row in rows]
        for row, rect in zip(rows, rects, strict=True):
            self._draw_box(picture, rect, row.player)
        placed: list[Rect] = []
        for row, rect in zip(rows, rects, strict=True):
            seen = rect.clipped(self._height, self._width)
            if seen.left < seen.right and seen.top < seen.bottom:
                plate = self.plate(row)
                place = self._place(seen, plate.shape[0], plate.shape[1], placed)
                picture[place.top : place.bottom, place.left : place.right] = plate
                placed.append(place)

    def rect_of(self, row: PlayerRow) -> Rect:
        """Return the pixels of a row's box, which may reach beyond the picture."""
        left, right = (round(side * self._scale_x) for side in (row.x, row.x + row.width))
        top, bottom = (round(side * self._scale_y) for side in (row.y, row.y + row.height))
        return Rect(left, top, right, bottom)

    def plate(self, row: PlayerRow) -> NDArray[np.uint8]:
        """Return the caption of a row, uint8 [h, w, 3]: name or number, and below it the action if there is one."""
        return self._plate(row.name or str(row.player), row.label, row.player)

    def _draw_box(self, picture: NDArray[np.uint8], rect: Rect, number: int) -> None:
        """Draw a box, the outer edge of its colored line at its sides; dark edges show it on any ground."""
        thickness = self._line + 2 * self._edge
        for side in _sides(rect.grown(self._edge), thickness):
            _fill(picture, side, _BACK)
        color = palette.rgb(color_of(number))
        for side in _sides(rect, self._line):
            for dash in _dashes(side, style_of(number), self._line):
                _fill(picture, dash, color)

    def _new_plate(self, caption: str, label: str, number: int) -> NDArray[np.uint8]:
        unit, pad = self._unit, round(6 * self._unit)
        room = round(_WIDEST_SHARE * self._width)
        lines = [(_cut(caption, _NAME_SCALE * unit, room, bold=True), _NAME_SCALE * unit, True)]
        if label:
            lines.append((_cut(label, _LABEL_SCALE * unit, room, bold=False), _LABEL_SCALE * unit, False))
        step = round(17 * unit)
        width = max(text_width(text, scale, bold=bold) for text, scale, bold in lines) + 2 * pad
        height = step * len(lines) + round(9 * unit)
        plate = np.empty((min(height, self._height), min(width, self._width), 3), np.uint8)
        plate[:] = palette.rgb(color_of(number))
        inner = plate[self._line : -self._line, self._line : -self._line]
        inner[:] = _BACK
        for line, (text, scale, bold) in enumerate(lines, 1):
            draw_text(plate, text, pad, step * line + round(unit), scale, _WHITE, bold=bold)
        return plate

    def _place(self, seen: Rect, height: int, width: int, placed: Sequence[Rect]) -> Rect:
        """Return where a caption goes: the first place in the picture that covers the least of other captions."""
        best, least = None, 0
        for left, top in self._corners(seen, height, width):
            if not 0 <= top <= self._height - height:
                continue
            left = min(max(left, 0), self._width - width)
            rect = Rect(left, top, left + width, top + height)
            covered = sum(rect.shared_area(other) for other in placed)
            if best is None or covered < least:
                best, least = rect, covered
            if not covered:
                break
        assert best is not None, "the last corner lies inside"
        return best

    def _corners(self, seen: Rect, height: int, width: int) -> Iterator[tuple[int, int]]:
        """Yield left upper corners of a caption by preference; the last lies inside the picture vertically."""
        above, below = seen.top - height, seen.bottom
        for left in (seen.left, seen.right - width):
            yield left, above
        for left in (seen.left, seen.right - width):
            yield left, below
        yield seen.left, above - height
        yield seen.left, below + height
        yield seen.left, min(seen.top, self._height - height)


def _cut(text: str, scale: float, room: int, *, bold: bool) -> str:
    """Return as much of the beginning of a text as has room, with an ellipsis where it was cut."""
    if text_width(text, scale, bold=bold) <= room:
        return text
    least, most = 0, len(text)
    while least < most - 1:
        middle = (least + most) // 2
        if text_width(f"{text[:middle].rstrip()}…", scale, bold=bold) <= room:
            least = middle
        else:
            most = middle
    return f"{text[:least].rstrip()}…"


def _sides(rect: Rect, thickness: int) -> Iterable[Rect]:
    """Return the four sides of a frame inside of a rectangle."""
    left, top, right, bottom = rect
    return (
        Rect(left, top, right, top + thickness),
        Rect(left, bottom - thickness, right, bottom),
        Rect(left, top, left + thickness, bottom),
        Rect(right - thickness, top, right, bottom),
    )


def _dashes(side: Rect, style: LineStyle, thickness: int) -> Iterator[Rect]:
    """Yield the pieces of a side: all of it, or dashes along it."""
    if style == "solid":
        yield side
        return
    on, step = (4 * thickness, 7 * thickness) if style == "dashed" else (thickness, 3 * thickness)
    left, top, right, bottom = side
    if right - left >= bottom - top:
        for start in range(left, right, step):
            yield Rect(start, top, min(start + on, right), bottom)
    else:
        for start in range(top, bottom, step):
            yield Rect(left, start, right, min(start + on, bottom))


def _fill(picture: NDArray[np.uint8], rect: Rect, color: tuple[int, int, int]) -> None:
    left, top, right, bottom = rect.clipped(*picture.shape[:2])
    picture[top:bottom, left:right] = color
