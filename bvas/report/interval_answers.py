"""Matching of found intervals with annotated ranges, for the page."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.metrics.temporal_detection import TIOU_THRESHOLDS, matched_truth, ranked
from bvas.values.annotations import Interval

LEAST_OVERLAP = float(TIOU_THRESHOLDS[0])
"""Least tIoU of an interval and its range: 0.5."""


def interval_answers(ranges: Sequence[Interval], intervals: Sequence[Interval]) -> list[int]:
    """Return for each interval the place of the range that it matches, or -1, by ActivityNet's rules.

    The most confident interval chooses first: the free range of its label with the largest tIoU of at least
    `LEAST_OVERLAP`. So without the least confident ones the other pairs stay.
    """
    answers = [-1] * len(intervals)
    for label in {one.label for one in intervals}:
        of_ranges = [place for place, one in enumerate(ranges) if one.label == label]
        of_found = [place for place, one in enumerate(intervals) if one.label == label]
        confidences = np.array([intervals[place].confidence for place in of_found])
        spans = _spans([intervals[place] for place in of_found])
        taken = matched_truth([_spans([ranges[place] for place in of_ranges])], [spans], [confidences])[0]
        for number, place in zip(ranked([confidences]).tolist(), taken.tolist(), strict=True):
            if place >= 0:
                answers[of_found[number]] = of_ranges[place]
    return answers


def _spans(intervals: Sequence[Interval]) -> NDArray[np.float64]:
    """Return starts and ends, float64 [N, 2]."""
    return np.array([(one.start_seconds, one.end_seconds) for one in intervals]).reshape(-1, 2)
