"""Captions of the annotated video: their text, and their drawing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.content import ShownEvent
from bvas.report.lettering import draw_text, text_width

FLASH_SECONDS = 0.2
_DETAILS = {"spot": "", "hit": "hit", "false alarm": "false alarm", "miss": "missed"}
_BACK = (18, 22, 27)
_WHITE = (255, 255, 255)


def caption_of(event: ShownEvent) -> tuple[str, str]:
    """Return the two lines of an event's caption; the second may be empty."""
    text, detail = event.label, _DETAILS[event.outcome]
    if event.confidence is not None:
        text += f" {event.confidence:.2f}"
    if event.timing_error_seconds is not None:
        detail += f", {event.timing_error_seconds:+.2f} s"
    return text, detail


def draw_captions(picture: NDArray[np.uint8], events: Sequence[ShownEvent], now: float) -> None:
    """Draw captions into the lower left corner, the latest lowest, as many as fit.

    Args:
        picture: uint8 [H, W, 3] RGB, changed in place.
        events: Those on screen, in order of time.
        now: Time of the picture: a caption lights up when its event comes.
    """
    unit = unit_of(picture)
    bottom = picture.shape[0] - round(16 * unit)
    left = round(16 * unit)
    # Above them is the clock.
    top = round(54 * unit)
    for event in reversed(events):
        text, detail = caption_of(event)
        color = palette.OUTCOMES[event.outcome]
        height = round((64 if detail else 42) * unit)
        if bottom - height < top:
            return
        room = picture.shape[1] - 2 * left - round(28 * unit)
        scale = 0.8 * unit
        scale *= min(1.0, room / max(1, text_width(text, scale, bold=True)))
        longest = max(text_width(text, scale, bold=True), text_width(detail, 0.52 * unit))
        flash = now - event.seconds < FLASH_SECONDS
        box = picture[bottom - height : bottom, left : left + round(28 * unit) + longest]
        _darken(box, palette.rgb(color) if flash else _BACK)
        box[:, : round(6 * unit)] = palette.rgb(color)
        line = bottom - height + round(29 * unit)
        draw_text(picture, text, left + round(16 * unit), line, scale, _WHITE, bold=True)
        if detail:
            place = left + round(16 * unit), line + round(24 * unit)
            ink = palette.ink_on(color) if flash else _WHITE
            draw_text(picture, detail, *place, 0.52 * unit, ink)
        bottom -= height + round(8 * unit)


def draw_clock(picture: NDArray[np.uint8], text: str) -> None:
    """Draw the match clock into the upper left corner of uint8 [H, W, 3] RGB, in place."""
    unit = unit_of(picture)
    edge, pad = round(16 * unit), round(9 * unit)
    width = text_width(text, 0.6 * unit) + 2 * pad
    _darken(picture[edge : edge + round(30 * unit), edge : edge + width], _BACK)
    draw_text(picture, text, edge + pad, edge + round(21 * unit), 0.6 * unit, _WHITE)


def _darken(box: NDArray[np.uint8], color: tuple[int, int, int]) -> None:
    """Let a color cover most of what is below a text, in place."""
    box[:] = (box * 0.2 + np.array(color, np.float32) * 0.8).astype(np.uint8)


def unit_of(picture: NDArray[np.uint8]) -> float:
    """Return the pixels that stand for one of a picture of 540 rows; narrow pictures have smaller letters."""
    return float(min(picture.shape[0] / 540, picture.shape[1] / 720))
