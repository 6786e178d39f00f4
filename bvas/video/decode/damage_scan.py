"""Damage scan: decode a whole file, and list its lost and damaged frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bvas.errors import DecodeError
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_info import VideoInfo

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
    lost: list[int] = []
    source = open_backend(index, info)
    start = 0
    try:
        while start < index.num_frames:
            stop = min(start + _CHUNK_FRAMES, index.num_frames)
            try:
                for _ in source.pictures(range(start, stop)):
                    pass
            except DecodeError as error:
                if error.lost is None:
                    raise
                lost += error.lost
                stop = error.lost.stop
            start = stop
            if progress is not None:
                progress(min(start, index.num_frames), index.num_frames)
        damaged = tuple(sorted(source.damaged))
    finally:
        source.close()
    return FileDamage(lost=ranges_of(lost), damaged=damaged)


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
