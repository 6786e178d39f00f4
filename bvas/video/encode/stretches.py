"""Stretches of videos that are joined in one file, and the time line of that file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from bvas.video.index.frame_table import VideoIndex, VideoInfo

# An mp4 holds the ticks of a second in 32 bits.
_MOST_TICKS = 2**31 - 1
# Taken where no exact time base fits: a multiple of the usual ones.
_FINE = Fraction(1, 720_000)


class Title(Protocol):
    """Text over the first pictures of a stretch."""

    seconds: float
    """How long it stays, in the time of the file."""

    def draw(self, picture: Any, *, is_full_range: bool) -> None:
        """Draw it into a yuv420p frame of PyAV, in place."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SourceVideo:
    """A video that stretches are taken from."""

    index: VideoIndex
    info: VideoInfo

    def seconds_at(self, boundary: int) -> Fraction:
        """Return the exact time at which a frame begins, or the last one ends for `num_frames`."""
        index = self.index
        if boundary == index.num_frames:
            ticks = int(index.pts[-1]) + index.last_duration
        else:
            ticks = int(index.pts[boundary])
        return (ticks - int(index.pts[0])) * index.time_base


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """Frames of a video in a row."""

    source: SourceVideo
    frames: range
    """At least one."""
    title: Title | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WrittenStretch:
    """A stretch as it is in a file."""

    source: SourceVideo
    frames: range
    """Frames that the file holds, from the first shown one to the last."""
    asked: tuple[range, ...]
    """Frames that were to be in it: one range where it was encoded, maybe several where packets were copied."""
    begin_seconds: float
    """When it begins in the file."""
    end_seconds: float
    lost: tuple[range, ...] = ()
    """Frames of it that cannot be decoded, and are left out; the frame before them stays on screen."""
    damaged: tuple[int, ...] = ()
    """Frames after a decoding error, which may be wrong."""

    @property
    def num_added(self) -> int:
        """Frames beyond those asked for, which copied packets bring along."""
        return len(set(self.frames).difference(*self.asked))


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenFile:
    """Facts of a finished file."""

    path: Path
    num_frames: int
    duration_seconds: float
    has_sound: bool
    stretches: tuple[WrittenStretch, ...]


def time_base_of(sources: Sequence[SourceVideo], speed: Fraction = Fraction(1)) -> Fraction:
    """Return the longest tick that holds all times of some videos exactly; a fine one where a file holds none."""
    ticks = {source.index.time_base / speed for source in sources}
    base = Fraction(
        math.gcd(*(tick.numerator for tick in ticks)), math.lcm(*(tick.denominator for tick in ticks))
    )
    return base if base.denominator <= _MOST_TICKS else _FINE
