"""Exact average precision: the area under the precision-recall curve, without 11 points and 200 thresholds.

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
from bvas.values.arrays import Bools, Floats, Ints

# Floats of resampled curves in one chunk: 64 MB an array.
_CHUNK = 8_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedSpots:
    """Spots of one label in falling order of confidence, in stretches that each end with hits.

    Precision is needed only where recall grows, so the order between two such points does not matter.
    """

    hits: NDArray[np.float32]
    """[G, S], hits of each group in each stretch."""
    spots: NDArray[np.float32]
    """[G, S], spots of each group in each stretch."""
    annotations: Floats
    """[G], annotations of each group."""


def rank_spots(events: LabelEvents, tolerance: float, groups: Ints, num_groups: int) -> RankedSpots:
    """Return the spots of a label by confidence.

    Args:
        events: Events of the label.
        tolerance: Half-width, in the unit of the events' times.
        groups: [V], group of each video.
        num_groups: G.
    """
    is_hit = events.are_hits(tolerance)
    # Each spot belongs to the stretch that ends with the nearest hit's confidence at or below its own.
    borders = np.unique(events.confidences[is_hit])
    stretches = len(borders) - np.searchsorted(borders, events.confidences, side="right")
    counted = stretches < len(borders)
    groups_of_spots = groups[events.spot_videos]

    def by_group(chosen: Bools) -> NDArray[np.float32]:
        cells = groups_of_spots[chosen] * len(borders) + stretches[chosen]
        counts = np.bincount(cells, minlength=num_groups * len(borders))
        return counts.reshape(num_groups, len(borders)).astype(np.float32)

    return RankedSpots(
        hits=by_group(is_hit),
        spots=by_group(counted),
        annotations=np.bincount(groups[events.annotation_videos], minlength=num_groups).astype(np.float64),
    )


def exact_average_precision(ranked: RankedSpots, weights: Floats) -> Floats:
    """Return the exact average precision of each sample of groups, float64 [B] in [0, 1].

    Args:
        ranked: Spots of one label.
        weights: [B, G], how often each sample takes each group.
    """
    scores = np.zeros(len(weights))
    num_annotations = np.maximum(weights @ ranked.annotations, 1)
    size = max(1, _CHUNK // max(ranked.hits.shape[1], 1))
    for start in range(0, len(weights), size):
        chunk = slice(start, start + size)
        # Counts are integers far below 2 ** 24, which float32 holds exactly.
        taken = weights[chunk].astype(np.float32)
        gained = taken @ ranked.hits
        hits = np.cumsum(gained, axis=1, dtype=np.float64)
        spots = np.cumsum(taken @ ranked.spots, axis=1, dtype=np.float64)
        scores[chunk] = (gained * hits / np.maximum(spots, 1)).sum(axis=1) / num_annotations[chunk]
    return scores


def exact_average_precisions(ranked: Sequence[RankedSpots], weights: Floats) -> Floats:
    """Return the exact average precision by sample and label, float64 [B, K]."""
    return np.stack([exact_average_precision(label, weights) for label in ranked], axis=1)
