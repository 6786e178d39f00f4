"""Intervals in score curves: thresholds with hysteresis, gaps joined, short ones dropped.

Rows with a NaN are gaps of the video. An interval never reaches across one, since nothing is known there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.interval_config import IntervalConfig, IntervalRule
from bvas.tasks.peaks import check_scores, smooth_scores, stretches
from bvas.values.annotations import Interval, LabelSet
from bvas.values.score_curve import ScoreCurve


def find_intervals(curve: ScoreCurve, labels: LabelSet, config: IntervalConfig) -> list[Interval]:
    """Return the intervals of all labels, in order of start, then of label.

    An interval begins at the time of its first row, and ends at that of the row behind its last. Behind the last row
    of the curve a row lasts as long as the one before. Its confidence is the mean of its smoothed scores.

    Args:
        curve: Raw scores, a column for each label.
        labels: Names of the columns.
        config: Rules.

    Raises:
        ConfigError: the curve has another number of columns than there are labels.
    """
    check_scores(curve.scores, len(curve.seconds), len(labels))
    borders = row_borders(curve.seconds)
    smooth = smooth_scores(curve.scores, [config.rule(label).sigma_frames for label in labels])
    found = [
        (row.start, label_id, float(smooth[row, label_id].mean(dtype=np.float64)), row.stop)
        for label_id, label in enumerate(labels)
        for row in interval_rows(smooth[:, label_id], config.rule(label))
    ]
    return [
        Interval(labels.names[label_id], float(borders[start]), float(borders[stop]), min(confidence, 1.0))
        for start, label_id, confidence, stop in sorted(found)
    ]


def interval_rows(smooth: NDArray[np.float32], rule: IntervalRule) -> list[slice]:
    """Return the rows of each interval of one label, ascending.

    Args:
        smooth: [L], smoothed; NaN in gaps.
        rule: Thresholds, length and gaps.
    """
    # Comparisons with NaN are false. In float32, as the scores: 0.95 is a little less there.
    keep = stretches(smooth >= np.float32(rule.keep_threshold))
    peaks = np.flatnonzero(smooth >= np.float32(rule.threshold))
    held = [rows for rows in keep if _count(peaks, rows) > 0]
    joined: list[slice] = []
    for rows in held:
        if joined and _is_joined(smooth[joined[-1].stop : rows.start], rule):
            joined[-1] = slice(joined[-1].start, rows.stop)
        else:
            joined.append(rows)
    return [rows for rows in joined if rows.stop - rows.start >= rule.min_length_frames]


def _count(peaks: NDArray[np.int64], rows: slice) -> int:
    first, stop = np.searchsorted(peaks, (rows.start, rows.stop)).tolist()
    return int(stop - first)


def _is_joined(between: NDArray[np.float32], rule: IntervalRule) -> bool:
    return len(between) <= rule.max_gap_frames and not np.isnan(between).any()


def row_borders(seconds: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the times at which rows begin, and that at which the last one ends, float64 [L + 1]."""
    times = np.asarray(seconds, np.float64)
    last = times[-1] - times[-2] if len(times) > 1 else 0.0
    return np.append(times, times[-1:] + last)
