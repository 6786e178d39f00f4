"""Ranges of a match or sample in seconds: what experiments on stretches and clips learn."""

import math
from collections.abc import Mapping, Sequence

from bvas.data.matches import Half, Match, checked_annotations, frame_faults
from bvas.data.raw_annotations import AnnotationList, Fault, RawAnnotation, raise_faults
from bvas.data.spotting_task import SpottingTask
from bvas.data.video_end import after_end
from bvas.values.annotations import Interval
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_index import build_index

# Times in files are rounded to milliseconds.
_ROUNDING_SECONDS = 0.001


def labelled_ranges(match: Match, task: SpottingTask) -> list[tuple[Half, list[Interval]]]:
    """Return a match's videos in order, each with its ranges in time order; a sample is one video with one range.

    Labels are ignored and merged as `annotated_halves` does. Moments of labels that the task does not have are left
    out.

    Raises:
        DataError: a file is missing or wrong, a label is unknown, an annotation of one of the task's labels is a
            moment, an annotation lies in a half without video, after the end of its video or names a frame that it does
            not have, or two ranges of one label overlap.
        DecodeError: a video cannot be indexed.
    """
    raw, halves = checked_annotations(match, task, "range")
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
            raise_faults(frame_faults(raw, item, index) or late_faults(raw, item, index))
            begin, end = ends_of(item, index)
            if begin >= end:
                seconds = f"{index.duration_seconds:.3f} s"
                raise_faults([raw.fault(item, f"begins at {begin} s, and {half.path} lasts {seconds}")])
            ranges.append(Interval(task.labels.names[task.labels.label_id(item.label)], begin, end))
        if index is not None:
            raise_faults(overlap_faults(raw, items, index, task.labels.merged))
        found.append((half, sorted(ranges, key=lambda one: (one.start_seconds, one.end_seconds))))
    return found


def late_faults(raw: AnnotationList, item: RawAnnotation, index: VideoIndex) -> list[Fault]:
    """Return a fault where an annotation in seconds lies or ends more than a frame after the end of its video."""
    last = item.seconds if item.end_seconds in (None, math.inf) else item.end_seconds
    late = after_end(last or 0.0, index, float(index.rate))
    return [] if late is None else [raw.fault(item, late)]


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


def overlap_faults(
    raw: AnnotationList, items: Sequence[RawAnnotation], index: VideoIndex, merged: Mapping[str, str]
) -> list[Fault]:
    """Return a fault for each range that begins before an earlier one of its label ends; ranges may touch.

    Args:
        raw: The list that holds them, for places.
        items: Annotations of one video; moments are skipped.
        index: The video.
        merged: Labels that count as another, as in `LabelSet.merged`.
    """
    ranges = [(*ends_of(item, index), item) for item in items if item.is_range]
    latest: dict[str, tuple[float, RawAnnotation]] = {}
    faults = []
    for begin, end, item in sorted(ranges, key=lambda one: one[:2]):
        label = merged.get(item.label, item.label)
        last, other = latest.get(label, (-math.inf, item))
        if begin < last - _ROUNDING_SECONDS:
            message = (
                f"{item.label!r}, {item.moment}, overlaps annotation {other.number} ({other.moment}); ranges of one "
                "label may touch and not overlap: join them, or move an end"
            )
            faults.append(raw.fault(item, message))
        if end > last:
            latest[label] = end, item
    return faults
