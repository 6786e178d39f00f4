"""Annotated copy of a video: its frames, painted on, at their times, with the sound."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.values.checks import checked_seconds
from bvas.values.input_format import InputFormat
from bvas.video.container.color_tags import BT709, ColorTags, color_tags_of
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
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

# What is drawn belongs to the frame on screen at its time, whatever the last digit of a sum of floats.
TIME_ROUNDING_SECONDS = 1e-6
_CRF = 21
_KEYFRAME_SECONDS = 2

Paint = Callable[[NDArray[np.uint8], int, float], NDArray[np.uint8]]
"""Takes a picture, uint8 [H, W, 3] RGB that it may change, its frame from 0 and its time; returns what is coded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasConfig:
    """Size of the pictures that are painted on."""

    min_height: int = 540
    """A smaller picture is enlarged by a whole factor to at least these rows (an upright phone's, to as many columns):
    captions need room."""
    max_height: int = 1080
    """A taller picture is scaled down to these rows."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise ConfigError(f"{one.name} must be positive, got {getattr(self, one.name)}")


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


class AnnotatedVideo:
    """The copy of one video: the canvas is known first, then it is written."""

    def __init__(self, source: Path, config: CanvasConfig, reading: ReadOptions = DEFAULT_READING) -> None:
        """Look at the source.

        Args:
            source: The video.
            config: Size of the canvas.
            reading: How the source is read.

        Raises:
            DecodeError: the source is not a video.
        """
        self.source = source
        self.index, self.info = build_index(source, reading=reading)
        self._canvas = _Canvas(self.index, self.info, config)
        self.height = self._canvas.height
        """Rows of the picture to paint on; even."""
        self.width = self._canvas.width
        """Its columns; even."""

    def write(
        self,
        path: Path,
        paint: Paint,
        *,
        rows_below: int = 0,
        from_seconds: float = 0.0,
        to_seconds: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Overlay:
        """Write the copy, frame by frame: memory does not grow with its length.

        Args:
            path: `.mp4`; written beside and renamed, so nothing is left after an error.
            paint: Called for each frame that can be decoded, in order.
            rows_below: Rows that it adds below the picture; even.
            from_seconds: Where to begin, in the source's time; the frame on screen then is the first, at time zero.
            to_seconds: Where to end; None: with the source.
            progress: Called with the frames done and all there are.

        Raises:
            ConfigError: a range that holds no frame.
            DecodeError: no frame of the range can be decoded.
            DataError: the file cannot be written, or its times came out otherwise.
        """
        index = self.index
        first, stop = _frames_between(index, from_seconds, to_seconds)
        pictures = DecodablePictures(index, self.info, first, stop)
        shown: list[int] = []
        start = int(index.pts[first]) * index.time_base
        options = {"movie_timescale": str(index.time_base.denominator)}
        coding = self._coding(rows_below)
        with sound_of(self.source, start) as sound, EncodedFile(path, coding, options=options) as file:
            sound.add_to(file)
            for number, frame in pictures:
                now = index.seconds_of(number)
                picture = self._canvas.picture_of(frame, number, pictures.sample_aspect)
                coded = rgb_picture(paint(picture, number, now))
                coded.pts = int(index.pts[number] - index.pts[first])
                coded.time_base = index.time_base
                coded.duration = index.ticks_of(number)
                file.encode(coded)
                shown.append(number)
                sound.write_until(now - index.seconds_of(first), file)
                if progress is not None:
                    progress(number + 1 - first, stop - first)
            if not shown:
                raise DecodeError(f"no frame of {self.source} can be decoded there", path=self.source)
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

    def _coding(self, rows_below: int) -> Coding:
        return Coding(
            size=(self.height + rows_below, self.width),
            rate=self.index.rate,
            time_base=self.index.time_base,
            keyframe_interval=max(1, round(_KEYFRAME_SECONDS * self.index.rate)),
            # Without them the file needs no edit list, which players read differently.
            max_b_frames=0,
            crf=_CRF,
            threads=0,
            color=ColorTags(primaries=BT709, transfer=BT709, matrix=BT709),
        )


def _kind_of(sound: SoundTrack | CopiedSound) -> str:
    if isinstance(sound, CopiedSound):
        return "copied"
    return "coded" if sound.is_there else "none"


def _frames_between(index: VideoIndex, from_seconds: float, to_seconds: float | None) -> tuple[int, int]:
    """Return the frame on screen at a time, and the first one at or after another."""
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


class _Canvas:
    """Turns a decoded frame into an upright RGB picture with square samples, large enough to write on, of even size."""

    def __init__(self, index: VideoIndex, info: VideoInfo, config: CanvasConfig) -> None:
        self._container_tags = info.container_color
        self._tones = ToneMap(info, index.reading.tone)
        rows = info.height * -(-config.min_height // min(info.height, info.width))
        rows = min(rows, max(config.max_height, 2))
        columns = round(rows * info.width * info.sample_aspect / info.height)
        self.height = max(rows // 2 * 2, 2)
        self.width = max(columns // 2 * 2, 2)
        self._fit = frame_fit(index, info, InputFormat(size=(self.height, self.width)), "rgb")

    def picture_of(self, frame: Any, number: int, aspect: Fraction | None) -> NDArray[np.uint8]:
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
