"""Score sheet: all figures about spots and their annotations, as values."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.metrics.analysis import Counts, Matching, TimingError, TimingHistogram
from bvas.metrics.bootstrap import Interval
from bvas.metrics.official import OfficialScores
from bvas.metrics.score_rules import ScoreRules
from bvas.metrics.tally import Tally


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactScores:
    """Exact average precision, in [0, 1]."""

    mean: float
    per_label: dict[str, float]
    """By scored label, with its side where sides count."""
    interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchScore:
    """Score of a single match."""

    name: str
    mean: float
    """By the same metric."""
    counts: Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreSheet:
    """All figures; scores in [0, 1]."""

    rules: ScoreRules
    official: OfficialScores
    """By the metric; by its rules of thresholds and points, at exact times, for `seconds`."""
    without_sides: OfficialScores | None
    """The official scores regardless of team; None where sides do not count."""
    by_tolerance: dict[float, float]
    """The mean at each half-width in seconds."""
    interval: Interval | None
    """Of the mean, over matches; None with fewer than three."""
    label_intervals: dict[str, Interval] | None
    """Interval of each label, over the resamples that hold it."""
    exact: ExactScores
    """At the smallest tolerance."""
    tolerance_seconds: float
    """Half-width of everything below: the smallest of the metric's."""
    matchings: tuple[Matching, ...]
    """One per video, of the spots at or above the operating point."""
    counts: dict[str, Counts]
    """By scored label."""
    rate_intervals: dict[str, Interval] | None
    """Of `precision`, `recall` and `f1`, over matches, all labels together."""
    timing: TimingError | None
    """None without hits."""
    timing_histogram: TimingHistogram
    confusion: NDArray[np.int64]
    """[K + 1, K + 1] over the scored labels; see `confusion_matrix`."""
    matches: tuple[MatchScore, ...]
    tally: Tally
    """Counts behind the scores, one group per match."""

    @property
    def total(self) -> Counts:
        """Counts of all labels together."""
        return sum(self.counts.values(), Counts())

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "metric": self.rules.metric,
            "rate": self.rules.rate,
            "score": self.official.mean,
            "interval_over_matches": _plain(self.interval),
            "score_by_tolerance_seconds": {f"{t:g}": score for t, score in self.by_tolerance.items()},
            "visible_score": self.official.visible_mean,
            "unshown_score": self.official.unshown_mean,
            "score_without_sides": None if self.without_sides is None else self.without_sides.mean,
            "labels": {label: self._label_json(label) for label in self.rules.labels},
            "exact": {
                "tolerance_seconds": self.tolerance_seconds,
                "mean_average_precision": self.exact.mean,
                "interval_over_matches": _plain(self.exact.interval),
                "per_label": self.exact.per_label,
            },
            "at_operating_point": {
                "operating_point": self.rules.operating_point,
                "operating_points": dict(self.rules.operating_points),
                "tolerance_seconds": self.tolerance_seconds,
                "all_labels": _counts_json(self.total),
                "intervals_over_matches": None
                if self.rate_intervals is None
                else {name: interval.to_json() for name, interval in self.rate_intervals.items()},
                "per_label": {label: _counts_json(counts) for label, counts in self.counts.items()},
                "timing_error": None if self.timing is None else asdict(self.timing),
                "timing_histogram": asdict(self.timing_histogram),
                "confusion": {
                    "rows_and_columns": [*self.counts, None],
                    "meaning": "rows: annotations by label, the last one no annotation; "
                    "columns: spots by label, the last one no spot",
                    "counts": self.confusion.tolist(),
                },
            },
            "matches": {
                match.name: {"score": match.mean, **_counts_json(match.counts)} for match in self.matches
            },
        }

    def _label_json(self, label: str) -> dict[str, Any]:
        intervals = self.label_intervals or {}
        return {
            "score": self.official.per_label[label],
            "interval_over_matches": _plain(intervals.get(label)),
            "visible_score": self.official.visible_per_label[label],
            "unshown_score": self.official.unshown_per_label[label],
        }


def _plain(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else interval.to_json()


def _counts_json(counts: Counts) -> dict[str, Any]:
    rates = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {**asdict(counts), **rates}
