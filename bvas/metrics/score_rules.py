"""Rules of scoring: metric, tolerances, operating points, sides; and scores from counts by them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bvas.errors import ConfigError
from bvas.metrics.official import (
    OfficialMetric,
    OfficialScores,
    full_widths_seconds,
    over_widths,
    scores_of,
    tolerance_of,
)
from bvas.metrics.tally import ALL, Tally
from bvas.metrics.team import mean_of_sides, sided_labels, signed_annotations, team_scores_of
from bvas.values.annotations import LabelSet, Spot
from bvas.values.arrays import Floats

Metric = OfficialMetric | Literal["seconds"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRules:
    """Metric, tolerances and operating points of a score."""

    labels: LabelSet
    """Labels to score, without sides."""
    metric: Metric = "at1"
    """`seconds` uses the tolerances below at exact times; all others are SoccerNet's."""
    tolerances_seconds: tuple[float, ...] = ()
    """Half-widths of the metric `seconds`; the score is the plain mean over them."""
    rate: float = 25.0
    """Frames per second that SoccerNet's metrics round times down to."""
    operating_point: float = 0.2
    """Confidence from which spots are counted as hits and false alarms."""
    operating_points: Mapping[str, float] = field(default_factory=dict)
    """Operating points of single scored labels, instead of the common one."""
    sides: tuple[str, str] | None = None
    """The two teams; labels of events then end in one of them. None: teams do not count."""

    def __post_init__(self) -> None:
        if (self.metric == "seconds") != bool(self.tolerances_seconds):
            raise ConfigError(
                f"the metric 'seconds' needs tolerances and no other takes them, got {self.metric!r} with "
                f"{self.tolerances_seconds}"
            )
        if self.metric != "seconds":
            full_widths_seconds(self.metric)
        if not all(0 < tolerance < np.inf for tolerance in self.tolerances_seconds):
            raise ConfigError(f"tolerances must be positive seconds, got {self.tolerances_seconds}")
        if not self.rate > 0:
            raise ConfigError(f"rate must be positive, got {self.rate}")
        for point in (self.operating_point, *self.operating_points.values()):
            if not 0 <= point <= 1:
                raise ConfigError(f"operating_point must lie in [0, 1], got {point}")

    @property
    def half_widths_seconds(self) -> tuple[float, ...]:
        """Tolerances of the metric, the smallest first."""
        if self.metric == "seconds":
            return tuple(sorted(self.tolerances_seconds))
        return tuple(tolerance_of(width) for width in full_widths_seconds(self.metric))

    @property
    def scored_labels(self) -> LabelSet:
        """Labels that are matched: with sides where these count."""
        return self.labels if self.sides is None else sided_labels(self.labels, self.sides)

    def is_shown(self, spot: Spot) -> bool:
        """Return whether a spot is counted as a hit or a false alarm."""
        return spot.confidence >= self.operating_points.get(spot.label, self.operating_point)

    def scores(self, counts: Tally, weights: Floats) -> OfficialScores:
        """Return the scores of groups of videos, each taken `weights` [G] times."""
        of = scores_of if self.sides is None else team_scores_of
        return of(counts, self.labels, weights, plain_mean=self.metric == "seconds")

    def resampled(self, counts: Tally, weights: Floats) -> Floats:
        """Return each label's score in each sample of groups, float64 [B, K]; `weights` is [B, G]."""
        by_width = np.moveaxis(counts.resampled(weights), 1, 0)
        scores = over_widths(by_width, plain_mean=self.metric == "seconds")
        return scores if self.sides is None else mean_of_sides(scores, signed_annotations(counts, weights))

    def annotations(self, counts: Tally, weights: Floats) -> Floats:
        """Return how many annotations of each label the samples hold, float64 [B, K]; `weights` is [B, G]."""
        held = counts.annotations_of(weights)
        return held if self.sides is None else held.reshape(len(held), -1, 2).sum(axis=2)

    def by_tolerance(self, counts: Tally) -> dict[float, float]:
        """Return the mean over labels at each half-width in seconds."""
        scores = counts.average_precisions()[ALL]
        if self.sides is not None:
            once = np.ones((1, counts.num_groups))
            scores = mean_of_sides(scores, signed_annotations(counts, once))
        return dict(zip(self.half_widths_seconds, scores.mean(axis=1).tolist(), strict=True))
