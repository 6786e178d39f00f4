"""Prepared copies: the same frames at the same times, with short keyframe intervals for fast random access.

A random clip is decoded from the keyframe before it. A copy with a keyframe every 12 frames takes a few times the disk
space and a fraction of the work. Its luma is that of the original, encoded again: as stored, of the same range,
upright. HDR is mapped to SDR as readers map it, unless `tone="none"`; color tags are kept, or become BT.709 with the
mapping. The copy is progressive 8-bit 4:2:0 in mp4, with every time of the original's index.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bvas.errors import ConfigError, DataError, DecodeError
from bvas.system.file_names import output_stem
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.backends import PictureBackend
from bvas.video.decode.damage_scan import find_damage, frames_text
from bvas.video.decode.fit import FitPlan, plan_fit
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.encode.copied_frames import FrameCopier, check_times, copied_color
from bvas.video.encode.copy_estimate import expected_bytes
from bvas.video.encode.encoder import Codec, Coding, EncodedFile
from bvas.video.index.frame_folder import bytes_of
from bvas.video.index.frame_grid import Grid, make_grid
from bvas.video.index.frame_table import VideoIndex, VideoInfo, frames_per_clip, start_frames
from bvas.video.index.video_index import build_index

_SUFFIX_BYTES = len(".mp4.part")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """Plan of a copy, with its cost."""

    target: Path
    index: VideoIndex
    """Of the original."""
    info: VideoInfo
    """Of the original."""
    coding: Coding
    fit: FitPlan
    grid: Grid | None = None
    """Frames of the copy, at even distances in time; None: all, at their own times."""
    bytes_before: int
    bytes_expected: int
    """Extrapolated from three stretches of the video that were encoded; 0 where it was not estimated."""
    frames_per_clip_before: float
    """Frames decoded for a random clip of 15, every other frame."""
    frames_per_clip_after: float

    @property
    def num_frames(self) -> int:
        """Frames of the copy."""
        return self.index.num_frames if self.grid is None else self.grid.num_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Facts of a finished copy."""

    num_bytes: int
    frames_per_clip: float
    num_damaged: int
    """Frames whose originals follow a reported error, and may be wrong in both."""


def copy_targets(sources: Sequence[Path], folder: Path, *, replace: bool) -> list[Path]:
    """Return where the copy of each source goes: `folder`/<stem>.mp4.

    Raises:
        ConfigError: two copies would have one name, or a copy would replace a source, or another file without
            `replace`.
    """
    stems = [output_stem(source.stem, suffix_bytes=_SUFFIX_BYTES) for source in sources]
    targets = [folder / f"{stem}.mp4" for stem in stems]
    for target, count in Counter(targets).items():
        if count > 1:
            raise ConfigError(f"{count} of the videos would become {target}; give each its own --out folder")
        for source in sources:
            if target.exists() and source.exists() and target.samefile(source):
                raise ConfigError(
                    f"the copy {target} would replace its original; choose another --out folder"
                )
        if target.exists() and not replace:
            raise ConfigError(f"{target} exists already; --force replaces it")
    return targets


def plan_copy(
    source: Path,
    target: Path,
    *,
    keyframe_interval: int = 12,
    size: tuple[int, int] | None = None,
    codec: Codec = "h264",
    crf: int = 18,
    reading: ReadOptions = DEFAULT_READING,
    cache: bool = True,
    estimated: bool = True,
    grid_rate: Fraction | None = None,
) -> CopyPlan:
    """Plan a copy; encodes some seconds of the video to estimate its size, unless that is not wanted.

    Args:
        source: The video.
        target: Where the copy goes, `.mp4`.
        keyframe_interval: Frames from one keyframe of the copy to the next.
        size: (H, W) that the pictures are fitted into (fit.py), both even; None keeps their size.
        codec: The copy's coding.
        crf: Quality: 0 is the best, 51 the worst.
        reading: Which stream of the video is copied, and how it is read.
        cache: Keep the index of the source in the cache folder.
        estimated: Estimate the size.
        grid_rate: Frames per second of the copy: it has the frames that an experiment of this rate sees, and no
            others. None, or the rate that the video has anyway: all frames, at their own times.

    Raises:
        DecodeError: the source is not a video, or no frame of the stretches can be decoded.
        ConfigError: a value that no encoder takes.
    """
    index, info = build_index(source, reading=reading, cache=cache)
    # An mp4 holds times of decoding, from which the duration of the last frame follows. It is exact where frames are
    # evenly spaced, or decoded in the order in which they are shown: else B-frames are not used.
    grid = None if grid_rate is None else make_grid(index, grid_rate)
    if grid is not None and np.array_equal(grid.indices, np.arange(index.num_frames)):
        grid = None
    is_even = grid is not None or bool((np.diff(index.pts) == index.last_duration).all())
    fit = plan_fit((info.height, info.width), size, info.sample_aspect)
    coding = Coding(
        # 4:2:0 has even sides.
        size=size or (info.height + info.height % 2, info.width + info.width % 2),
        rate=index.rate if grid is None else grid.rate,
        time_base=index.time_base if grid is None else 1 / grid.rate,
        codec=codec,
        keyframe_interval=keyframe_interval,
        max_b_frames=3 if is_even else 0,
        crf=crf,
        threads=0,
        color_range=info.color_range,
        color=copied_color(info, reading.tone, fit.size[0]),
        sample_aspect=info.sample_aspect if size is None else Fraction(1),
    )
    num_frames = index.num_frames if grid is None else grid.num_frames
    expected = expected_bytes(index, info, coding, fit) if estimated else 0
    starts_after = np.arange(0, num_frames, keyframe_interval)
    return CopyPlan(
        target=target,
        index=index,
        info=info,
        coding=coding,
        fit=fit,
        grid=grid,
        bytes_before=bytes_of(source),
        bytes_expected=round(expected * min(1, num_frames / index.num_frames)),
        frames_per_clip_before=frames_per_clip(start_frames(index), index.num_frames),
        frames_per_clip_after=frames_per_clip(starts_after, num_frames),
    )


def check_room(needed: int, folder: Path) -> None:
    """Refuse copies of so many bytes that the disk has no room for.

    Raises:
        DataError: names the expected and the free bytes.
    """
    place = next(place for place in [folder, *folder.absolute().parents] if place.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise DataError(
            f"the copies would take about {needed / 1e6:.0f} MB and {folder} has {free / 1e6:.0f} MB free; "
            "make room, choose another --out folder, a --size, or a higher --crf"
        )


def make_copy(plan: CopyPlan, *, progress: Callable[[int, int], None] | None = None) -> Copy:
    """Write the copy, compare its frames and times with the original's, and only then publish it.

    Args:
        plan: What to make.
        progress: Called with the frames done and all there are.

    Raises:
        DecodeError: frames of the original cannot be decoded; all of them are named.
        DataError: the disk is full, the folder cannot be written, or the copy's times came out wrong.
    """
    index, target = plan.index, plan.target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot make the folder {target.parent}: {error.strerror}; choose another"
        ) from error
    # Else libav rounds an mp4's start to milliseconds.
    options = {"movie_timescale": str(plan.coding.time_base.denominator)}
    copier = FrameCopier(index, plan.info, plan.coding, plan.fit)
    try:
        with (
            open_backend(index, plan.info) as source,
            EncodedFile(target, plan.coding, options=options) as file,
        ):
            for number, picture in enumerate(_pictures(plan, copier, source), start=1):
                file.encode(picture)
                if progress is not None:
                    progress(number, plan.num_frames)
            file.finish()
            per_clip = _check(plan, file.part)
            num_bytes = file.part.stat().st_size
            file.publish()
            return Copy(num_bytes=num_bytes, frames_per_clip=per_clip, num_damaged=len(source.damaged))
    except DecodeError as error:
        if error.lost is None:
            raise
        raise _refusal(plan) from error


def _pictures(plan: CopyPlan, copier: FrameCopier, source: PictureBackend) -> Iterator[Any]:
    """Yield the pictures of the copy; on a grid a frame comes as often as the grid shows it."""
    if plan.grid is None:
        for number, frame in source.pictures(range(plan.index.num_frames)):
            yield copier.picture(frame, number, source.sample_aspect)
        return
    numbers, counts = np.unique(plan.grid.indices, return_counts=True)
    place = 0
    for (number, frame), count in zip(source.pictures(numbers.tolist()), counts.tolist(), strict=True):
        for _ in range(count):
            picture = copier.picture(frame, number, source.sample_aspect)
            picture.pts, picture.time_base, picture.duration = place, plan.coding.time_base, 1
            place += 1
            yield picture


def _check(plan: CopyPlan, part: Path) -> float:
    """Return the copy's frames per clip.

    Raises:
        DataError: its number of frames, a time or its duration differs from the original's.
    """
    before = plan.index
    if plan.grid is None:
        wanted, duration = before.seconds + max(plan.info.start_seconds, 0.0), before.duration_seconds
    else:
        step = float(plan.coding.time_base)
        wanted, duration = np.arange(plan.num_frames, dtype=np.float64) * step, plan.num_frames * step
    found, _ = check_times(part, wanted, before, "copy")
    if abs(found.duration_seconds - duration) > float(before.time_base) / 2:
        raise DataError(
            f"the copy of {before.path} came out {found.duration_seconds:.6f} s long instead of {duration:.6f} s, and "
            "was not kept; please report this"
        )
    return frames_per_clip(start_frames(found), found.num_frames)


def _refusal(plan: CopyPlan) -> DecodeError:
    damage = find_damage(plan.index, plan.info)
    path = plan.info.path
    return DecodeError(
        f"{path} is damaged: {damage.num_lost} of its {plan.index.num_frames} frames cannot be decoded "
        f"({frames_text(damage.lost)}), and a copy cannot hold their numbers; get the file again, or use it as it "
        "is: readers name the frames that are lost",
        path=path,
        lost=damage.lost[0] if damage.lost else None,
    )
