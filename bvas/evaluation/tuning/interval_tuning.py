"""Nested tuning of the rules of intervals, on out-of-fold curves.

Rules are chosen in steps, thresholds and gaps first, in two rounds, by the mean average precision at tIoU 0.5 to
0.95. As for spots, a gain counts only where it is significant over matches and above the score on ranges at other
times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.experiment.interval_config import IntervalConfig, IntervalRule
from bvas.metrics.bootstrap import MIN_MATCHES, Interval, interval_of, resamples
from bvas.metrics.temporal_detection import interpolated_precision, matched_truth
from bvas.results.tuned_peaks import TunedScore
from bvas.results.video_result import VideoResult
from bvas.tasks.peaks import smooth_scores
from bvas.tasks.stretches import interval_rows, row_borders
from bvas.values.annotations import LabelSet
from bvas.values.arrays import Bools, Floats, Ints
from bvas.values.progress import Progress

MIN_RANGES = 8
"""A label with fewer keeps its rule."""
NUM_THROWS = 39
_ALIKE = 0.002
_NUM_ROUNDS = 2
_SIGMAS_SECONDS = (0.0, 0.04, 0.08, 0.16, 0.32)
_THRESHOLDS = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98)
# As shares of the threshold.
_KEPT = (0.25, 0.5, 0.75, 1.0)
_LENGTHS_SECONDS = (0.04, 0.2, 0.5, 1.0)
_GAPS_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0)

# Letters in this file: V videos, G matches, T thresholds of tIoU, P found intervals.


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalTuning:
    """Chosen rules, and their gain."""

    intervals: IntervalConfig
    """The rules to take: tuned ones where their gain is real, else the experiment's own."""
    rules: dict[str, IntervalRule]
    """The best rule of each label on all matches, real gain or not."""
    score: TunedScore
    num_ranges: dict[str, int]
    """Of each label."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """Found intervals of one label in one video: whether each takes a true range, at each tIoU."""

    hits: Bools
    """[T, P]"""
    confidences: Floats
    """[P]"""
    num_truth: int


class _Label:
    """Curves and true ranges of one label in V videos."""

    def __init__(self, results: Sequence[VideoResult], label_id: int, label: str) -> None:
        self._columns = [result.required_curve.scores[:, label_id : label_id + 1] for result in results]
        self._borders = [row_borders(result.required_curve.seconds) for result in results]
        self.truth = [
            np.array(
                [(one.start_seconds, one.end_seconds) for one in result.ranges or () if one.label == label]
            ).reshape(-1, 2)
            for result in results
        ]
        self._smooth: dict[float, list[NDArray[np.float32]]] = {}

    @property
    def num_ranges(self) -> int:
        return sum(map(len, self.truth))

    def judged(self, rule: IntervalRule, truth: Sequence[Floats] | None = None) -> list[_Judged]:
        """Return what a rule finds in each video, judged by the true ranges or others.

        Ranges are taken within a video alone, so videos are judged one by one.
        """
        judged = []
        for (spans, confidences), true in zip(self._found(rule), truth or self.truth, strict=True):
            taken = matched_truth([true], [spans], [confidences])
            judged.append(_Judged(taken >= 0, np.sort(confidences)[::-1], len(true)))
        return judged

    def _found(self, rule: IntervalRule) -> list[tuple[Floats, Floats]]:
        """Return starts and ends [P, 2], and confidences [P], of each video."""
        sigma = rule.sigma_frames
        if sigma not in self._smooth:
            smoothed = [smooth_scores(column, sigma)[:, 0] for column in self._columns]
            self._smooth[sigma] = smoothed
        found = []
        for smooth, borders in zip(self._smooth[sigma], self._borders, strict=True):
            rows = interval_rows(smooth, rule)
            spans = np.array([(borders[row.start], borders[row.stop]) for row in rows]).reshape(-1, 2)
            found.append((spans, np.array([float(smooth[row].mean()) for row in rows])))
        return found

    def thrown(self, seed: int) -> list[Floats]:
        """Return as many ranges, of the same lengths, at other times of their videos."""
        random = np.random.default_rng(seed)
        moved = []
        for spans, borders in zip(self.truth, self._borders, strict=True):
            lengths = spans[:, 1] - spans[:, 0]
            starts = random.uniform(0.0, np.maximum(borders[-1] - lengths, 1e-9))
            moved.append(np.stack([starts, starts + lengths], axis=1))
        return moved


def tune_intervals(
    results: Sequence[VideoResult],
    matches: Ints,
    folds: Ints,
    labels: LabelSet,
    own: IntervalConfig,
    rate: float,
    *,
    progress: Progress | None = None,
) -> IntervalTuning:
    """Return the best rules of each label, and what they bring.

    Args:
        results: Out-of-fold curves with ranges, of V videos.
        matches: [V], number of the match of each.
        folds: [G], fold of each match; a number each where all were predicted by one model.
        labels: Columns of the curves.
        own: The experiment's rules.
        rate: Rows per second.
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
    data = {label: _Label(results, number, label) for number, label in enumerate(labels)}
    part_of_video = folds[matches]
    best: dict[str, IntervalRule] = {}
    nested: dict[str, dict[int, IntervalRule]] = {}
    for number, (label, curves) in enumerate(data.items(), 1):
        rule = own.rule(label)
        best[label] = _best(curves, rule, np.ones(len(results), np.bool_), rate)
        nested[label] = {part: _best(curves, rule, part_of_video != part, rate) for part in parts}
        if progress is not None:
            progress(number, len(data))
    score = _score(data, own, nested, part_of_video, matches)
    changed = {label: rule for label, rule in best.items() if rule != own.rule(label)}
    taken = replace(own, per_label={**own.per_label, **changed}) if score.is_real else own
    counts = {label: curves.num_ranges for label, curves in data.items()}
    return IntervalTuning(intervals=taken, rules=best, score=score, num_ranges=counts)


def _best(curves: _Label, own: IntervalRule, videos: Bools, rate: float) -> IntervalRule:
    """Return the rule with the highest average precision on some videos; of those alike the one nearer to `own`."""
    chosen = np.flatnonzero(videos)
    if sum(len(curves.truth[number]) for number in chosen.tolist()) < MIN_RANGES:
        return own

    def score(rule: IntervalRule) -> float:
        judged = curves.judged(rule)
        return _mean_precision([judged[number] for number in chosen.tolist()])

    rule, reached = own, score(own)
    for _ in range(_NUM_ROUNDS):
        before = rule
        for change in _changes(rate):
            tried = [(score(other), other) for other in change(rule)]
            highest, other = max(tried, key=lambda pair: pair[0])
            if highest > reached + _ALIKE:
                rule, reached = other, highest
        if rule == before:
            break
    return rule


def _changes(rate: float) -> list[Callable[[IntervalRule], list[IntervalRule]]]:
    """Return what is tried in a step: each gives rules that differ from one in some fields."""

    def thresholds_and_gaps(rule: IntervalRule) -> list[IntervalRule]:
        # Together: a better threshold may gain nothing while its intervals have holes.
        return [
            replace(
                rule,
                threshold=threshold,
                keep_threshold=threshold * share,
                max_gap_frames=round(seconds * rate),
            )
            for threshold, share, seconds in product(_THRESHOLDS, _KEPT, _GAPS_SECONDS)
        ]

    def sigmas(rule: IntervalRule) -> list[IntervalRule]:
        return [replace(rule, sigma_frames=seconds * rate) for seconds in _SIGMAS_SECONDS]

    def lengths(rule: IntervalRule) -> list[IntervalRule]:
        return [
            replace(rule, min_length_frames=max(1, round(seconds * rate))) for seconds in _LENGTHS_SECONDS
        ]

    return [thresholds_and_gaps, sigmas, lengths]


def _mean_precision(videos: Sequence[_Judged]) -> float:
    """Return the average precision of one label, the mean over the thresholds of tIoU; 0 without ranges."""
    num_truth = sum(video.num_truth for video in videos)
    if not num_truth:
        return 0.0
    order = np.argsort(-np.concatenate([video.confidences for video in videos]), kind="stable")
    hits = np.concatenate([video.hits for video in videos], axis=1)
    return float(interpolated_precision(hits[:, order], num_truth).mean())


def _score(
    data: Mapping[str, _Label],
    own: IntervalConfig,
    nested: Mapping[str, Mapping[int, IntervalRule]],
    part_of_video: Ints,
    matches: Ints,
) -> TunedScore:
    """Return the score before, and by the rules that each fold gets from the others."""
    scored = {label: curves for label, curves in data.items() if curves.num_ranges}
    if not scored:
        raise DataError(
            "no match has a range of any label, so that no rule is better than another; label some"
        )

    def by_parts(label: str, truth: Sequence[Floats] | None = None) -> list[_Judged]:
        by_part = {part: data[label].judged(rule, truth) for part, rule in nested[label].items()}
        return [by_part[part][video] for video, part in enumerate(part_of_video.tolist())]

    before = {label: curves.judged(own.rule(label)) for label, curves in scored.items()}
    after = {label: by_parts(label) for label in scored}
    per_label = {label: (_mean_precision(before[label]), _mean_precision(after[label])) for label in scored}
    by_chance = [
        float(np.mean([_mean_precision(by_parts(label, scored[label].thrown(seed))) for label in scored]))
        for seed in range(NUM_THROWS)
    ]
    old, new = np.mean(list(per_label.values()), axis=0).tolist()
    return TunedScore(
        figure="mAP at tIoU 0.5:0.95",
        before=old,
        nested=new,
        by_chance=float(np.mean(by_chance)),
        most_by_chance=max(by_chance),
        interval=_gain_interval(before, after, matches),
        per_label=per_label,
    )


def _gain_interval(
    before: Mapping[str, Sequence[_Judged]], after: Mapping[str, Sequence[_Judged]], matches: Ints
) -> Interval | None:
    num_matches = int(matches.max()) + 1
    if num_matches < MIN_MATCHES:
        return None
    gains = []
    for weights in resamples(num_matches):
        # A match that is drawn twice counts as two.
        videos = np.repeat(np.arange(len(matches)), weights[matches].astype(np.int64)).tolist()
        of_labels = [
            _mean_precision([after[label][v] for v in videos])
            - _mean_precision([before[label][v] for v in videos])
            for label in before
        ]
        gains.append(float(np.mean(of_labels)))
    return interval_of(np.array(gains), num_matches)
