"""Counts of spots and hits of one label by many rules, match by match."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.peak_config import PeakRule
from bvas.metrics.average_precision import NUM_THRESHOLDS, thresholds_reached
from bvas.metrics.label_events import MAX_SECONDS, frame_events
from bvas.metrics.matching import are_hits
from bvas.metrics.official import tolerance_of
from bvas.metrics.tally import ALL, NUM_KINDS, Tally, counts_by_group
from bvas.tasks.peaks import lowest_height, nms_rows, peak_rows, smooth_scores
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.arrays import Floats, Ints
from bvas.values.score_curve import ScoreCurve

_TOLERANCE_SECONDS = tolerance_of(1)
# As many as results files hold; scores are those of the files.
_DECIMALS = 6
# Farther than any distance between spots, and within the same phase of play.
_THROW_SECONDS = (5.0, 30.0)

# Letters in this file: G matches, V halves, P spots, T thresholds.


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledCurves:
    """Out-of-fold curves of V halves with what there is to be found in them."""

    labels: LabelSet
    """Columns of the curves."""
    rate: float
    """Rows per second."""
    curves: tuple[ScoreCurve, ...]
    annotations: tuple[tuple[Annotation, ...], ...]
    """Of each half."""
    groups: Ints
    """[V], number of the match that each half belongs to."""

    @property
    def num_groups(self) -> int:
        """Matches."""
        return int(self.groups.max()) + 1

    def thrown(self, seed: int) -> "LabelledCurves":
        """Return the same curves with every annotation moved by 5 to 30 s, round the end of its half.

        No score can know of such annotations, and there are as many of them nearby as before.
        """
        rng = np.random.default_rng(seed)
        moved = []
        for curve, annotations in zip(self.curves, self.annotations, strict=True):
            length = float(curve.seconds[-1]) + 1 / self.rate
            by = rng.uniform(*_THROW_SECONDS, len(annotations)) * rng.choice([-1, 1], len(annotations))
            times = (np.array([a.seconds for a in annotations]) + by) % length
            moved.append(tuple(Annotation(annotations[i].label, times[i].item()) for i in np.argsort(times)))
        return replace(self, annotations=tuple(moved))


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleCounts:
    """Counts of one label's spots at or above each of the official thresholds, by match."""

    hits: NDArray[np.integer[Any]]
    """[G, T]"""
    spots: NDArray[np.integer[Any]]
    """[G, T]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameSpots:
    """Spots of one label by one rule, as the official metric reads them from a results file."""

    times: Ints
    """[P] frames, ascending, the halves end to end."""
    halves: Ints
    """[P]"""
    heights: NDArray[np.float32]
    """[P], smoothed scores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """Annotations of one label, as the official metric reads them."""

    times: Ints
    """Frames, ascending, the halves end to end."""
    by_match: Ints
    """[G], how many."""


def truths(data: LabelledCurves) -> list[Truth]:
    """Return the annotations of each label."""
    no_spots: list[list[Spot]] = [[] for _ in data.curves]
    return [
        Truth(
            times=events.annotation_times,
            by_match=np.bincount(data.groups[events.annotation_videos], minlength=data.num_groups).astype(
                np.int64
            ),
        )
        for events in frame_events(data.annotations, no_spots, data.labels, data.rate)
    ]


def spots_of_rules(
    data: LabelledCurves, label_id: int, rules: Sequence[PeakRule]
) -> Iterator[tuple[list[int], FrameSpots]]:
    """Give the spots of one label by rules that differ in their heights alone, with the rules' numbers.

    The spots are those of the lowest height among them: a higher one leaves out those below it, and no others.
    """
    columns = [curve.scores[:, label_id : label_id + 1] for curve in data.curves]
    by_sigma: dict[float, dict[int, list[int]]] = {}
    for number, rule in enumerate(rules):
        by_sigma.setdefault(rule.sigma_frames, {}).setdefault(rule.min_distance_frames, []).append(number)
    for sigma, by_distance in by_sigma.items():
        smooth = [smooth_scores(column, sigma)[:, 0] for column in columns]
        lowest = min(lowest_height(rules[n]) for numbers in by_distance.values() for n in numbers)
        peaks = [peak_rows(curve, lowest) for curve in smooth]
        for distance, numbers in by_distance.items():
            kept = [nms_rows(rows, curve, distance) for rows, curve in zip(peaks, smooth, strict=True)]
            yield numbers, _frame_spots(data, smooth, kept)


def _frame_spots(
    data: LabelledCurves, smooth: Sequence[NDArray[np.float32]], kept: Sequence[Ints]
) -> FrameSpots:
    last = int(MAX_SECONDS * data.rate) - 1
    times, heights = [], []
    for half, (curve, rows) in enumerate(zip(data.curves, kept, strict=True)):
        # Files hold positions such that the official reader comes to the nearest frame (`position_ms`).
        frames = np.minimum(np.rint(curve.seconds[rows] * data.rate).astype(np.int64), last)
        # Of several in one frame it keeps the last.
        stays = np.append(np.diff(frames) > 0, True) if len(frames) else np.zeros(0, np.bool_)
        times.append(frames[stays] + half * 2 * (last + 1))
        heights.append(smooth[half][rows][stays])
    counts = [len(part) for part in times]
    return FrameSpots(
        times=np.concatenate(times),
        halves=np.repeat(np.arange(len(counts)), counts),
        heights=np.concatenate(heights),
    )


def count_hits(
    data: LabelledCurves, truth: Truth, spots: FrameSpots, heights: Sequence[float]
) -> list[RuleCounts]:
    """Return the counts at +-0.5 s for each of some lowest heights, from `lowest_height`.

    Leaving out the lowest spots changes no match among the others: an annotation takes the highest free one.
    """
    heights_64 = spots.heights.astype(np.float64)
    confidences: Floats = np.asarray(np.round(np.minimum(heights_64, 1.0), _DECIMALS), np.float64)
    is_hit = are_hits(truth.times, spots.times, confidences, _TOLERANCE_SECONDS * data.rate)
    reached = thresholds_reached(confidences)
    cells: Ints = data.groups[spots.halves] * (NUM_THRESHOLDS + 1) + reached
    return [
        RuleCounts(
            hits=counts_by_group(cells[taken & is_hit], data.num_groups),
            spots=counts_by_group(cells[taken], data.num_groups),
        )
        for taken in (spots.heights >= height for height in heights)
    ]


def count_rule(
    data: LabelledCurves, true: Sequence[Truth], label_id: int, rule: PeakRule
) -> list[RuleCounts]:
    """Return what one rule finds of one label, against one or another set of its annotations."""
    ((_, spots),) = spots_of_rules(data, label_id, [rule])
    return [count_hits(data, truth, spots, [lowest_height(rule)])[0] for truth in true]


def tally_of(counts_of_labels: Sequence[RuleCounts], true: Sequence[Truth]) -> Tally:
    """Return the counts of all labels as those of all events; visible ones are not counted apart."""
    annotations = np.stack([label.by_match for label in true], axis=1)
    num_matches, num_labels = annotations.shape
    hits = np.zeros((num_matches, NUM_KINDS, 1, num_labels, NUM_THRESHOLDS), np.int32)
    spots = np.zeros((num_matches, NUM_KINDS, num_labels, NUM_THRESHOLDS), np.int32)
    held = np.zeros((num_matches, NUM_KINDS, num_labels), np.int32)
    held[:, ALL] = annotations
    for label_id, counts in enumerate(counts_of_labels):
        hits[:, ALL, 0, label_id], spots[:, ALL, label_id] = counts.hits, counts.spots
    return Tally(hits=hits, spots=spots, annotations=held)
