"""Intervals of a recording as rows of a table, with the frames of their videos."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bvas.data.interval_files import IntervalRow
from bvas.results.video_result import VideoResult
from bvas.system.file_names import shown_name
from bvas.values.frame_boundaries import frames_between


def file_names(results: Sequence[VideoResult]) -> list[str]:
    """Return the names of the videos' files, or their paths where two have one name."""
    paths = [result.video.path or Path(result.video.name) for result in results]
    names = Counter(path.name for path in paths)
    return [shown_name(path.name if names[path.name] == 1 else path) for path in paths]


def interval_rows(results: Sequence[VideoResult]) -> list[IntervalRow]:
    """Return a row for each interval, in the order of the videos; without frames where a video is unknown.

    Raises:
        DecodeError: a video cannot be indexed.
    """
    rows = []
    for result, name in zip(results, file_names(results), strict=True):
        video = result.video
        if video.frames is None and video.path is not None:
            video = video.indexed()
        for one in result.intervals:
            first = last = None
            if video.frames is not None:
                first, stop = frames_between(
                    video.frames.seconds, video.frames.duration_seconds, one.start_seconds, one.end_seconds
                )
                last = stop - 1
            rows.append(IntervalRow(video=name, interval=one, first_frame=first, last_frame=last))
    return rows
