"""Precision-recall curve of each label, from all candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bvas.metrics.analysis import Matching
from bvas.metrics.average_precision import label_ids
from bvas.values.annotations import LabelSet
from bvas.values.arrays import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecisionRecall:
    """One point for each distinct confidence, the highest first; all in [0, 1]."""

    confidences: Floats
    """[P]"""
    precision: Floats
    """[P], share of the spots from this confidence up that are hits."""
    recall: Floats
    """[P], share of the annotations that they hit; 0 without annotations."""


def precision_recall(matchings: Sequence[Matching], labels: LabelSet) -> list[PrecisionRecall]:
    """Return the curve of each label over all videos, in the order of the labels.

    The hits at a confidence follow from the matching of all candidates: an annotation takes the most confident spot
    near it, so removing the least confident ones changes no other pair.

    Args:
        matchings: One per video, of all candidates.
        labels: The labels.
    """
    ids = label_ids(labels)
    hits: list[list[float]] = [[] for _ in labels]
    alarms: list[list[float]] = [[] for _ in labels]
    num_annotations = [0] * len(labels)
    for matching in matchings:
        for hit in matching.hits:
            hits[ids[hit.spot.label]].append(hit.spot.confidence)
            num_annotations[ids[hit.annotation.label]] += 1
        for miss in matching.misses:
            num_annotations[ids[miss.label]] += 1
        for spot in matching.false_alarms:
            alarms[ids[spot.label]].append(spot.confidence)
    return [_curve(*parts) for parts in zip(hits, alarms, num_annotations, strict=True)]


def _curve(hits: list[float], alarms: list[float], num_annotations: int) -> PrecisionRecall:
    confidences = np.array([*hits, *alarms], dtype=np.float64)
    is_hit = np.arange(len(confidences)) < len(hits)
    order = np.argsort(-confidences, kind="stable")
    confidences = confidences[order]
    found = np.cumsum(is_hit[order])
    last_of_equals = np.append(confidences[1:] != confidences[:-1], True)[: len(confidences)]
    found, ranks = found[last_of_equals], np.flatnonzero(last_of_equals) + 1
    return PrecisionRecall(
        confidences=confidences[last_of_equals],
        precision=found / ranks,
        recall=found / max(num_annotations, 1),
    )
