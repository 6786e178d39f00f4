"""Annotated video: spots and annotations over its picture, and their score curves below it.

Each event is captioned from its moment on for a second or so; in the strip under the picture the curves run past a
fixed line that marks the present. Frames keep their times, and the sound goes along.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.report.captions import draw_captions, draw_clock
from bvas.report.content import ShownEvent, VideoReport
from bvas.report.strip import ScoreStrip
from bvas.values.annotations import LabelSet
from bvas.values.checks import checked_seconds
from bvas.values.input_format import InputFormat
from bvas.video.container.color_tags import BT709, ColorTags, color_tags_of
from bvas.video.decode.damage_scan import DecodablePictures
from bvas.video.decode.open_video import frame_fit
from bvas.video.decode.rgb_bytes import RgbFit
from bvas.video.decode.stored_color import color_planes
from bvas.video.encode.copied_frames import check_times
from bvas.video.encode.encoder import Coding, EncodedFile
from bvas.video.encode.sound import CopiedSound, SoundTrack, sound_of
from bvas.video.encode.video_writer import rgb_picture
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import ToneMap
from bvas.video.index.video_index import build_index

# A caption belongs to the frame on screen at its time, whatever the last digit of a sum of floats.
TIME_ROUNDING_SECONDS = 1e-6
STRIP_SECONDS = 10.0
"""Time that the strip of scores shows, half of it past, half to come."""
_CRF = 21
_KEYFRAME_SECONDS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayConfig:
    """Looks of the annotated video."""

    hold_seconds: float = 1.2
    """Time that a caption stays, from its event on."""
    min_height: int = 540
    """A smaller picture is enlarged by a whole factor to at least these rows (an upright phone's, to as many columns):
    captions need room."""
    max_height: int = 1080
    """A taller picture is scaled down to these rows."""

    def __post_init__(self) -> None:
        for name in ("hold_seconds", "min_height", "max_height"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """Counts of an annotated video."""

    num_frames: int
    lost: tuple[range, ...]
    """Frames of the source that cannot be decoded; the one before them stays on screen."""
    num_damaged: int
    """Frames that follow a reported error, and may be wrong."""
    sound: str
    """`copied`, `coded` or `none`."""


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
    index, info = build_index(source, reading=reading)
    first, stop = _frames_between(index, from_seconds, to_seconds)
    canvas = _Canvas(index, info, config)
    strip = ScoreStrip(video, labels, canvas.width, canvas.height, STRIP_SECONDS)
    coding = Coding(
        size=(canvas.height + strip.height, canvas.width),
        rate=index.rate,
        time_base=index.time_base,
        keyframe_interval=max(1, round(_KEYFRAME_SECONDS * index.rate)),
        # Without them the file needs no edit list, which players read differently.
        max_b_frames=0,
        crf=_CRF,
        threads=0,
        color=ColorTags(primaries=BT709, transfer=BT709, matrix=BT709),
    )
    events = video.events()
    pictures = DecodablePictures(index, info, first, stop)
    shown: list[int] = []
    start = int(index.pts[first]) * index.time_base
    options = {"movie_timescale": str(index.time_base.denominator)}
    with sound_of(source, start) as sound, EncodedFile(path, coding, options=options) as file:
        sound.add_to(file)
        for number, frame in pictures:
            now = index.seconds_of(number)
            picture = canvas.paint(frame, number, pictures.sample_aspect)
            draw_captions(picture, _on_screen(events, now, config.hold_seconds), now)
            draw_clock(picture, video.result.clock.text(now + TIME_ROUNDING_SECONDS))
            coded = rgb_picture(np.concatenate([picture, strip.paint(now)]))
            coded.pts = int(index.pts[number] - index.pts[first])
            coded.time_base = index.time_base
            coded.duration = index.ticks_of(number)
            file.encode(coded)
            shown.append(number)
            sound.write_until(now - index.seconds_of(first), file)
            if progress is not None:
                progress(number + 1 - first, stop - first)
        if not shown:
            raise DecodeError(f"no frame of {source} can be decoded there", path=source)
        end = index.duration_seconds if stop == index.num_frames else index.seconds_of(stop)
        sound.write_until(end - index.seconds_of(first), file)
        file.finish()
        check_times(file.part, index.seconds[shown] - index.seconds_of(first), index, "annotated copy")
        file.publish()
    return Overlay(
        num_frames=len(shown),
        lost=pictures.damage.lost,
        num_damaged=len(pictures.damage.damaged),
        sound=_kind_of(sound),
    )


def _kind_of(sound: SoundTrack | CopiedSound) -> str:
    if isinstance(sound, CopiedSound):
        return "copied"
    return "coded" if sound.is_there else "none"


def _frames_between(index: VideoIndex, from_seconds: float, to_seconds: float | None) -> tuple[int, int]:
    """Return the frame on screen at a time, and the first one at or behind another."""
    from_seconds = checked_seconds(from_seconds, "from_seconds")
    to_seconds = None if to_seconds is None else checked_seconds(to_seconds, "to_seconds")
    end = index.duration_seconds
    if not 0 <= from_seconds < end or (to_seconds is not None and to_seconds <= from_seconds):
        last = "the end" if to_seconds is None else f"{to_seconds:g} s"
        raise ConfigError(
            f"no frames between {from_seconds:g} s and {last}; {index.path.name} runs from 0 s to {end:.3f} s"
        )
    first = index.frame_at(from_seconds)
    if to_seconds is None:
        return first, index.num_frames
    stop = int(np.searchsorted(index.seconds, to_seconds - TIME_ROUNDING_SECONDS))
    return first, max(stop, first + 1)


def _on_screen(events: list[ShownEvent], now: float, hold_seconds: float) -> list[ShownEvent]:
    """Return the events whose captions are on screen at a time; all are in order of time."""
    latest = now + TIME_ROUNDING_SECONDS
    first = bisect_right(events, latest - hold_seconds, key=lambda event: event.seconds)
    return events[first : bisect_right(events, latest, key=lambda event: event.seconds)]


class _Canvas:
    """Turns a decoded frame into an upright RGB picture with square samples, large enough to write on, of even size."""

    def __init__(self, index: VideoIndex, info: VideoInfo, config: OverlayConfig) -> None:
        self._container_tags = info.container_color
        self._tones = ToneMap(info, index.reading.tone)
        rows = info.height * -(-config.min_height // min(info.height, info.width))
        rows = min(rows, max(config.max_height, 2))
        columns = round(rows * info.width * info.sample_aspect / info.height)
        self.height = max(rows // 2 * 2, 2)
        self.width = max(columns // 2 * 2, 2)
        self._fit = frame_fit(index, info, InputFormat(size=(self.height, self.width)), "rgb")

    def paint(self, frame: Any, number: int, aspect: Fraction | None) -> NDArray[np.uint8]:
        """Return uint8 [height, width, 3], full-range RGB; HDR mapped to SDR where the reading says so.

        Args:
            frame: A decoded frame of PyAV's.
            number: Its place in the video.
            aspect: Width over height of its stored samples; None: as the video began.
        """
        assert isinstance(self._fit, RgbFit)
        tags = color_tags_of(frame).or_else(self._container_tags)
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        self._fit.apply(number, color_planes(frame, self._tones.hdr_of(frame, number), tags), rgb, aspect)
        return rgb
