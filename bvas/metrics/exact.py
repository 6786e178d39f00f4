"""Average precision without 11 points and 200 thresholds: the area under the curve as it is.

Spots in falling order of confidence give one point of precision and recall after each distinct
confidence (equal ones are taken together). The exact average precision is the sum over these points
of the recall gained times the precision there; it is not interpolated, and recall that is never
reached adds nothing. A label that no annotation bears scores 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.metrics.label_events import LabelEvents
from bvas.metrics.matching import match_times

# Floats of one resampled curve that are worked on at once: 64 MB an array.
_CHUNK = 8_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedSpots:
    """All spots of one label in falling order of confidence, and how many annotations there are."""

    is_hit: NDArray[np.bool_]
    """[P], whether the spot answers an annotation."""
    groups: NDArray[np.int64]
    """[P], group (match) of each spot."""
    last_of_equals: NDArray[np.bool_]
    """[P], False where the next spot has the same confidence."""
    annotations: NDArray[np.float64]
    """[G], annotations of each group."""


def rank_spots(
    events: LabelEvents, tolerance: float, groups: NDArray[np.int64], num_groups: int
) -> RankedSpots:
    """Return the spots of a label by confidence.

    Args:
        events: Of the label.
        tolerance: Half-width, in the unit of the events' times.
        groups: [V], group of each video.
        num_groups: G.
    """
    matched = match_times(
        events.annotation_times.astype(np.float64),
        events.spot_times.astype(np.float64),
        events.confidences,
        tolerance,
    )
    is_hit = np.zeros(len(events.spot_times), dtype=np.bool_)
    is_hit[matched[matched >= 0]] = True
    order = np.argsort(-events.confidences, kind="stable")
    confidences = events.confidences[order]
    return RankedSpots(
        is_hit=is_hit[order],
        groups=groups[events.spot_videos][order],
        last_of_equals=np.append(confidences[1:] != confidences[:-1], True)[: len(confidences)],
        annotations=np.bincount(groups[events.annotation_videos], minlength=num_groups).astype(np.float64),
    )


def exact_average_precision(ranked: RankedSpots, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact average precision of each sample of groups, float64 [B] in [0, 1].

    Args:
        ranked: Spots of one label.
        weights: [B, G], how often each sample takes each group.
    """
    scores = np.zeros(len(weights))
    num_annotations = np.maximum(weights @ ranked.annotations, 1)
    size = max(1, _CHUNK // max(len(ranked.is_hit), 1))
    ends = np.flatnonzero(ranked.last_of_equals)
    for start in range(0, len(weights) if len(ends) else 0, size):
        taken = weights[start : start + size][:, ranked.groups]
        spots = np.cumsum(taken, axis=1)[:, ends]
        hits = np.cumsum(taken * ranked.is_hit, axis=1)[:, ends]
        gained = np.diff(hits, axis=1, prepend=0)
        area = (gained * hits / np.maximum(spots, 1)).sum(axis=1)
        scores[start : start + size] = area / num_annotations[start : start + size]
    return scores


def exact_average_precisions(
    ranked: Sequence[RankedSpots], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the exact average precision by sample and label, float64 [B, K]."""
    return np.stack([exact_average_precision(label, weights) for label in ranked], axis=1)
