"""The annotated clip: a stretch of video with its spots and annotations written over it.

Each event is captioned from its moment on for a second or so; under the picture a strip of score
curves runs past a fixed line that marks the present.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.luma import ColorRange, offset_and_scale
from bvas.report.captions import captions_of, draw_captions, draw_clock
from bvas.report.content import VideoReport
from bvas.report.strip import ScoreStrip
from bvas.spots import LabelSet
from bvas.video.protocol import FrameDecoder
from bvas.video.writer import VideoWriter

# A caption belongs to the frame on screen at its time, whatever the last digit of a sum of floats.
TIME_ROUNDING_SECONDS = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayConfig:
    """What the annotated clip looks like."""

    hold_seconds: float = 1.2
    """How long a caption stays, from its event on."""
    strip_seconds: float = 10.0
    """Time that the strip of scores shows, half of it past, half to come."""
    min_height: int = 540
    """A smaller picture is enlarged by a whole factor to at least these rows: captions need room."""

    def __post_init__(self) -> None:
        for name in ("hold_seconds", "strip_seconds", "min_height"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, got {getattr(self, name)}")


def write_overlay(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    video: VideoReport,
    labels: LabelSet,
    *,
    start_seconds: float,
    rate: Fraction | float,
    color_range: ColorRange,
    config: OverlayConfig | None = None,
) -> int:
    """Write the clip, and return how many frames it has.

    Args:
        path: `.mp4` or `.mkv`; written beside and renamed, so nothing is left after an error.
        frames: uint8 [H, W] luma as stored, at a constant rate; `frames_between` gives them.
        video: Spots, and optionally annotations and a score curve, of the whole video.
        labels: All labels, in order of the curve's columns.
        start_seconds: Time of the first frame in the video.
        rate: Frames per second.
        color_range: The range tag of the luma.
        config: The looks.

    Raises:
        ConfigError: no frame was given.
        DataError: the file cannot be written.
        DecodeError: a frame cannot be decoded.
    """
    config = config or OverlayConfig()
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise ConfigError(f"no frames from {start_seconds} s on for {path.name}; choose a part of the video")
    canvas = _Canvas(first.shape[0], first.shape[1], color_range, config.min_height)
    strip = ScoreStrip(video, labels, canvas.width, canvas.height, config.strip_seconds)
    captions = captions_of(video)
    num_frames = 0
    with VideoWriter(path, size=(canvas.height + strip.height, canvas.width), rate=rate) as writer:
        for frame in chain([first], iterator):
            now = start_seconds + num_frames / float(rate)
            latest = now + TIME_ROUNDING_SECONDS
            current = [c for c in captions if latest - config.hold_seconds < c.seconds <= latest]
            picture = canvas.paint(frame)
            draw_captions(picture, current, now)
            draw_clock(picture, video.clock.text(latest))
            writer.write(np.concatenate([picture, strip.paint(now)]))
            num_frames += 1
    return num_frames


def frames_between(
    decoder: FrameDecoder, start_seconds: float, stop_seconds: float, rate: Fraction | float
) -> Iterator[NDArray[np.uint8]]:
    """Yield the luma on screen at start, start + 1 / rate ... before stop, uint8 [H, W] each.

    A stretch that reaches over the end of the video ends with its last frame.

    Raises:
        ConfigError: the stretch is empty or begins outside the video.
        DecodeError: a frame of it is damaged.
    """
    last_seconds = decoder.index.seconds_of(decoder.info.num_frames - 1)
    if not 0 <= start_seconds <= last_seconds or not start_seconds < stop_seconds:
        raise ConfigError(
            f"no frames between {start_seconds} s and {stop_seconds} s; "
            f"{decoder.info.path.name} runs from 0 s to {decoder.info.duration_seconds:.3f} s"
        )
    times = start_seconds + np.arange(np.ceil((stop_seconds - start_seconds) * float(rate) - 1e-6)) / float(
        rate
    )
    wanted = [decoder.index.frame_at(float(time)) for time in times if time <= last_seconds + 1e-6]
    position = 0
    for first, batch in decoder.stream(wanted[0], wanted[-1] + 1):
        while position < len(wanted) and wanted[position] < first + len(batch):
            yield batch[wanted[position] - first]
            position += 1


class _Canvas:
    """Turns luma as stored into an RGB picture large enough to write on, of even size."""

    def __init__(self, rows: int, columns: int, color_range: ColorRange, min_height: int) -> None:
        factor = -(-min_height // rows)
        self._enlarged = (columns * factor, rows * factor)
        self.height = rows * factor // 2 * 2
        self.width = columns * factor // 2 * 2
        offset, scale = offset_and_scale(color_range, "range")
        levels = (np.arange(256) - offset) / scale
        self._levels = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)

    def paint(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return uint8 [height, width, 3], full-range RGB."""
        gray = self._levels[luma]
        if self._enlarged != gray.shape[::-1]:
            gray = np.asarray(cv2.resize(gray, self._enlarged, interpolation=cv2.INTER_LINEAR), np.uint8)
        return np.repeat(gray[: self.height, : self.width, None], 3, axis=2)
