"""Annotated video: spots and annotations over its picture, and their score curves below it.

Each event is captioned from its moment on for a second or so; in the strip under the picture the curves run past a
fixed line that marks the present. Frames keep their times, and the sound goes along.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.report.annotated_video import TIME_ROUNDING_SECONDS, AnnotatedVideo, CanvasConfig, Overlay
from bvas.report.captions import draw_captions, draw_clock
from bvas.report.content import ShownEvent, VideoReport
from bvas.report.strip import ScoreStrip
from bvas.values.annotations import LabelSet

STRIP_SECONDS = 10.0
"""Time that the strip of scores shows, half of it past, half to come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayConfig(CanvasConfig):
    """Looks of the annotated video."""

    hold_seconds: float = 1.2
    """Time that a caption stays, from its event on."""


def write_overlay(
    path: Path,
    video: VideoReport,
    labels: LabelSet,
    *,
    from_seconds: float = 0.0,
    to_seconds: float | None = None,
    config: OverlayConfig | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Overlay:
    """Write an annotated video, frame by frame: memory does not grow with its length.

    Args:
        path: `.mp4`; written beside and renamed, so nothing is left after an error.
        video: The video with its spots, and optionally annotations and a score curve.
        labels: All labels, in order of the curve's columns.
        from_seconds: Where to begin, in the source's time; the frame on screen then is the first, at time zero.
        to_seconds: Where to end; None: with the source.
        config: The looks.
        progress: Called with the frames done and all there are.

    Raises:
        ConfigError: a range that holds no frame.
        DecodeError: the source is not a video, or no frame of the range can be decoded.
        DataError: the file cannot be written, or its times came out otherwise.
    """
    config = config or OverlayConfig()
    source, reading = video.result.video.path, video.result.video.reading
    assert source is not None, video.name
    copy = AnnotatedVideo(source, config, reading)
    strip = ScoreStrip(video, labels, copy.width, copy.height, STRIP_SECONDS)
    events = video.events()

    def paint(picture: NDArray[np.uint8], _number: int, now: float) -> NDArray[np.uint8]:
        draw_captions(picture, _on_screen(events, now, config.hold_seconds), now)
        draw_clock(picture, video.result.clock.text(now + TIME_ROUNDING_SECONDS))
        return np.concatenate([picture, strip.paint(now)])

    return copy.write(
        path,
        paint,
        rows_below=strip.height,
        from_seconds=from_seconds,
        to_seconds=to_seconds,
        progress=progress,
    )


def _on_screen(events: list[ShownEvent], now: float, hold_seconds: float) -> list[ShownEvent]:
    """Return the events whose captions are on screen at a time; all are in order of time."""
    latest = now + TIME_ROUNDING_SECONDS
    first = bisect_right(events, latest - hold_seconds, key=lambda event: event.seconds)
    return events[first : bisect_right(events, latest, key=lambda event: event.seconds)]
