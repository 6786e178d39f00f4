"""Ranges of a match or sample in seconds: what experiments on stretches and clips learn."""

import math

from bvas.data.matches import Half, Match, checked_annotations, frame_faults
from bvas.data.raw_annotations import RawAnnotation, raise_faults
from bvas.data.spotting_task import SpottingTask
from bvas.values.annotations import Interval
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_index import build_index


def labelled_ranges(match: Match, task: SpottingTask) -> list[tuple[Half, list[Interval]]]:
    """Return a match's videos in order, each with its ranges in time order; a sample is one video with one range.

    Labels are ignored and merged as `annotated_halves` does.

    Raises:
        DataError: a file is missing or wrong, a label is unknown, an annotation is a moment, lies in a half without
            video or names a frame that its video does not have.
        DecodeError: a video cannot be indexed.
    """
    raw, halves = checked_annotations(match, task)
    message = "is a moment; give 'from_seconds' and 'to_seconds', or frames likewise"
    raise_faults([raw.fault(item, message) for item in raw.items if not item.is_range])
    found = []
    for half in halves:
        items = [
            item
            for item in raw.items
            if item.part == half.number
            and item.label in task.labels
            and (item.visible or not task.visible_only)
        ]
        index = build_index(half.path)[0] if items else None
        ranges = []
        for item in items:
            assert index is not None
            raise_faults(frame_faults(raw, item, index))
            begin, end = ends_of(item, index)
            if begin >= end:
                seconds = f"{index.duration_seconds:.3f} s"
                raise_faults([raw.fault(item, f"begins at {begin} s, and {half.path} lasts {seconds}")])
            ranges.append(Interval(task.labels.names[task.labels.label_id(item.label)], begin, end))
        found.append((half, sorted(ranges, key=lambda one: (one.start_seconds, one.end_seconds))))
    return found


def ends_of(item: RawAnnotation, index: VideoIndex) -> tuple[float, float]:
    """Return begin and end of an annotation in seconds, of a moment twice the same.

    A range ends with the video where its end is open or behind the last frame.
    """
    begin = index.seconds_of(item.frame) if item.frame is not None else item.seconds
    assert begin is not None
    if not item.is_range:
        return begin, begin
    if item.end_frame is not None and item.end_frame < index.num_frames:
        return begin, index.seconds_of(item.end_frame)
    return begin, min(index.duration_seconds, math.inf if item.end_seconds is None else item.end_seconds)
