"""Choice of the best rule and operating point of one label, on any of the matches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.data.soccernet_files import position_ms
from bvas.evaluation.tuning.counting import LabelledCurves, Truth, count_hits, spots_of_rules
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.metrics.average_precision import (
    NUM_THRESHOLDS,
    TIME_ROUNDING_SECONDS,
    average_precision_of_counts,
    counts_at_thresholds,
)
from bvas.metrics.matching import are_hits
from bvas.tasks.peaks import find_spots, lowest_height
from bvas.values.annotations import LabelSet
from bvas.values.arrays import Bools, Floats, Ints

MIN_ANNOTATIONS = 30
"""A label with fewer keeps its rule: the best of hundreds of rules on so few says nothing about others."""
ALIKE = 0.002
"""Average precisions that lie so near each other say nothing about which rule is better; the preferred one is taken.

Folds that get different rules for nothing score worse together, since heights of different smoothing do not compare."""
TOLERANCE_SECONDS = 0.5
_EQUAL = 1e-12
_POINTS = np.arange(1, 100) / 100

# Letters in this file: C rules, G matches, T thresholds of the official metric, N operating points.


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedRules:
    """Counts of each rule for one label in each match."""

    rules: Sequence[PeakRule]
    """[C], the label's own first, then in the order in which they are preferred."""
    hits: NDArray[np.int32]
    """[C, G, T]"""
    spots: NDArray[np.int32]
    """[C, G, T]"""
    annotations: Ints
    """[G]"""

    def best(self, matches: Bools) -> int:
        """Return the number of the rule with the highest average precision on some matches [G] together.

        Of those that score alike it is the preferred one; with few annotations it is the label's own.
        """
        num_annotations = int(self.annotations[matches].sum())
        if num_annotations < MIN_ANNOTATIONS:
            return 0
        scores = average_precision_of_counts(
            self.hits[:, matches].sum(axis=1),
            self.spots[:, matches].sum(axis=1),
            np.full(len(self.rules), num_annotations),
        )
        return int(np.argmax(scores >= scores.max() - ALIKE))


def count_rules(data: LabelledCurves, label_id: int, truth: Truth, rules: Sequence[PeakRule]) -> CountedRules:
    """Return what each rule finds of one label.

    Args:
        data: The curves.
        label_id: Column of the label.
        truth: Its annotations.
        rules: From `RuleGrid.rules`.
    """
    shape = (len(rules), data.num_groups, NUM_THRESHOLDS)
    hits, spots = np.empty(shape, np.int32), np.empty(shape, np.int32)
    for numbers, found in spots_of_rules(data, label_id, rules):
        counted = count_hits(data, truth, found, [lowest_height(rules[number]) for number in numbers])
        for number, counts in zip(numbers, counted, strict=True):
            hits[number], spots[number] = counts.hits, counts.spots
    return CountedRules(rules=rules, hits=hits, spots=spots, annotations=truth.by_match)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCounts:
    """Hits and spots of one label from each of N operating points up, by match."""

    points: Floats
    """[N], ascending."""
    hits: Ints
    """[G, N]"""
    spots: Ints
    """[G, N]"""
    annotations: Ints
    """[G]"""

    def best(self, matches: Bools, own: float) -> float:
        """Return the point of the highest F1 on some matches [G] together.

        Of equal ones it is the nearest to the label's own; with few annotations it is its own.
        """
        num_annotations = int(self.annotations[matches].sum())
        if num_annotations < MIN_ANNOTATIONS:
            return own
        hits, spots = self.hits[matches].sum(axis=0), self.spots[matches].sum(axis=0)
        scores = 2 * hits / (spots + num_annotations)
        best = self.points[scores >= scores.max() - _EQUAL]
        return float(best[np.argmin(np.abs(best - own))])

    def at(self, point: float) -> Ints:
        """Return (hits, spots, annotations) of each match at one of the points, int64 [G, 3]."""
        number = int(np.searchsorted(self.points, point))
        return np.stack([self.hits[:, number], self.spots[:, number], self.annotations], axis=1)


def count_shown(variants: Sequence[LabelledCurves], label_id: int, rule: PeakRule) -> list[ShownCounts]:
    """Return what `bvas evaluate` counts within half a second, for each operating point and each variant.

    Args:
        variants: The same curves with one or another set of annotations.
        label_id: Column of the label.
        rule: Its rule; its own operating point is one of those that are counted.
    """
    data, label = variants[0], variants[0].labels.names[label_id]
    config, only = PeakConfig(per_label={label: rule}), LabelSet((label,))
    found = [
        find_spots(curve.scores[:, label_id : label_id + 1], curve.seconds, only, config)
        for curve in data.curves
    ]
    # As they are read from a results file.
    times = [
        np.array([position_ms(spot.seconds, data.rate) / 1000 for spot in half], np.float64) for half in found
    ]
    confidences = [np.array([round(spot.confidence, 6) for spot in half], np.float64) for half in found]
    points = np.unique([*_POINTS[_POINTS >= rule.min_height], rule.operating_point])
    return [_shown(variant, label, times, confidences, points) for variant in variants]


def _shown(
    data: LabelledCurves, label: str, times: Sequence[Floats], confidences: Sequence[Floats], points: Floats
) -> ShownCounts:
    hits = np.zeros((data.num_groups, len(points)), np.int64)
    spots, annotations = np.zeros_like(hits), np.zeros(data.num_groups, np.int64)
    for half, group in enumerate(data.groups.tolist()):
        true_times = np.array(
            sorted(a.seconds for a in data.annotations[half] if a.label == label), np.float64
        )
        is_hit = are_hits(
            true_times, times[half], confidences[half], TOLERANCE_SECONDS + TIME_ROUNDING_SECONDS
        )
        reached = np.searchsorted(points, confidences[half], side="right")
        hits[group] += counts_at_thresholds(np.bincount(reached[is_hit], minlength=len(points) + 1))
        spots[group] += counts_at_thresholds(np.bincount(reached, minlength=len(points) + 1))
        annotations[group] += len(true_times)
    return ShownCounts(points=points, hits=hits, spots=spots, annotations=annotations)
