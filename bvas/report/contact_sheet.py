"""Contact sheet of training clips, and the layout of sheets: rows of frames with words to their left."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.lettering import draw_text, text_width

FRAMES_SHOWN = 5
EDGE = 24
"""Pixels around the sheet."""
COLUMN = 330
"""Pixels of the words to the left of the frames."""
THUMB_WIDTH = 256
GAP = 6
"""Pixels between frames."""
LINE = 19
"""Pixels from one line of words to the next."""
HEADING_SCALE, TEXT_SCALE, SMALL_SCALE = 0.67, 0.48, 0.38
"""Sizes of letters, for `draw_text`."""

Picture = NDArray[np.uint8]
"""Rows of a sheet [height, width, 3], RGB."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SheetClip:
    """One clip of a sheet: the few frames of it that are shown, twice."""

    title: str
    """Match, video and time."""
    targets: tuple[tuple[str, float], ...]
    """Labels with their targets; those above 0 are drawn."""
    read: NDArray[np.uint8]
    """Frames as read, [n, H, W] gray or [n, H, W, 3] RGB, black 0 and white 255."""
    augmented: NDArray[np.uint8]
    """The same frames as the model sees them."""
    frame_names: tuple[str, ...]
    """Text below each frame [n]."""
    center: int
    """Number of the frame that the targets describe, of n."""
    changes: tuple[str, ...]
    """Augmentation of the clip, in words."""


def shown_frames(num_frames: int) -> list[int]:
    """Return which frames of a clip of `num_frames` a sheet shows: both ends, the center, and those half-way.

    >>> shown_frames(15)
    [0, 3, 7, 10, 14]
    """
    center, last = num_frames // 2, num_frames - 1
    return sorted({0, center // 2, center, (center + last) // 2, last})


@dataclass(frozen=True, slots=True)
class Words:
    """A line of words to the left of frames."""

    text: str
    color: str = palette.TEXT
    bold: bool = False


def contact_sheet(clips: Sequence[SheetClip], *, heading: str, notes: Sequence[str] = ()) -> Picture:
    """Return the picture, uint8 [height, width, 3] RGB.

    Args:
        clips: From top to bottom; their frames have one size.
        heading: First line.
        notes: Lines below it, broken where they are longer than the sheet is wide.
    """
    width = sheet_width(max((len(clip.read) for clip in clips), default=FRAMES_SHOWN))
    return stacked([_clip_rows(clip, width) for clip in clips], width, heading=heading, notes=notes)


def png(picture: Picture) -> bytes:
    """Return a picture [H, W, 3] RGB as a PNG file."""
    is_done, content = cv2.imencode(".png", picture[..., ::-1])
    assert is_done, picture.shape
    return content.tobytes()


def _clip_rows(clip: SheetClip, width: int) -> Picture:
    """Return a row of frames as read, and one as the model sees them."""
    positive = [name if value == 1 else f"{name} {value:.2g}" for name, value in clip.targets if value > 0]
    is_positive = bool(positive)
    color = palette.MISS if is_positive else palette.FAINT
    targets = wrapped(", ".join(positive) or "no action", COLUMN, bold=is_positive)
    upper = [*map(Words, wrapped(clip.title, COLUMN)), *(Words(line, color, is_positive) for line in targets)]
    lower = [Words("as the model sees it:", palette.FAINT)]
    for change in clip.changes or ("unchanged",):
        lower += map(Words, wrapped(change, COLUMN, indent="   "))
    rows = []
    for frames, words, names in ((clip.read, upper, ()), (clip.augmented, lower, clip.frame_names)):
        height = max(1, round(THUMB_WIDTH * frames.shape[1] / frames.shape[2]))
        small = [cv2.resize(one, (THUMB_WIDTH, height), interpolation=cv2.INTER_AREA) for one in frames]
        framed = clip.center if is_positive else None
        rows.append(frame_row(width, words, np.stack(small), names, framed=framed))
    return np.concatenate(rows)


def sheet_width(num_frames: int) -> int:
    """Return the width in pixels of a sheet with `num_frames` frames side by side."""
    return 2 * EDGE + COLUMN + num_frames * (THUMB_WIDTH + GAP)


def stacked(blocks: Sequence[Picture], width: int, *, heading: str, notes: Sequence[str] = ()) -> Picture:
    """Return a sheet: a heading, notes below it, and blocks with a line above each."""
    lines = [line for note in notes for line in wrapped(note, width - 2 * EDGE)]
    head = _blank(EDGE + 30 + LINE * len(lines) + GAP, width)
    write_line(head, heading, EDGE, EDGE, scale=HEADING_SCALE, bold=True)
    for number, line in enumerate(lines):
        write_line(head, line, EDGE, EDGE + 30 + LINE * number)
    rule = _blank(2 * GAP, width)
    rule[0, EDGE:-EDGE] = palette.rgb(palette.GRID)
    return np.concatenate([head, *(part for block in blocks for part in (rule, block)), _blank(EDGE, width)])


def frame_row(
    width: int,
    words: Sequence[Words],
    frames: NDArray[np.uint8],
    names: Sequence[str] = (),
    *,
    framed: int | None,
    frame_color: str = palette.MISS,
) -> Picture:
    """Return a row of a sheet.

    Args:
        width: Of the sheet.
        words: To the left of the frames, from top to bottom.
        frames: uint8 [n, H, THUMB_WIDTH] gray, or [n, H, THUMB_WIDTH, 3] RGB.
        names: Text below each frame [n]; may be empty.
        framed: Number of the frame that gets a border; None: none does.
        frame_color: Color of the border.
    """
    frames_height = frames.shape[1]
    names_height = LINE if names else 0
    row = _blank(max(frames_height + GAP + names_height, LINE * len(words) + GAP), width)
    for number, line in enumerate(words):
        write_line(row, line.text, EDGE, LINE * number, color=line.color, bold=line.bold)
    lefts = [EDGE + COLUMN + GAP + column * (THUMB_WIDTH + GAP) for column in range(len(frames))]
    for left, frame in zip(lefts, frames, strict=True):
        row[:frames_height, left : left + THUMB_WIDTH] = frame.reshape(*frame.shape[:2], -1)
    for left, name in zip(lefts, names, strict=False):
        write_line(row, name, left, frames_height + 2, color=palette.FAINT, scale=SMALL_SCALE)
    if framed is not None:
        corner = lefts[framed] + THUMB_WIDTH - 1, frames_height - 1
        cv2.rectangle(row, (lefts[framed], 0), corner, palette.rgb(frame_color), 2)
    return row


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), 255, np.uint8)


def wrapped(text: str, width: float, *, bold: bool = False, indent: str = "") -> list[str]:
    """Return a text in lines of at most `width` pixels, broken at spaces, and within words that are longer."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if text_width(longer, TEXT_SCALE, bold=bold) <= width:
            lines[-1] = longer
            continue
        if lines[-1].strip():
            lines.append(indent)
        for letter in word:
            if text_width(lines[-1] + letter, TEXT_SCALE, bold=bold) > width:
                lines.append(indent)
            lines[-1] += letter
    return lines


def write_line(
    picture: Picture,
    text: str,
    left: int,
    top: int,
    *,
    scale: float = TEXT_SCALE,
    color: str = palette.TEXT,
    bold: bool = False,
) -> None:
    """Write one line into a picture, its upper left corner at a pixel."""
    draw_text(picture, text, left, top + round(23 * scale), scale, palette.rgb(color), bold=bold)
