"""Damage scan: decode a whole file, and list its lost and damaged frames."""

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bvas.errors import DecodeError
from bvas.video.decode.backends import PictureBackend
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.index.frame_table import VideoIndex, VideoInfo

_CHUNK_FRAMES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDamage:
    """Lost and damaged frames of a file."""

    lost: tuple[range, ...]
    """Frames that the decoder does not output: ascending ranges with gaps between them."""
    damaged: tuple[int, ...]
    """Frames output after a reported error and before the next keyframe, ascending; they may be wrong."""

    @property
    def num_lost(self) -> int:
        """Frames that the decoder does not output."""
        return sum(map(len, self.lost))


class DecodablePictures:
    """The decodable pictures of a stretch of video, past damage: (number, PyAV's frame).

    Args:
        index: The video's frames.
        info: Facts about it.
        start: First frame.
        stop: Behind the last frame; None for the end.
        backend: The file, open; it stays open. None: it is opened for each pass.
    """

    def __init__(
        self,
        index: VideoIndex,
        info: VideoInfo,
        start: int = 0,
        stop: int | None = None,
        *,
        backend: PictureBackend | None = None,
    ) -> None:
        self._index, self._info, self._backend = index, info, backend
        self._range = range(start, index.num_frames if stop is None else stop)
        self.sample_aspect: Fraction | None = None
        """Of the picture that came last, as `Backend.sample_aspect`."""
        self._lost: set[int] = set()
        self._damaged: Set[int] = frozenset()

    @property
    def damage(self) -> FileDamage:
        """Lost and damaged frames met so far."""
        return FileDamage(lost=ranges_of(sorted(self._lost)), damaged=tuple(sorted(self._damaged)))

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        start, stop = self._range.start, self._range.stop
        opened = self._backend
        with open_backend(self._index, self._info) if opened is None else nullcontext(opened) as source:
            self._damaged = source.damaged
            while start < stop:
                # In chunks: a backend looks at all numbers that it is given, and again behind each loss.
                chunk = range(start, min(start + _CHUNK_FRAMES, stop))
                start = chunk.stop
                try:
                    for number, picture in source.pictures(chunk):
                        self.sample_aspect = source.sample_aspect
                        yield number, picture
                except DecodeError as error:
                    if error.lost is None:
                        raise
                    self._lost.update(number for number in error.lost if chunk.start <= number < stop)
                    start = error.lost.stop


def find_damage(
    index: VideoIndex, info: VideoInfo, *, progress: Callable[[int, int], None] | None = None
) -> FileDamage:
    """Decode every frame of a file with libav, and list the lost and damaged ones.

    Errors that libav conceals without reporting them are not found.

    Args:
        index: The file's frames.
        info: What is known of it.
        progress: Called with the frames done and all there are.

    Raises:
        DecodeError: the file can no longer be opened.
    """
    pictures = DecodablePictures(index, info)
    for number, _ in pictures:
        if progress is not None and number % _CHUNK_FRAMES == 0:
            progress(number, index.num_frames)
    if progress is not None:
        progress(index.num_frames, index.num_frames)
    return pictures.damage


def ranges_of(frames: Sequence[int]) -> tuple[range, ...]:
    """Return ascending frame numbers as ranges with gaps between them."""
    ranges: list[range] = []
    for frame in frames:
        if ranges and ranges[-1].stop == frame:
            ranges[-1] = range(ranges[-1].start, frame + 1)
        else:
            ranges.append(range(frame, frame + 1))
    return tuple(ranges)


def frames_text(frames: Sequence[range], most: int = 8) -> str:
    """Return frame numbers as text: `30, 41 to 52 and 3 more places`."""
    parts = [
        str(part.start) if len(part) == 1 else f"{part.start} to {part.stop - 1}" for part in frames[:most]
    ]
    rest = len(frames) - most
    return ", ".join(parts) + (f" and {rest} more places" if rest > 0 else "")
