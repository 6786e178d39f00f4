"""Cuts of intervals: which intervals of a file are of which video, and which frames they cover."""

import math
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from bvas.cutting.cut_list import VideoCut, check_labels
from bvas.data.interval_files import IntervalFile, IntervalRow
from bvas.errors import ConfigError, DataError
from bvas.system.file_names import output_stem, shown_name
from bvas.values.frame_boundaries import frames_between
from bvas.video.encode.stretches import SourceVideo
from bvas.video.index.frame_table import VideoIndex


def interval_cuts(
    file: IntervalFile,
    videos: Sequence[SourceVideo],
    *,
    labels: Sequence[str] = (),
    confidence: float | None = None,
) -> list[VideoCut]:
    """Return a cut for each interval.

    Args:
        file: The intervals.
        videos: The videos.
        labels: Only these; none: all.
        confidence: Lowest confidence; None: all.

    Raises:
        DataError: the file is of other videos, an interval lies outside its video, or none is left.
        ConfigError: a label that does not occur, or a name that fits several videos.
    """
    if not file.rows:
        raise DataError(f"{file.path} holds no interval, so there is nothing to cut out")
    by_video = _rows_of(file, [video.index.path for video in videos])
    check_labels(labels, (row.interval.label for rows in by_video for row in rows), "interval")
    cuts = []
    for part, (video, rows) in enumerate(zip(videos, by_video, strict=True)):
        times = video.index.seconds
        for row in rows:
            one = row.interval
            if (labels and one.label not in labels) or (
                confidence is not None and one.confidence < confidence
            ):
                continue
            frames = _frames_of(row, video.index, times)
            moment = float(times[frames.start])
            names = (one.label,) if one.label else ()
            cuts.append(VideoCut(part=part, source=video, frames=frames, moment_seconds=moment, labels=names))
    if not cuts:
        raise DataError(
            f"no interval of {file.path} has a confidence of {confidence} or more; take a lower one"
        )
    return cuts


def _rows_of(file: IntervalFile, videos: Sequence[Path]) -> list[list[IntervalRow]]:
    """Return the intervals of each video."""
    if "" in file.rows and (len(videos) > 1 or len(file.rows) > 1):
        place = file.rows[""][0].place or file.path
        reason = f"{len(videos)} are given" if len(videos) > 1 else "others do"
        raise ConfigError(f"{place} names no video, and {reason}; name the video of each interval")
    taken: dict[str, Path] = {}
    found: list[list[IntervalRow]] = []
    for video in videos:
        keys = [key for key in file.rows if key and _is_file(key, video)]
        keys = keys or [key for key in file.rows if _is_name(key, video)]
        for key in keys:
            if key in taken or len(keys) > 1:
                raise ConfigError(
                    f"{file.path} has intervals of {', '.join(keys)}, and it is not clear which are of {video}"
                    f"{f' and which of {taken[key]}' if key in taken else ''}; give videos of different names"
                )
            taken[key] = video
        found.append([row for key in keys for row in file.rows[key]])
    if not taken:
        names = ", ".join(sorted({PureWindowsPath(key).name for key in file.rows})[:5])
        given = ", ".join(shown_name(video.name) for video in videos)
        raise DataError(
            f"{file.path} holds intervals of {names}, not of {given}; give the video that it is about, or correct the "
            "name in the file"
        )
    return found


def _is_file(name: str, video: Path) -> bool:
    path = Path(name)
    return path.is_file() and path.samefile(video)


def _is_name(name: str, video: Path) -> bool:
    """Return whether a file of intervals may call a video so: by name, by stem, or as results of bvas do."""
    names = "", video.name, video.stem, shown_name(video.name), output_stem(video.stem)
    return name in names or PureWindowsPath(name).name in names


def _frames_of(row: IntervalRow, index: VideoIndex, times: NDArray[np.float64]) -> range:
    """Return the frames of an interval.

    Raises:
        DataError: it starts after the end of the video, or ends more than a frame behind it.
    """
    num_frames, end_seconds = index.num_frames, index.duration_seconds
    where, remedy = f"{row.place}: it" if row.place else "an interval", "is it of another video?"
    if row.first_frame is not None and row.last_frame is not None:
        first, stop = row.first_frame, row.last_frame + 1
        if first >= num_frames or stop > num_frames + 1:
            raise DataError(
                f"{where} covers frames {first} to {stop - 1}, and {index.path.name} has {num_frames} frames; {remedy}"
            )
        return range(first, min(stop, num_frames))
    start, end = row.interval.start_seconds, row.interval.end_seconds
    name = f"{index.path.name} ({end_seconds:.3f} s)"
    if start >= end_seconds:
        raise DataError(f"{where} starts at {start:g} s, after the end of {name}; {remedy}")
    one_frame = float(index.last_duration * index.time_base)
    if math.isfinite(end) and end > end_seconds + one_frame * 1.01:
        raise DataError(f"{where} ends at {end:g} s, after the end of {name}; {remedy}")
    first, stop = frames_between(times, end_seconds, start, min(end, end_seconds))
    first = min(first, num_frames - 1)
    # Shorter than half a frame: the frame that it begins in.
    return range(first, max(stop, first + 1))
