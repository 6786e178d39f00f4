"""Counts of spots and hits at each threshold, which add up over groups of videos.

The official scores follow from these sums. So the scores of a fold, of all folds and of a thousand resamples of the
matches come from one pass over the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.metrics.average_precision import (
    NUM_THRESHOLDS,
    average_precision_of_counts,
    counts_at_thresholds,
    thresholds_reached,
)
from bvas.metrics.label_events import LabelEvents
from bvas.values.arrays import Floats, Ints

# All events; those that are shown; those that are not.
ALL, VISIBLE, UNSHOWN = range(3)
NUM_KINDS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Counts of G groups of videos, 3 kinds (all, visible, unshown), D tolerances, K labels, 200 thresholds."""

    hits: NDArray[np.int32]
    """[G, 3, D, K, NUM_THRESHOLDS]"""
    spots: NDArray[np.int32]
    """[G, 3, K, NUM_THRESHOLDS]"""
    annotations: NDArray[np.int32]
    """[G, 3, K]"""

    @property
    def num_groups(self) -> int:
        """Groups of videos, e.g. matches."""
        return len(self.annotations)

    def of_groups(self, groups: Sequence[int]) -> "Tally":
        """Return the counts of some groups, in their order."""
        chosen = list(groups)
        return Tally(hits=self.hits[chosen], spots=self.spots[chosen], annotations=self.annotations[chosen])

    def average_precisions(self, weights: Floats | None = None) -> Floats:
        """Return the average precision of all, visible and unshown events, float64 [3, D, K].

        Args:
            weights: [G], how often each group is taken; None: once each.
        """
        taken = np.ones(self.num_groups) if weights is None else weights
        return np.stack([self._average_precisions(taken[None], kind)[0] for kind in range(NUM_KINDS)])

    def resampled(self, weights: Floats) -> Floats:
        """Return the average precision of all events for each sample of groups, float64 [B, D, K].

        Args:
            weights: [B, G], how often each sample takes each group.
        """
        return self._average_precisions(weights, ALL)

    def annotations_of(self, weights: Floats) -> Floats:
        """Return how many annotations of each label the samples hold, float64 [B, K]; `weights` is [B, G]."""
        return np.asarray(weights @ self.annotations[:, ALL])

    def _average_precisions(self, weights: Floats, kind: int) -> Floats:
        _, _, num_tolerances, num_labels, _ = self.hits.shape
        scores = np.empty((len(weights), num_tolerances, num_labels))
        annotations = weights @ self.annotations[:, kind]
        # Counts are integers far below 2 ** 24, which float32 holds exactly.
        taken = weights.astype(np.float32)
        # Label by label, tolerance by tolerance: all at once would take gigabytes.
        for k in range(num_labels):
            for d in range(num_tolerances):
                hits = self.hits[:, kind, d, k]
                # Of thresholds with the same hits the highest has the best precision; the others are not needed.
                lost = np.diff(hits, axis=1, append=0).any(axis=0)
                scores[:, d, k] = average_precision_of_counts(
                    (taken @ hits[:, lost].astype(np.float32)).astype(np.float64),
                    (taken @ self.spots[:, kind, k][:, lost].astype(np.float32)).astype(np.float64),
                    annotations[:, k],
                )
        return scores


def tally(events: Sequence[LabelEvents], tolerances: Sequence[float], groups: Ints, num_groups: int) -> Tally:
    """Return the counts of each group of videos.

    Args:
        events: Events of each label.
        tolerances: Half-widths, in the unit of the events' times.
        groups: [V], group of each video.
        num_groups: G; groups without a video have zero counts.
    """
    K, D = len(events), len(tolerances)
    hits = np.empty((num_groups, NUM_KINDS, D, K, NUM_THRESHOLDS), np.int32)
    spots = np.empty((num_groups, NUM_KINDS, K, NUM_THRESHOLDS), np.int32)
    annotations = np.empty((num_groups, NUM_KINDS, K), np.int32)
    for k, label in enumerate(events):
        spot_groups, annotation_groups = groups[label.spot_videos], groups[label.annotation_videos]
        cells = spot_groups * (NUM_THRESHOLDS + 1) + thresholds_reached(label.confidences)
        near = (np.ones_like(label.near_visible), label.near_visible, ~label.near_visible)
        truth = (np.ones_like(label.visible), label.visible, ~label.visible)
        for kind in range(NUM_KINDS):
            spots[:, kind, k] = counts_by_group(cells[near[kind]], num_groups)
            annotations[:, kind, k] = np.bincount(annotation_groups[truth[kind]], minlength=num_groups)
        for d, tolerance in enumerate(tolerances):
            is_hit = label.are_hits(tolerance)
            for kind in range(NUM_KINDS):
                hits[:, kind, d, k] = counts_by_group(cells[near[kind] & is_hit], num_groups)
    return Tally(hits=hits, spots=spots, annotations=annotations)


def counts_by_group(cells: Ints, num_groups: int) -> Ints:
    """Return [G, NUM_THRESHOLDS] from spots' cells, which number (group, thresholds reached)."""
    reached = np.bincount(cells, minlength=num_groups * (NUM_THRESHOLDS + 1))
    return counts_at_thresholds(reached.reshape(num_groups, NUM_THRESHOLDS + 1).astype(np.int64))
