"""Average precision and recall of intervals at thresholds of temporal IoU, by ActivityNet's rules.

The temporal IoU (tIoU) of two intervals is the length of their intersection over that of their union. The intervals
found for a label in all videos are ranked by confidence, equal ones in the order given. Each takes the free true
interval of its video with the largest tIoU, if that reaches the threshold; a true interval is taken once. The average
precision is the area under the precision-recall curve, where the precision at a recall is the best one at that recall
or a larger one.

These are the rules of ActivityNet (Heilbron et al., CVPR 2015) as mmaction2's evaluator applies them: a tIoU is
rounded to float32 before it is compared, so that an interval exactly at 0.65, 0.7, 0.9 or 0.95 misses it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.values.arrays import Bools, Floats, Ints

TIOU_THRESHOLDS: Floats = np.linspace(0.5, 0.95, 10)
"""0.5, 0.55 ... 0.95: the T thresholds of ActivityNet."""


def temporal_iou(spans: Floats, others: Floats) -> NDArray[np.float32]:
    """Return the tIoU of each of [N, 2] starts and ends with each of [M, 2], float32 [N, M] in [0, 1]."""
    starts, ends = spans.T[..., None]
    other_starts, other_ends = others.T
    common = np.clip(np.minimum(ends, other_ends) - np.maximum(starts, other_starts), 0.0, None)
    return np.asarray(common / ((other_ends - other_starts) + (ends - starts) - common), dtype=np.float32)


def matched_truth(truth: Sequence[Floats], found: Sequence[Floats], confidences: Sequence[Floats]) -> Ints:
    """Return which true interval each found one takes at each threshold.

    Args:
        truth: [G, 2] starts and ends of each video, of one label.
        found: [P, 2] of each video, in the order of the videos of `truth`.
        confidences: [P] of each video.

    Returns:
        [T, P] over all videos in falling order of confidence: the number of the true interval, counted through the
        videos, or -1.
    """
    firsts = np.cumsum([0, *(len(spans) for spans in truth)])
    videos = np.repeat(np.arange(len(found)), [len(spans) for spans in found])
    ious = [temporal_iou(*pair) for pair in zip(found, truth, strict=True)]
    rows = [row for iou in ious for row in iou]
    taken = np.full((len(TIOU_THRESHOLDS), len(rows)), -1, dtype=np.int64)
    is_free = np.ones((len(TIOU_THRESHOLDS), firsts[-1]), dtype=bool)
    ranking = ranked(confidences)
    for rank, which in enumerate(ranking.tolist()):
        row, first = rows[which], int(firsts[videos[which]])
        if not len(row):
            continue
        # Of equals the last one, as mmaction2.
        order = np.argsort(row, kind="stable")[::-1]
        fits = (row[order] >= TIOU_THRESHOLDS[:, None]) & is_free[:, first + order]
        reached = np.flatnonzero(fits.any(axis=1))
        best = first + order[fits[reached].argmax(axis=1)]
        taken[reached, rank] = best
        is_free[reached, best] = False
    return taken


def ranked(confidences: Sequence[Floats]) -> Ints:
    """Return the places of all confidences, [P] through the videos, in falling order; equal ones as they stand."""
    return np.argsort(-np.concatenate([*confidences, np.empty(0)]), kind="stable")


def interpolated_precision(is_hit: Bools, num_truth: int) -> Floats:
    """Return the average precision at each threshold, [T] in [0, 1].

    Args:
        is_hit: [T, P], whether the found intervals, in falling order of confidence, take a true one.
        num_truth: True intervals, taken or not; at least 1.
    """
    precision = np.cumsum(is_hit, axis=1) / np.arange(1, is_hit.shape[1] + 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    # Recall grows by the same step at each hit.
    return np.asarray((best * is_hit).sum(axis=1) / num_truth)


def average_recall(
    truth: Sequence[Floats], found: Sequence[Floats], confidences: Sequence[Floats], num_proposals: int
) -> float:
    """Return the recall of true intervals, mean over the thresholds, in [0, 1]; 0 without true intervals.

    Args:
        truth: [G, 2] starts and ends of each video.
        found: [P, 2] of each video.
        confidences: [P] of each video.
        num_proposals: Intervals of each video that count, the most confident ones. A true interval is recalled when
            any of them reaches the threshold.
    """
    hits, num_truth = np.zeros(len(TIOU_THRESHOLDS)), 0
    for spans, others, scores in zip(truth, found, confidences, strict=True):
        kept = others[np.argsort(-scores, kind="stable")[:num_proposals]]
        best = temporal_iou(kept, spans).max(axis=0, initial=0.0)
        hits += (best >= TIOU_THRESHOLDS[:, None]).sum(axis=1)
        num_truth += len(spans)
    return float(hits.mean() / max(num_truth, 1))
