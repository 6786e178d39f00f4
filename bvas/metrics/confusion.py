"""Confusion matrix: annotations by the label of the spot at their time."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bvas.metrics.analysis import Matching
from bvas.metrics.average_precision import TIME_ROUNDING_SECONDS, label_ids
from bvas.metrics.matching import match_times
from bvas.values.annotations import LabelSet


def confusion_matrix(
    matchings: Iterable[Matching], labels: LabelSet, *, tolerance_seconds: float
) -> NDArray[np.int64]:
    """Return how often each label was spotted as each, int64 [K + 1, K + 1].

    Row k counts the annotations of label k by the label of their matched spot, the last column those without a spot.
    The last row counts the spots without an annotation. Spots are matched to annotations of their own label first;
    the rest is matched once more by the same rule, regardless of labels.

    Args:
        matchings: One per video, label by label.
        labels: The K labels.
        tolerance_seconds: Largest distance of spot and annotation, as in the matchings.
    """
    ids = label_ids(labels)
    none = len(labels)
    matrix = np.zeros((none + 1, none + 1), dtype=np.int64)
    for matching in matchings:
        for hit in matching.hits:
            matrix[ids[hit.annotation.label], ids[hit.spot.label]] += 1
        spots = matching.false_alarms
        answers = match_times(
            np.array([a.seconds for a in matching.misses], dtype=np.float64),
            np.array([s.seconds for s in spots], dtype=np.float64),
            np.array([s.confidence for s in spots], dtype=np.float64),
            tolerance_seconds + TIME_ROUNDING_SECONDS,
        ).tolist()
        for annotation, answer in zip(matching.misses, answers, strict=True):
            matrix[ids[annotation.label], none if answer < 0 else ids[spots[answer].label]] += 1
        taken = set(answers)
        for i, spot in enumerate(spots):
            if i not in taken:
                matrix[none, ids[spot.label]] += 1
    return matrix
