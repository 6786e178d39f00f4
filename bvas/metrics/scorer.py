"""Score sheet of annotations and spots: one pass over both, everything else from its counts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bvas.metrics.analysis import (
    Counts,
    Matching,
    counts_per_label,
    match_spots,
    timing_error,
    timing_histogram,
)
from bvas.metrics.average_precision import check_videos
from bvas.metrics.bootstrap import MIN_MATCHES, Interval, interval_of, mean_over_labels, resamples
from bvas.metrics.confusion import confusion_matrix
from bvas.metrics.exact import RankedSpots, exact_average_precisions, rank_spots
from bvas.metrics.label_events import moment_events, tolerance_us
from bvas.metrics.official import OfficialScores, official_tally
from bvas.metrics.score_rules import ScoreRules
from bvas.metrics.score_sheet import ExactScores, MatchScore, ScoreSheet
from bvas.metrics.tally import Tally, tally
from bvas.metrics.team import label_without_side
from bvas.values.annotations import AnnotationLists, SpotLists
from bvas.values.arrays import Floats, Ints


def score_sheet(
    annotations: AnnotationLists, spots: SpotLists, rules: ScoreRules, *, matches: Sequence[str]
) -> ScoreSheet:
    """Return all figures for some videos.

    Args:
        annotations: One sequence per video, in the order of the file; where sides count, the labels
            name them (`sided_label`).
        spots: One sequence per video, in the order of the file; all candidates.
        rules: Metric, tolerances and operating points.
        matches: Name of the match that each video belongs to.

    Raises:
        ConfigError: unequal numbers of videos.
    """
    check_videos(annotations, spots)
    assert len(matches) == len(spots), (len(matches), len(spots))
    # Sorted, so that the resamples do not depend on the order of the files.
    names = sorted(set(matches))
    numbers = {name: number for number, name in enumerate(names)}
    groups = np.array([numbers[match] for match in matches], dtype=np.int64)
    labels, tolerance = rules.scored_labels, rules.half_widths_seconds[0]
    counts, ranked = _count(annotations, spots, rules, groups)
    matchings = tuple(
        match_spots(
            truth, [spot for spot in found if rules.is_shown(spot)], labels, tolerance_seconds=tolerance
        )
        for truth, found in zip(annotations, spots, strict=True)
    )
    hits = [hit for matching in matchings for hit in matching.hits]
    once = np.ones((1, counts.num_groups))
    exact = exact_average_precisions(ranked, once)[0]
    by_match = _counts_by_match(matchings, groups, len(names))
    alone = rules.resampled(counts, np.eye(counts.num_groups)).mean(axis=1).tolist()[: len(names)]
    weights = resamples(len(names)) if len(names) >= MIN_MATCHES else None
    interval, label_intervals = (None, None) if weights is None else _intervals(counts, rules, weights)
    return ScoreSheet(
        rules=rules,
        official=rules.scores(counts, once[0]),
        without_sides=None if rules.sides is None else _without_sides(annotations, spots, rules),
        by_tolerance=rules.by_tolerance(counts),
        interval=interval,
        label_intervals=label_intervals,
        exact=ExactScores(
            mean=float(exact.mean()),
            per_label=dict(zip(labels, exact.tolist(), strict=True)),
            interval=None if weights is None else _exact_interval(ranked, counts, weights),
        ),
        tolerance_seconds=tolerance,
        matchings=matchings,
        counts=counts_per_label(matchings, labels),
        rate_intervals=None if weights is None else _rate_intervals(by_match, weights),
        timing=timing_error(hits),
        timing_histogram=timing_histogram(hits, tolerance_seconds=tolerance),
        confusion=confusion_matrix(matchings, labels, tolerance_seconds=tolerance),
        matches=tuple(
            MatchScore(name=name, mean=mean, counts=counted)
            for name, mean, counted in zip(names, alone, by_match, strict=True)
        ),
        tally=counts,
    )


def _count(
    annotations: AnnotationLists, spots: SpotLists, rules: ScoreRules, groups: Ints
) -> tuple[Tally, list[RankedSpots]]:
    num_groups = int(groups.max(initial=0)) + 1
    moments = moment_events(annotations, spots, rules.scored_labels)
    smallest = tolerance_us(rules.half_widths_seconds[0])
    ranked = [rank_spots(label, smallest, groups, num_groups) for label in moments]
    if rules.metric == "seconds":
        tolerances = [tolerance_us(tolerance) for tolerance in rules.half_widths_seconds]
        return tally(moments, tolerances, groups, num_groups), ranked
    counts = official_tally(
        annotations, spots, rules.scored_labels, metric=rules.metric, rate=rules.rate, groups=groups.tolist()
    )
    return counts, ranked


def _counts_by_match(matchings: Sequence[Matching], groups: Ints, num_matches: int) -> list[Counts]:
    counts = [Counts() for _ in range(num_matches)]
    for matching, group in zip(matchings, groups.tolist(), strict=True):
        counts[group] += Counts(
            hits=len(matching.hits), misses=len(matching.misses), false_alarms=len(matching.false_alarms)
        )
    return counts


def _intervals(counts: Tally, rules: ScoreRules, weights: Floats) -> tuple[Interval, dict[str, Interval]]:
    """Return the interval of the mean, and of each label over the resamples that hold it."""
    resampled = rules.resampled(counts, weights)
    held = rules.annotations(counts, weights)
    held_by_all = rules.annotations(counts, np.ones((1, counts.num_groups)))[0]
    mean = mean_over_labels(resampled, held, held_by_all)
    per_label = {
        label: interval_of(resampled[held[:, k] > 0, k], counts.num_groups)
        for k, label in enumerate(rules.labels)
        if held_by_all[k] > 0
    }
    return interval_of(mean, counts.num_groups), per_label


def _exact_interval(ranked: Sequence[RankedSpots], counts: Tally, weights: Floats) -> Interval:
    held_by_all = counts.annotations_of(np.ones((1, counts.num_groups)))[0]
    scores = exact_average_precisions(ranked, weights)
    return interval_of(
        mean_over_labels(scores, counts.annotations_of(weights), held_by_all), counts.num_groups
    )


def _rate_intervals(by_match: Sequence[Counts], weights: Floats) -> dict[str, Interval]:
    table = np.array([[c.hits, c.misses, c.false_alarms] for c in by_match], dtype=np.float64)
    hits, misses, false_alarms = (weights @ table).T
    num_matches = len(by_match)
    return {
        "precision": interval_of(hits / np.maximum(hits + false_alarms, 1), num_matches),
        "recall": interval_of(hits / np.maximum(hits + misses, 1), num_matches),
        "f1": interval_of(2 * hits / np.maximum(2 * hits + misses + false_alarms, 1), num_matches),
    }


def _without_sides(annotations: AnnotationLists, spots: SpotLists, rules: ScoreRules) -> OfficialScores:
    assert rules.sides is not None
    plain = ScoreRules(
        labels=rules.labels, metric=rules.metric, tolerances_seconds=rules.tolerances_seconds, rate=rules.rate
    )
    sideless_truth = [
        [replace(a, label=label_without_side(a.label, rules.sides)) for a in v] for v in annotations
    ]
    sideless_found = [[replace(s, label=label_without_side(s.label, rules.sides)) for s in v] for v in spots]
    counts, _ = _count(sideless_truth, sideless_found, plain, np.zeros(len(spots), dtype=np.int64))
    return plain.scores(counts, np.ones(1))
