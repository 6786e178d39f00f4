"""Nested tuning: rules chosen on all folds but one, and scored on that one.

The final rules are chosen on all matches in the same way. Their score on these matches would be too good, since they
were chosen to be; that of the nested choice is not. What is left is chance of another kind: dense or sparse spots
alone find more annotations, even in curves that know nothing. So a gain counts only if it is significant, and if
the curves know anything: the nested score is above that of each of many throws of the annotations to other times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bvas.errors import DataError
from bvas.evaluation.tuning.choice import count_rules, count_shown
from bvas.evaluation.tuning.counting import LabelledCurves, RuleCounts, count_rule, tally_of, truths
from bvas.evaluation.tuning.grid import RuleGrid
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.metrics.bootstrap import MIN_MATCHES, Interval, difference_interval, interval_of, resamples
from bvas.metrics.official import scores_of
from bvas.results.tuned_peaks import TunedScore
from bvas.values.arrays import Floats, Ints
from bvas.values.progress import Progress

# Curves that know nothing score higher with the real annotations than with all of so many throws in one case of 40.
NUM_THROWS = 39

# Letters in this file: G matches, K labels, T thresholds.


Rules = Mapping[str, PeakRule]
"""By label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """Chosen rules, and their gain."""

    peaks: PeakConfig
    """The rules to take: tuned ones where their gain is real, else the experiment's own."""
    rules: Rules
    """The best smoothing, height and distance on all matches, real gain or not."""
    points: dict[str, float]
    """The best operating points on all matches, for the rules that are taken."""
    rules_by_fold: dict[int, Rules]
    """The best rules on the matches of all other folds."""
    spots: TunedScore
    """Gain of the rules."""
    operating_points: TunedScore
    """Gain of the operating points."""
    num_annotations: dict[str, int]
    """Of each label, on all matches."""


def tune(
    data: LabelledCurves, folds: Ints, own: PeakConfig, grid: RuleGrid, *, progress: Progress | None = None
) -> Tuning:
    """Return the best rules of each label, and what they bring.

    Args:
        data: Out-of-fold curves with their annotations.
        folds: [G], fold of each match; a number each where all were predicted by one model.
        own: The experiment's rules.
        grid: What is tried.
        progress: Called with (labels done, labels in all).

    Raises:
        DataError: the matches are of one fold, so that none is left to choose on.
    """
    parts = sorted(set(folds.tolist()))
    if len(parts) < 2:
        raise DataError(
            "there are curves of one match: rules chosen on it cannot be scored on another; predict at least two "
            "matches"
        )
    true = truths(data)
    everywhere = np.ones(len(folds), np.bool_)
    by_fold: dict[int, dict[str, PeakRule]] = {part: {} for part in parts}
    best: dict[str, PeakRule] = {}
    for label_id, label in enumerate(data.labels):
        counted = count_rules(data, label_id, true[label_id], grid.rules(own.rule(label)))
        for part in parts:
            by_fold[part][label] = counted.rules[counted.best(folds != part)]
        best[label] = counted.rules[counted.best(everywhere)]
        if progress is not None:
            progress(label_id + 1, len(data.labels))
    before = {label: own.rule(label) for label in data.labels}
    # The curves with their own annotations, then with annotations thrown to other times: the chance baseline.
    variants = [data, *(data.thrown(seed) for seed in range(NUM_THROWS))]
    spots = _spots_score(variants, folds, before, by_fold)
    taken, taken_by_fold = (best, by_fold) if spots.is_real else (before, dict.fromkeys(parts, before))
    points, shown = _choose_points(variants, folds, taken, taken_by_fold)
    final = (
        {label: replace(taken[label], operating_point=point) for label, point in points.items()}
        if shown.is_real
        else taken
    )
    changed = {label: rule for label, rule in final.items() if rule != before[label]}
    return Tuning(
        peaks=replace(own, per_label={**own.per_label, **changed}),
        rules=best,
        points=points,
        rules_by_fold=dict(by_fold),
        spots=spots,
        operating_points=shown,
        num_annotations={label: int(true[k].by_match.sum()) for k, label in enumerate(data.labels)},
    )


def _spots_score(
    variants: Sequence[LabelledCurves], folds: Ints, before: Rules, by_fold: Mapping[int, Rules]
) -> TunedScore:
    """Return the official score before, and by the rules that each fold gets from the others."""
    data, true = variants[0], [truths(variant) for variant in variants]
    old_counts: list[RuleCounts] = []
    # [variant][label]
    new_counts: list[list[RuleCounts]] = [[] for _ in variants]
    for label_id, label in enumerate(data.labels):
        found = {
            rule: count_rule(data, [labels[label_id] for labels in true], label_id, rule)
            for rule in {before[label], *(rules[label] for rules in by_fold.values())}
        }
        old_counts.append(found[before[label]][0])
        for number, counts in enumerate(new_counts):
            nested = RuleCounts(hits=old_counts[-1].hits.copy(), spots=old_counts[-1].spots.copy())
            for fold, rules in by_fold.items():
                nested.hits[folds == fold] = found[rules[label]][number].hits[folds == fold]
                nested.spots[folds == fold] = found[rules[label]][number].spots[folds == fold]
            counts.append(nested)
    old = tally_of(old_counts, true[0])
    new, *thrown = (tally_of(counts, labels) for counts, labels in zip(new_counts, true, strict=True))
    real_before, real_nested = scores_of(old, data.labels), scores_of(new, data.labels)
    by_chance = [scores_of(counts, data.labels).mean for counts in thrown]
    return TunedScore(
        figure="official mAP@1",
        before=real_before.mean,
        nested=real_nested.mean,
        by_chance=float(np.mean(by_chance)),
        most_by_chance=max(by_chance),
        interval=difference_interval(old, new),
        per_label={
            label: (real_before.per_label[label], real_nested.per_label[label]) for label in data.labels
        },
    )


def _choose_points(
    variants: Sequence[LabelledCurves], folds: Ints, taken: Rules, taken_by_fold: Mapping[int, Rules]
) -> tuple[dict[str, float], TunedScore]:
    """Return the best operating points on all matches, and F1 by those that each fold gets from the others."""
    data = variants[0]
    # [variant][before or nested]: hits, spots and annotations by match and label.
    tables = np.zeros((len(variants), 2, len(folds), len(data.labels), 3), np.int64)
    points = {}
    for label_id, label in enumerate(data.labels):
        needed = {taken[label], *(rules[label] for rules in taken_by_fold.values())}
        counted = {rule: count_shown(variants, label_id, rule) for rule in needed}
        own = taken[label]
        points[label] = counted[own][0].best(np.ones(len(folds), np.bool_), own.operating_point)
        for fold, rules in taken_by_fold.items():
            rule = rules[label]
            point = counted[rule][0].best(folds != fold, rule.operating_point)
            for number, counts in enumerate(counted[rule]):
                tables[number, 0, folds == fold, label_id] = counts.at(rule.operating_point)[folds == fold]
                tables[number, 1, folds == fold, label_id] = counts.at(point)[folds == fold]
    before, nested = tables[0]
    by_chance = [_pooled_f1(thrown) for _, thrown in tables[1:]]
    return points, TunedScore(
        figure="F1",
        before=_pooled_f1(before),
        nested=_pooled_f1(nested),
        by_chance=float(np.mean(by_chance)),
        most_by_chance=max(by_chance),
        interval=_f1_interval(before, nested),
        per_label={
            label: (_pooled_f1(before[:, [k]]), _pooled_f1(nested[:, [k]]))
            for k, label in enumerate(data.labels)
        },
    )


def _f1(table: Ints, weights: Floats) -> Floats:
    """Return F1 over all labels for each sample of matches [B, G], from [G, K, 3]."""
    hits, spots, annotations = (weights @ table.sum(axis=1)).T
    return np.asarray(2 * hits / np.maximum(spots + annotations, 1))


def _pooled_f1(table: Ints) -> float:
    return float(_f1(table, np.ones((1, len(table))))[0])


def _f1_interval(before: Ints, nested: Ints) -> Interval | None:
    if len(before) < MIN_MATCHES:
        return None
    weights = resamples(len(before))
    return interval_of(_f1(nested, weights) - _f1(before, weights), len(before))
