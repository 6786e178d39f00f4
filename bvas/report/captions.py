"""Captions of the annotated video: their text, and their drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.report import palette
from bvas.report.content import VideoReport
from bvas.report.lettering import draw_text, text_width

FLASH_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption:
    """Two lines about one event."""

    seconds: float
    """Time at which it appears."""
    text: str
    detail: str
    """Second line; may be empty."""
    color: str
    """Of its outcome."""


def captions_of(video: VideoReport) -> list[Caption]:
    """Return the captions of all spots and misses, in order of time."""
    details = {"spot": "", "hit": "hit", "false alarm": "false alarm", "miss": "missed"}
    captions = []
    for event in video.events():
        confidence = "" if event.confidence is None else f" {event.confidence:.2f}"
        error = "" if event.timing_error_seconds is None else f", {event.timing_error_seconds:+.2f} s"
        captions.append(
            Caption(
                seconds=event.seconds,
                text=event.label + confidence,
                detail=details[event.outcome] + error,
                color=palette.OUTCOMES[event.outcome],
            )
        )
    return captions


def draw_captions(picture: NDArray[np.uint8], captions: Sequence[Caption], now: float) -> None:
    """Draw captions into the lower left corner, the latest lowest, as many as fit.

    Args:
        picture: uint8 [H, W, 3] RGB, changed in place.
        captions: Those on screen, in order of time.
        now: Time of the picture: a caption lights up when it appears.
    """
    unit = unit_of(picture)
    bottom = picture.shape[0] - round(16 * unit)
    left = round(16 * unit)
    # Above them is the clock.
    top = round(54 * unit)
    for caption in reversed(captions):
        height = round((64 if caption.detail else 42) * unit)
        if bottom - height < top:
            return
        room = picture.shape[1] - 2 * left - round(28 * unit)
        scale = 0.8 * unit
        scale *= min(1.0, room / max(1, text_width(caption.text, scale, bold=True)))
        width = round(28 * unit) + max(
            text_width(caption.text, scale, bold=True), text_width(caption.detail, 0.52 * unit)
        )
        flash = now - caption.seconds < FLASH_SECONDS
        ink = palette.ink_on(caption.color) if flash else (255, 255, 255)
        box = picture[bottom - height : bottom, left : left + width]
        back = np.array(palette.rgb(caption.color) if flash else (18, 22, 27), dtype=np.float32)
        box[:] = (box * 0.2 + back * 0.8).astype(np.uint8)
        box[:, : round(6 * unit)] = palette.rgb(caption.color)
        line = bottom - height + round(29 * unit)
        draw_text(picture, caption.text, left + round(16 * unit), line, scale, (255, 255, 255), bold=True)
        if caption.detail:
            place = left + round(16 * unit), line + round(24 * unit)
            draw_text(picture, caption.detail, *place, 0.52 * unit, ink)
        bottom -= height + round(8 * unit)


def draw_clock(picture: NDArray[np.uint8], text: str) -> None:
    """Draw the match clock into the upper left corner of uint8 [H, W, 3] RGB, in place."""
    unit = unit_of(picture)
    edge, pad = round(16 * unit), round(9 * unit)
    width = text_width(text, 0.6 * unit) + 2 * pad
    box = picture[edge : edge + round(30 * unit), edge : edge + width]
    box[:] = (box * 0.2 + np.array((18, 22, 27), np.float32) * 0.8).astype(np.uint8)
    draw_text(picture, text, edge + pad, edge + round(21 * unit), 0.6 * unit, (255, 255, 255))


def unit_of(picture: NDArray[np.uint8]) -> float:
    """Return the pixels that stand for one of a picture of 540 rows; narrow pictures have smaller letters."""
    return float(min(picture.shape[0] / 540, picture.shape[1] / 720))
