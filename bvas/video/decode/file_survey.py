"""Survey of a video file: its frames, the backends that read it, the cost of a clip, damage, remedies."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.values.clip_config import ClipConfig
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.backends import BACKENDS
from bvas.video.decode.damage_scan import FileDamage, find_damage
from bvas.video.decode.open_video import open_video
from bvas.video.decode.remedies import Remedy, find_remedy
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.frame_table import VideoIndex, VideoInfo, frames_per_clip, start_frames
from bvas.video.index.video_index import build_index

_MOST_CLIPS = 12
# Where every clip is decoded from the start of the file, clips near it suffice.
_COUNTED_FRAMES = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoSurvey:
    """Facts of a video file and of reading it on this machine."""

    index: VideoIndex
    info: VideoInfo
    refusals: dict[str, str | None]
    """By backend the reason against it; None where it reads the file."""
    frames_per_clip: float
    """Frames decoded for one clip of 15, every other frame, on average over all frames as its center."""
    cpu_seconds_per_clip: float | None
    """CPU time of one such clip with `pyav`, from a few random ones; None where none could be read."""
    remedy: Remedy | None
    damage: FileDamage | None
    """None where the file was not decoded to look for it."""


def survey_video(
    path: Path | str,
    *,
    reading: ReadOptions = DEFAULT_READING,
    decode: bool = False,
    cache: bool = True,
    measure_seconds: float = 2.0,
    progress: Callable[[int, int], None] | None = None,
) -> VideoSurvey:
    """Find out what a video file is, and which backends read it.

    Args:
        path: The video file.
        reading: Which stream of it is read, and how.
        decode: Decode every frame to find those that are lost or damaged.
        cache: Keep the index of the file in the cache folder.
        measure_seconds: CPU seconds of random clips to read for the cost of one; at least one clip is read.
        progress: Called with the frames decoded and all there are, where `decode` is set.

    Raises:
        DecodeError: the file does not exist or is not a video.
    """
    index, info = build_index(path, reading=reading, cache=cache)
    starts = start_frames(index)
    per_clip = frames_per_clip(starts, index.num_frames)
    return VideoSurvey(
        index=index,
        info=info,
        refusals={name: _refusal(index, name, cache=cache) for name in BACKENDS},
        frames_per_clip=per_clip,
        cpu_seconds_per_clip=_measure(index, starts, per_clip, measure_seconds, cache=cache),
        remedy=find_remedy(index, info),
        damage=find_damage(index, info, progress=progress) if decode else None,
    )


def _refusal(index: VideoIndex, name: str, *, cache: bool) -> str | None:
    path = index.path
    try:
        _open(index, name, cache=cache).close()
    except DecodeError as error:
        reason, _, advice = str(error).removeprefix(f"{path} ").rpartition("; ")
        return reason if "pyav" in advice else f"{reason}; {advice}"
    return None


def _open(index: VideoIndex, name: str, *, cache: bool) -> FrameReader:
    device = "cuda" if name == "nvdec" else "cpu"
    return open_video(index.path, name, cache=cache, device=device, **index.reading.keywords)


def _measure(
    index: VideoIndex, starts: NDArray[np.int64], per_clip: float, measure_seconds: float, *, cache: bool
) -> float | None:
    """Return CPU seconds of an average clip: those of a decoded frame, by random clips, times its frames."""
    clip = ClipConfig()
    seconds, num_decoded = 0.0, 0
    reach = min(index.num_frames, _COUNTED_FRAMES) if index.decode_order else index.num_frames
    centers = np.random.default_rng(0).integers(0, reach, _MOST_CLIPS)
    with _open(index, "pyav", cache=cache) as reader:
        out = np.empty((clip.num_frames, *reader.size), np.uint8)
        # Backward, so that no clip continues where another ended.
        for center in sorted(centers.tolist(), reverse=True):
            indices = clip.indices(center, index.num_frames)
            began = time.process_time()
            try:
                reader.read_into(indices, out)
            except DecodeError:
                continue
            seconds += time.process_time() - began
            before = starts[max(int(np.searchsorted(starts, indices[0], side="right")) - 1, 0)]
            num_decoded += int(indices[-1] - min(before, indices[0]) + 1)
            if seconds >= measure_seconds:
                break
    return seconds / num_decoded * per_clip if num_decoded else None
