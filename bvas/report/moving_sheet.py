"""Moving sheet: for each class a right and a wrong example side by side, playing in a loop, as one video."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.loading.labelled_video import LabelledVideo
from bvas.report import palette
from bvas.report.class_examples import ClassExamples, Example
from bvas.report.contact_sheet import Picture, write_line
from bvas.report.example_clips import read_sample, sample_frames
from bvas.report.lettering import text_width
from bvas.values.plural import count_text
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

MOST_CLASSES = 30
"""Classes that a sheet shows: those with the most errors."""
_CLIP_HEIGHT = 144
_LEAST_WIDTH, _MOST_WIDTH = 176, 256
"""Of a clip, with room for its words."""
_EDGE, _GAP, _NAME, _WORDS, _BAR = 16, 8, 24, 38, 4
_HEAD = 40
_LEAST_SECONDS = 6.0
_MOST_RATE = 30
_ROW_SHARE = 16 / 9
_NOTHING, _BESIDE = 226, 240
"""Gray of a place without an example, and beside the frames of one."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moving:
    """Frames of an example, and where they stand."""

    frames: NDArray[np.uint8]
    """[T, H, W, 3] RGB."""
    rate: float
    top: int
    left: int


def write_moving_sheet(
    path: Path,
    classes: Sequence[ClassExamples],
    videos: Mapping[str, LabelledVideo],
    *,
    heading: str,
    among: Sequence[int] | None = None,
) -> None:
    """Write the sheet: the surest right and the surest wrong example of each class; the words stand below the frames.

    Each example plays at its own speed and begins again at its end; a bar below it shows how far it is.

    Args:
        path: `.mp4`.
        classes: Examples of all classes.
        videos: Samples by name.
        heading: First line.
        among: Classes that have their examples; None: all.

    Raises:
        DataError: the file cannot be written.
    """
    labels = [one.label for one in classes]
    candidates = range(len(classes)) if among is None else among
    order = sorted(
        candidates, key=lambda place: (-classes[place].num_wrong, -classes[place].num_right, place)
    )
    shown = [classes[place] for place in sorted(order[:MOST_CLASSES])]
    if len(shown) < len(classes):
        heading += f": {len(shown)} of {count_text(len(classes), 'class')}, those with the most errors"
    pairs = [(_first(one.right), _first(one.wrong)) for one in shown]
    width = _clip_width([videos[one.name] for pair in pairs for one in pair if one is not None])
    row_height = _NAME + _CLIP_HEIGHT + _BAR + _WORDS + _GAP
    column_width = 2 * width + _GAP + 2 * _EDGE
    columns = max(1, round(math.sqrt(len(shown) * row_height * _ROW_SHARE / column_width)))
    down = -(-len(shown) // columns)
    columns = -(-len(shown) // down)
    size = _even(_HEAD + down * row_height + _GAP), _even(max(columns * column_width, 520))
    page: Picture = np.full((*size, 3), 255, np.uint8)
    write_line(page, _fitted(heading, size[1] - 2 * _EDGE, 0.6), _EDGE, 8, scale=0.6, bold=True)
    moving = []
    for place, (one, pair) in enumerate(zip(shown, pairs, strict=True)):
        column, row = divmod(place, down)
        left, top = column * column_width + _EDGE, _HEAD + row * row_height
        count = f"{one.num_right} of {one.num_right + one.num_wrong} right"
        room = 2 * width + _GAP - text_width(count, 0.42) - 3 * _GAP
        write_line(page, _fitted(one.label, room, 0.52, bold=True), left, top, scale=0.52, bold=True)
        end = left + 2 * width + _GAP - text_width(count, 0.42)
        write_line(page, count, end, top + 3, scale=0.42, color=palette.FAINT)
        for side, example in enumerate(pair):
            corner = top + _NAME, left + side * (width + _GAP)
            found = _place(page, example, one, side == 0, corner, width, labels, videos)
            moving += [found] if found is not None else []
    _write(path, page, moving)


def _place(
    page: Picture,
    example: Example | None,
    of: ClassExamples,
    is_right: bool,
    corner: tuple[int, int],
    width: int,
    labels: Sequence[str],
    videos: Mapping[str, LabelledVideo],
) -> _Moving | None:
    """Draw the words of an example, and return its frames; None without an example."""
    top, left = corner
    frames = None
    if example is None:
        kind = "right" if is_right else "wrong"
        text = f"no {kind} example" if of.num_right + of.num_wrong else "no sample"
    else:
        color = palette.HIT if is_right else palette.MISS
        below = top + _CLIP_HEIGHT + _BAR
        second = "right" if is_right else f"wrong; true class {example.true_confidence:.2f}"
        name = _fitted(
            labels[example.predicted], width - _GAP - text_width(" 0.00", 0.46, bold=True), 0.46, bold=True
        )
        first = f"{name} {example.confidence:.2f}"
        write_line(page, first, left, below, scale=0.46, color=color, bold=True)
        write_line(page, second, left, below + 18, scale=0.4, color=palette.FAINT)
        text = "cannot be decoded"
        try:
            video = videos[example.name]
            frames = np.stack(list(read_sample(video, _size(video, width))))
        except DecodeError as error:
            logger.warning("no moving picture of %s: %s", example.name, error)
    if frames is None or example is None:
        page[top : top + _CLIP_HEIGHT, left : left + width] = _NOTHING
        middle = left + (width - text_width(text, 0.42)) // 2
        write_line(page, text, middle, top + _CLIP_HEIGHT // 2 - 8, scale=0.42, color=palette.FAINT)
        return None
    page[top : top + _CLIP_HEIGHT, left : left + width] = _BESIDE
    down, right = (_CLIP_HEIGHT - frames.shape[1]) // 2, (width - frames.shape[2]) // 2
    rate = float(sample_frames(videos[example.name])[1])
    return _Moving(frames, rate, top + down, left + right)


def _write(path: Path, page: Picture, moving: Sequence[_Moving]) -> None:
    rate = min(max((one.rate for one in moving), default=1.0), _MOST_RATE)
    longest = max((len(one.frames) / one.rate for one in moving), default=1.0)
    seconds = longest * max(1, math.ceil(_LEAST_SECONDS / longest))
    with VideoWriter(path, size=page.shape[:2], rate=rate, crf=20) as writer:
        for number in range(max(1, round(seconds * rate))):
            picture = page.copy()
            for one in moving:
                # A frame belongs to its time, whatever the last digit of a product of floats.
                place = int(number / rate * one.rate + 1e-6) % len(one.frames)
                height, width = one.frames.shape[1:3]
                picture[one.top : one.top + height, one.left : one.left + width] = one.frames[place]
                done = width * (place + 1) // len(one.frames)
                bar = picture[one.top + height : one.top + height + 2, one.left : one.left + width]
                bar[:] = palette.rgb(palette.GRID)
                bar[:, :done] = palette.rgb(palette.FAINT)
            writer.write(picture)


def _first(examples: Sequence[Example]) -> Example | None:
    return examples[0] if examples else None


def _clip_width(videos: Sequence[LabelledVideo]) -> int:
    """Return the width of all clips, which the middle one of the pictures' shapes decides."""
    shares = []
    for video in videos:
        _, info = build_index(video.path)
        shares.append(float(info.width * info.sample_aspect / info.height))
    share = sorted(shares)[len(shares) // 2] if shares else 1.0
    return _even(int(min(max(share * _CLIP_HEIGHT, _LEAST_WIDTH), _MOST_WIDTH)))


def _size(video: LabelledVideo, width: int) -> tuple[int, int]:
    """Return (H, W) of a sample's frames: `_CLIP_HEIGHT`, or less where the picture is too wide."""
    _, info = build_index(video.path)
    share = float(info.width * info.sample_aspect / info.height)
    height = min(_CLIP_HEIGHT, max(2, int(width / share)))
    return height, max(2, min(width, round(height * share)))


def _even(pixels: int) -> int:
    return pixels + pixels % 2


def _fitted(text: str, width: int, scale: float, *, bold: bool = False) -> str:
    """Return a text, or what fits of it into some pixels."""
    if text_width(text, scale, bold=bold) <= width:
        return text
    while len(text) > 1 and text_width(f"{text}…", scale, bold=bold) > width:
        text = text[:-1]
    return f"{text}…"
