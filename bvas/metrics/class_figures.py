"""Figures of a classifier as functions of arrays: rates of each class, top-k hits, intervals, calibration.

Equal scores are ranked by class id, the lower first, as `argmax` has it: top-1 accuracy is the accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bvas.metrics.bootstrap import MIN_MATCHES, Interval, interval_of, mean_over_labels, resamples
from bvas.values.arrays import Bools, Floats, Ints

NUM_BINS = 15
"""Bins of the reliability diagram, as in Guo et al. 2017."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Samples whose top probability lies above `low` and at or below `high`; the first bin holds 0 as well."""

    low: float
    high: float
    count: int
    share_right: float | None
    """None for a bin without samples."""
    mean_confidence: float | None
    """Mean of the top probability; None for a bin without samples."""


def confusion_of(truth: Ints, predicted: Ints, num_classes: int) -> Ints:
    """Return how often each class was taken for each, int64 [K, K]; rows are true classes."""
    pairs = np.bincount(truth * num_classes + predicted, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes).astype(np.int64)


def class_rates(
    hits: Floats | Ints, support: Floats | Ints, predicted: Floats | Ints
) -> tuple[Floats, Floats, Floats]:
    """Return precision, recall and F1 of each class, float64 [..., K]; 0 where there is nothing to divide by.

    Args:
        hits: [..., K], samples of the class that were taken for it.
        support: [..., K], samples of the class.
        predicted: [..., K], samples that were taken for the class.
    """
    return (
        np.asarray(hits / np.maximum(predicted, 1)),
        np.asarray(hits / np.maximum(support, 1)),
        np.asarray(2 * hits / np.maximum(support + predicted, 1)),
    )


def in_top(scores: Floats, truth: Ints, k: int) -> Bools:
    """Return whether the true class is among the k best, bool [S]; of equal scores the lower id is better.

    Args:
        scores: [S, K]
        truth: [S], class ids.
        k: Number of classes that count; with k = K or more every sample is right.
    """
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    lower_id = np.arange(scores.shape[1]) < truth[:, None]
    better = (scores > own) | ((scores == own) & lower_id)
    return np.asarray(better.sum(axis=1) < k)


def class_intervals(
    truth: Ints, predicted: Ints, num_classes: int, groups: Sequence[str]
) -> dict[str, Interval] | None:
    """Return intervals over groups of `accuracy`, `balanced_accuracy` and `macro_f1`; None with too few groups.

    A class that the samples have, and a resample by chance does not, is left out of that resample's means. Sums of
    each class are resampled, not confusion matrices, which would take gigabytes with hundreds of classes.

    Args:
        truth: [S], true class ids.
        predicted: [S], class ids.
        num_classes: K.
        groups: [S], names; their order does not matter.
    """
    found, group_ids = np.unique(list(groups), return_inverse=True)
    if len(found) < MIN_MATCHES:
        return None
    weights = resamples(len(found))

    def resampled(chosen: Bools | slice, class_ids: Ints) -> Floats:
        cells = group_ids[chosen] * num_classes + class_ids[chosen]
        counts = np.bincount(cells, minlength=len(found) * num_classes)
        return np.asarray(weights @ counts.reshape(len(found), num_classes))

    hits = resampled(truth == predicted, truth)
    support = resampled(slice(None), truth)
    _, recall, f1 = class_rates(hits, support, resampled(slice(None), predicted))
    in_all = np.bincount(truth, minlength=num_classes).astype(np.float64)
    occurs = in_all > 0
    values = {
        "accuracy": hits.sum(axis=1) / support.sum(axis=1),
        "balanced_accuracy": mean_over_labels(recall[:, occurs], support[:, occurs], in_all[occurs]),
        "macro_f1": mean_over_labels(f1, support, in_all),
    }
    return {name: interval_of(value, len(found)) for name, value in values.items()}


def reliability_bins(confidence: Floats, right: Bools) -> tuple[ReliabilityBin, ...]:
    """Return the rows of a reliability diagram: `NUM_BINS` bins of equal width from 0 to 1.

    Args:
        confidence: [S], top probability.
        right: [S], whether the class with that probability is the true one.
    """
    edges = np.arange(NUM_BINS + 1) / NUM_BINS
    bins = np.maximum(np.searchsorted(edges, confidence) - 1, 0)
    counts = np.bincount(bins, minlength=NUM_BINS).tolist()
    shares, means = (
        (np.bincount(bins, weights=values, minlength=NUM_BINS) / np.maximum(counts, 1)).tolist()
        for values in (right, confidence)
    )
    return tuple(
        ReliabilityBin(
            low=low,
            high=high,
            count=count,
            share_right=share if count else None,
            mean_confidence=mean if count else None,
        )
        for low, high, count, share, mean in zip(
            edges[:-1].tolist(), edges[1:].tolist(), counts, shares, means, strict=True
        )
    )


def calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Return the expected calibration error, in [0, 1].

    It is the mean over the samples of the distance between the share that is right in their bin and the bin's mean
    confidence (Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3).
    """
    total = sum(
        one.count * abs(one.share_right - one.mean_confidence)
        for one in bins
        if one.share_right is not None and one.mean_confidence is not None
    )
    return total / sum(one.count for one in bins)
