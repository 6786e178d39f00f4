"""Contact sheet of training clips: frames as read and as the model sees them, targets and augmentation."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.fonts import drawable_text, font_families

FRAMES_SHOWN = 5
DOTS_PER_INCH = 100
EDGE = 24
"""Pixels around the sheet."""
COLUMN = 330
"""Pixels of the words to the left of the frames."""
THUMB_WIDTH = 256
GAP = 6
"""Pixels between frames."""
LINE = 19
"""Pixels from one line of words to the next."""
TEXT_POINTS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SheetClip:
    """One clip of a sheet: the few frames of it that are shown, twice."""

    title: str
    """Match, video and time."""
    targets: tuple[tuple[str, float], ...]
    """Labels with their targets; those above 0 are drawn."""
    read: NDArray[np.uint8]
    """Frames as read [n, H, W], black 0 and white 255."""
    augmented: NDArray[np.uint8]
    """The same frames as the model sees them [n, H, W]."""
    frame_names: tuple[str, ...]
    """Text below each frame [n]."""
    center: int
    """Number of the frame that the targets describe, of n."""
    changes: tuple[str, ...]
    """Augmentation of the clip, in words."""

    def __post_init__(self) -> None:
        assert self.read.shape == self.augmented.shape, (self.read.shape, self.augmented.shape)
        assert len(self.read) == len(self.frame_names), (len(self.read), self.frame_names)
        assert 0 <= self.center < len(self.read), self.center


def shown_frames(num_frames: int) -> list[int]:
    """Return which frames of a clip of `num_frames` a sheet shows: both ends, the center, and those half-way.

    >>> shown_frames(15)
    [0, 3, 7, 10, 14]
    """
    center, last = num_frames // 2, num_frames - 1
    return sorted({0, center // 2, center, (center + last) // 2, last})


def contact_sheet(
    clips: Sequence[SheetClip], *, heading: str, notes: Sequence[str] = ()
) -> NDArray[np.uint8]:
    """Return the picture, uint8 [height, width, 3] RGB.

    Args:
        clips: From top to bottom; their frames have one size.
        heading: First line.
        notes: Lines below it, broken where they are longer than the sheet is wide.
    """
    num_shown = max((len(clip.read) for clip in clips), default=FRAMES_SHOWN)
    width = 2 * EDGE + COLUMN + num_shown * (THUMB_WIDTH + GAP)
    note_lines = [line for note in notes for line in wrapped(note, width - 2 * EDGE)]
    blocks = [_Block(clip) for clip in clips]
    top = EDGE + 30 + LINE * len(note_lines) + GAP
    height = top + sum(block.height for block in blocks) + EDGE
    canvas = np.full((height, width, 3), 255, np.uint8)
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    drawing = FigureCanvasAgg(figure)
    write_line(figure, heading, EDGE, EDGE, size=14, bold=True)
    for number, line in enumerate(note_lines):
        write_line(figure, line, EDGE, EDGE + 30 + LINE * number)
    for block in blocks:
        block.draw(canvas, figure, top)
        top += block.height
    figure.figimage(canvas, 0, 0, origin="upper", zorder=-1)
    drawing.draw()
    return np.asarray(drawing.buffer_rgba())[..., :3].copy()


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture [H, W, 3] RGB as a PNG file."""
    is_done, content = cv2.imencode(".png", picture[..., ::-1])
    assert is_done, picture.shape
    return content.tobytes()


class _Block:
    """One clip's part of the sheet."""

    def __init__(self, clip: SheetClip) -> None:
        self._clip = clip
        H, W = clip.read.shape[1:]
        self._thumb = (THUMB_WIDTH, max(1, round(THUMB_WIDTH * H / W)))
        positive = [
            name if value == 1 else f"{name} {value:.2g}" for name, value in clip.targets if value > 0
        ]
        self._title = wrapped(clip.title, COLUMN)
        self._upper = [
            *self._title,
            *wrapped(", ".join(positive) or "no action", COLUMN, bold=bool(positive)),
        ]
        changes = [
            line for text in clip.changes or ("unchanged",) for line in wrapped(text, COLUMN, indent="   ")
        ]
        self._lower = ["as the model sees it:", *changes]
        # Below the frames of the lower row there is a line with their names.
        self._rows = (
            max(self._thumb[1] + GAP, LINE * len(self._upper) + GAP),
            max(self._thumb[1] + GAP + LINE, LINE * len(self._lower) + GAP),
        )
        self.height = sum(self._rows) + 2 * GAP + 1

    def draw(self, canvas: NDArray[np.uint8], figure: Figure, top: int) -> None:
        """Paint the frames into the canvas, and write into the figure over it."""
        canvas[top, EDGE:-EDGE] = palette.rgb(palette.GRID)
        top += 2 * GAP
        is_positive = any(value > 0 for _, value in self._clip.targets)
        for number, line in enumerate(self._upper):
            is_title = number < len(self._title)
            color = palette.TEXT if is_title else palette.MISS if is_positive else palette.FAINT
            write_line(
                figure, line, EDGE, top + LINE * number, color=color, bold=not is_title and is_positive
            )
        for frames, place in ((self._clip.read, top), (self._clip.augmented, top + self._rows[0])):
            for column, frame in enumerate(frames):
                small = cv2.resize(frame, self._thumb, interpolation=cv2.INTER_AREA)
                x = self._left(column)
                canvas[place : place + self._thumb[1], x : x + THUMB_WIDTH] = small[..., None]
            if is_positive:
                self._frame_center(figure, place)
        top += self._rows[0]
        for number, line in enumerate(self._lower):
            write_line(
                figure, line, EDGE, top + LINE * number, color=palette.FAINT if not number else palette.TEXT
            )
        for column, name in enumerate(self._clip.frame_names):
            below = top + self._thumb[1] + 2
            write_line(figure, name, self._left(column), below, color=palette.FAINT, size=8)

    def _left(self, column: int) -> int:
        return EDGE + COLUMN + GAP + column * (THUMB_WIDTH + GAP)

    def _frame_center(self, figure: Figure, place: int) -> None:
        """Draw a border around the frame that the targets are about."""
        height = figure.get_figheight() * DOTS_PER_INCH
        figure.add_artist(
            Rectangle(
                (self._left(self._clip.center), height - place - self._thumb[1]),
                THUMB_WIDTH,
                self._thumb[1],
                transform=None,
                fill=False,
                edgecolor=palette.MISS,
                linewidth=2,
            )
        )


def wrapped(text: str, width: float, *, bold: bool = False, indent: str = "") -> list[str]:
    """Return a text in lines of at most `width` pixels, broken at spaces, and within words that are longer."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if text_width(longer, bold=bold) <= width:
            lines[-1] = longer
            continue
        if lines[-1].strip():
            lines.append(indent)
        for letter in word:
            if text_width(lines[-1] + letter, bold=bold) > width:
                lines.append(indent)
            lines[-1] += letter
    return lines


def text_width(text: str, *, bold: bool = False) -> float:
    """Return the pixels that a line of words takes."""
    text = drawable_text(text)
    font = FontProperties(family=font_families(text), size=TEXT_POINTS, weight=_weight(bold))
    # As it is drawn: letters stand on whole pixels.
    width, _, _ = RendererAgg(1, 1, DOTS_PER_INCH).get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def _weight(bold: bool) -> str:
    return "bold" if bold else "normal"


def write_line(
    figure: Figure,
    text: str,
    left: int,
    top: int,
    *,
    size: float = TEXT_POINTS,
    color: str = palette.TEXT,
    bold: bool = False,
) -> None:
    """Write one line into a figure, its upper left corner at a pixel."""
    height = figure.get_figheight() * DOTS_PER_INCH
    text = drawable_text(text)
    figure.text(
        left,
        height - top,
        text,
        fontfamily=font_families(text),
        transform=None,
        va="top",
        fontsize=size,
        color=color,
        fontweight=_weight(bold),
        parse_math=False,
    )
