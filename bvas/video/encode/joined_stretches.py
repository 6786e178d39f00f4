"""Stretches of videos joined into one file by one encode: frame-exact, each frame with its own duration, with sound.

Frames that cannot be decoded are left out, and the frame before them stays on screen; a stretch never begins with one.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from av.video.frame import PictureType

from bvas.errors import ConfigError, DataError, DecodeError
from bvas.video.container.color_tags import BT601, SMPTE170M, UNSPECIFIED, ColorTags
from bvas.video.decode.backends import PictureBackend
from bvas.video.decode.damage_scan import DecodablePictures
from bvas.video.decode.fit import plan_fit
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.decode.stored_color import assumed_matrix
from bvas.video.encode.copied_frames import FrameCopier, check_times, copied_color
from bvas.video.encode.encoder import Codec, Coding, EncodedFile
from bvas.video.encode.joined_sound import JoinedSound
from bvas.video.encode.stretches import (
    SourceVideo,
    Stretch,
    WrittenFile,
    WrittenStretch,
    time_base_of,
)

_KEYFRAME_SECONDS = 2
_SPEEDS = Fraction(1, 16), Fraction(16)
# libav's numbers of the ranges.
_RANGES = {"limited": 1, "full": 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinConfig:
    """How stretches are encoded."""

    codec: Codec = "h264"
    crf: int = 12
    """Quality: 0 is the best, 51 the worst."""
    speed: Fraction = Fraction(1)
    """Above 1 faster than the sources, below 1 slower. Every frame is kept."""
    stretch_sound: bool = False
    """Keep the sound at another speed than 1, at its pitch."""
    strict: bool = False
    """Fail where a frame cannot be decoded."""

    def __post_init__(self) -> None:
        if not _SPEEDS[0] <= self.speed <= _SPEEDS[1]:
            raise ConfigError(f"the speed must lie in 1/16 to 16, got {float(self.speed):g}")
        if self.stretch_sound and self.speed == 1:
            raise ConfigError("the sound is stretched where the speed is another than 1; give a speed too")

    @property
    def has_sound(self) -> bool:
        """Whether the sound of the sources is kept."""
        return self.speed == 1 or self.stretch_sound


def joined_coding(first: SourceVideo, stretches: Sequence[Stretch], config: JoinConfig) -> Coding:
    """Return the coding of a file of stretches: size, color and sample aspect are those of one of the videos.

    Args:
        first: The video that the others are fitted to.
        stretches: What the file holds.
        config: How they are encoded.

    Raises:
        ConfigError: a value that no encoder takes.
    """
    index, info = first.index, first.info
    height = info.height + info.height % 2
    rate = index.rate * config.speed
    return Coding(
        # 4:2:0 has even sides.
        size=(height, info.width + info.width % 2),
        rate=rate,
        time_base=time_base_of([one.source for one in stretches], config.speed),
        codec=config.codec,
        keyframe_interval=max(1, round(_KEYFRAME_SECONDS * rate)),
        # Without them the file needs no edit list, and the last frame keeps its duration.
        max_b_frames=0,
        crf=config.crf,
        threads=0,
        color_range=info.color_range,
        color=copied_color(info, index.reading.tone, height),
        sample_aspect=info.sample_aspect,
    )


def write_joined(
    file: EncodedFile,
    stretches: Sequence[Stretch],
    coding: Coding,
    config: JoinConfig,
    *,
    progress: Callable[[int], None] | None = None,
) -> WrittenFile:
    """Encode stretches one after the other, finish the file and check its times; the caller publishes it.

    Memory does not grow with the length: frames and sound are streamed.

    Args:
        file: Of `open_joined`.
        stretches: What it holds, in order.
        coding: Of `joined_coding`.
        config: How they are encoded.
        progress: Called with the frames done.

    Raises:
        DecodeError: no frame of the stretches can be decoded, or `strict` and one cannot.
        DataError: the disk is full, or the times of the file came out wrong.
    """
    sources = list(dict.fromkeys(one.source for one in stretches))
    with ExitStack() as stack:
        backends = {
            source: stack.enter_context(open_backend(source.index, source.info)) for source in sources
        }
        sound = stack.enter_context(JoinedSound(sources if config.has_sound else (), speed=config.speed))
        sound.add_to(file)
        joined = _Joined(file, coding, config, sound, progress)
        copiers = {source: _SourceCopier(source, coding) for source in sources}
        written = [joined.add(one, backends[one.source], copiers[one.source]) for one in stretches]
        if not joined.seconds:
            first = stretches[0]
            raise DecodeError(
                f"no frame of {first.source.index.path} can be decoded in the stretches; get the file again",
                path=first.source.index.path,
            )
        file.finish()
    index = sources[0].index
    found, info = check_times(file.part, np.array(joined.seconds), index, "cut")
    ended = info.start_seconds + found.duration_seconds
    if abs(ended - float(joined.now)) > float(index.time_base):
        raise DataError(
            f"the cut of {index.path} came out {ended:.6f} s long instead of {float(joined.now):.6f} s, and was not "
            "kept; please report this"
        )
    return WrittenFile(
        path=file.path,
        num_frames=len(joined.seconds),
        duration_seconds=float(joined.now),
        has_sound=sound.is_there,
        stretches=tuple(one for one in written if one is not None),
    )


class _Joined:
    """A file that stretches are added to, and its time line: exact fractions, so that nothing drifts."""

    def __init__(
        self,
        file: EncodedFile,
        coding: Coding,
        config: JoinConfig,
        sound: JoinedSound,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._file, self._coding, self._config = file, coding, config
        self._sound, self._progress = sound, progress
        self.now = Fraction(0)
        """End of the stretches so far, in seconds of the file."""
        self.seconds: list[float] = []
        """Time of each frame in the file."""

    def add(
        self, stretch: Stretch, backend: PictureBackend, copier: "_SourceCopier"
    ) -> WrittenStretch | None:
        """Encode a stretch; None where no frame of it can be decoded."""
        source, frames, speed = stretch.source, stretch.frames, self._config.speed
        damage = DecodablePictures(source.index, source.info, frames.start, frames.stop, backend=backend)
        pictures = backend.pictures(frames) if self._config.strict else iter(damage)
        begin, first, start = self.now, None, Fraction(0)
        end = source.seconds_at(frames.stop)
        held: tuple[Any, Fraction] | None = None
        for number, frame in pictures:
            if first is None:
                first, start = number, source.seconds_at(number)
                self._sound.add(source, start, begin, begin + (end - start) / speed)
            at = begin + (source.seconds_at(number) - start) / speed
            # A picture is held back until the next one says how long it stays: those between may be lost.
            if held is not None:
                self._encode(*held, at)
            picture = copier.picture(frame, number, backend.sample_aspect)
            if number == first:
                picture.pict_type = PictureType.I
            if stretch.title is not None and at - begin < stretch.title.seconds:
                stretch.title.draw(picture, is_full_range=self._coding.color_range == "full")
            held = picture, at
        if first is None or held is None:
            return None
        self.now = begin + (end - start) / speed
        self._encode(*held, self.now)
        self._sound.write_until(float(self.now), self._file)
        return WrittenStretch(
            source=source,
            frames=range(first, frames.stop),
            asked=(frames,),
            begin_seconds=float(begin),
            end_seconds=float(self.now),
            lost=damage.damage.lost,
            damaged=tuple(sorted(number for number in backend.damaged if number in frames)),
        )

    def _encode(self, picture: Any, at: Fraction, until: Fraction) -> None:
        """Encode a picture that stays from one time to another, and the sound before it."""
        base = self._coding.time_base
        picture.time_base, picture.pts = base, round(at / base)
        picture.duration = round(until / base) - picture.pts
        self._file.encode(picture)
        self.seconds.append(float(at))
        self._sound.write_until(float(at), self._file)
        if self._progress is not None:
            self._progress(len(self.seconds))


class _SourceCopier:
    """Turns the frames of one of several videos into pictures of the size, range and matrix of the file."""

    def __init__(self, source: SourceVideo, coding: Coding) -> None:
        index, info = source.index, source.info
        upright = info.height, info.width
        is_alike = coding.size == (upright[0] + upright[0] % 2, upright[1] + upright[1] % 2)
        is_alike = is_alike and info.sample_aspect == coding.sample_aspect
        aspect = info.sample_aspect / coding.sample_aspect
        fit = plan_fit(upright, None if is_alike else coding.size, aspect)
        self._copier = FrameCopier(index, info, coding, fit, for_people=True)
        lines = info.stored_size[0]
        self._own = _matrix(copied_color(info, index.reading.tone, lines), lines), info.color_range
        self._wanted = _matrix(coding.color, coding.size[0]), coding.color_range

    def picture(self, frame: Any, number: int, aspect: Fraction | None) -> Any:
        """Return a picture for the encoder; arguments as of `FrameCopier.picture`."""
        picture = self._copier.picture(frame, number, aspect)
        if self._own == self._wanted:
            return picture
        (matrix, color_range), (wanted, wanted_range) = self._own, self._wanted
        # By way of RGB: swscale's direct conversion between matrices is two levels off.
        rgb = picture.reformat(format="rgb24", src_colorspace=matrix, src_color_range=_RANGES[color_range])
        return rgb.reformat(
            format="yuv420p",
            dst_colorspace=wanted,
            src_color_range=_RANGES["full"],
            dst_color_range=_RANGES[wanted_range],
        )


def _matrix(tags: ColorTags, lines: int) -> int:
    """Return the matrix of a picture as swscale names it."""
    matrix = assumed_matrix(lines) if tags.matrix == UNSPECIFIED else tags.matrix
    return BT601 if matrix == SMPTE170M else matrix
