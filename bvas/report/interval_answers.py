"""Matching of found intervals with annotated ranges, for the page."""

from collections.abc import Sequence

from bvas.values.annotations import Interval

LEAST_OVERLAP = 0.5
"""Least share of their union that an interval and its range have in common: ActivityNet's tIoU."""


def interval_answers(ranges: Sequence[Interval], intervals: Sequence[Interval]) -> list[int]:
    """Return for each interval the place of the range that it matches, or -1.

    The most confident interval chooses first: the free range of its label with the largest tIoU of at least
    `LEAST_OVERLAP`. So without the least confident ones the other pairs stay.
    """
    answers = [-1] * len(intervals)
    free = dict(enumerate(ranges))
    for number in sorted(range(len(intervals)), key=lambda number: -intervals[number].confidence):
        found = intervals[number]
        overlaps = {
            place: temporal_iou(found, one) for place, one in free.items() if one.label == found.label
        }
        best = max(overlaps, key=lambda place: overlaps[place], default=-1)
        if best >= 0 and overlaps[best] >= LEAST_OVERLAP:
            answers[number] = best
            del free[best]
    return answers


def temporal_iou(one: Interval, other: Interval) -> float:
    """Return the time that two intervals have in common over that of both, in [0, 1]."""
    common = min(one.end_seconds, other.end_seconds) - max(one.start_seconds, other.start_seconds)
    whole = max(one.end_seconds, other.end_seconds) - min(one.start_seconds, other.start_seconds)
    return max(common, 0.0) / whole if whole > 0 else 0.0
