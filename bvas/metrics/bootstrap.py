"""Bootstrap intervals of scores over matches.

Matches are the unit: actions of one match share its players, cameras and light, so resampling single actions would
give too narrow intervals. Each resample draws as many matches as there are, with replacement. The interval holds the
middle 95 % of the resamples' scores. With few matches it tends to be too narrow, and below `MIN_MATCHES` none is given.
"""

from dataclasses import asdict, dataclass

import numpy as np

from bvas.metrics.official import over_widths
from bvas.metrics.tally import Tally
from bvas.values.arrays import Floats
from bvas.values.plural import count_text

NUM_RESAMPLES = 1000
SEED = 0
LEVEL = 0.95
MIN_MATCHES = 3
"""Two matches have only three different resamples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Interval of a score or a difference, by a bootstrap over matches."""

    low: float
    high: float
    level: float
    """Share of the resamples that lie within."""
    num_matches: int
    num_resamples: int
    seed: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes zero, i.e. the difference is significant."""
        return self.low > 0 or self.high < 0

    def text(self, *, signed: bool = False, unit: str = "match") -> str:
        """Return the interval in words; `unit` names what was resampled."""
        low, high = (f"{value:{'+' if signed else ''}.4f}" for value in (self.low, self.high))
        return (
            f"{low} to {high} ({100 * self.level:.0f} %, bootstrap over {count_text(self.num_matches, unit)}, "
            f"{count_text(self.num_resamples, 'resample')}, seed {self.seed})"
        )

    def to_json(self) -> dict[str, float | int]:
        """Return plain data."""
        return asdict(self)


def resamples(num_matches: int) -> Floats:
    """Return how often each resample takes each match, float64 [NUM_RESAMPLES, num_matches]; always the same."""
    draws = np.random.default_rng(SEED).integers(num_matches, size=(NUM_RESAMPLES, num_matches))
    cells = draws + num_matches * np.arange(NUM_RESAMPLES)[:, None]
    counts = np.bincount(cells.ravel(), minlength=draws.size)
    return counts.reshape(draws.shape).astype(np.float64)


def resampled_means(counts: Tally, weights: Floats) -> Floats:
    """Return the mean average precision of each resample, float64 [B].

    Args:
        counts: One group per match.
        weights: [B, G], from `resamples`.
    """
    per_label = over_widths(np.moveaxis(counts.resampled(weights), 1, 0))
    in_all = counts.annotations_of(np.ones((1, counts.num_groups)))[0]
    return mean_over_labels(per_label, counts.annotations_of(weights), in_all)


def mean_over_labels(per_label: Floats, annotations: Floats, annotations_in_all: Floats) -> Floats:
    """Return the mean over labels of each resample, float64 [B].

    A label that the matches have, and a resample by chance does not, is left out of that resample's mean. A label that
    no match has counts 0, as in the score itself.

    Args:
        per_label: [B, K]
        annotations: [B, K], how many annotations of the label each resample holds.
        annotations_in_all: [K], how many all matches hold.
    """
    counted = (annotations_in_all == 0) | (annotations > 0)
    return np.asarray((per_label * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))


def interval_of(values: Floats, num_matches: int) -> Interval:
    """Return the interval that holds the middle of the resamples' values [B]."""
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    return Interval(
        low=low, high=high, level=LEVEL, num_matches=num_matches, num_resamples=len(values), seed=SEED
    )


def score_interval(counts: Tally) -> Interval | None:
    """Return the interval of the mean average precision; None with too few matches (one group each)."""
    if counts.num_groups < MIN_MATCHES:
        return None
    return interval_of(resampled_means(counts, resamples(counts.num_groups)), counts.num_groups)


def difference_interval(first: Tally, second: Tally) -> Interval | None:
    """Return the interval of the second's score minus the first's, paired: the same resamples for both.

    Args:
        first: One group per match.
        second: The same matches in the same order.
    """
    assert first.num_groups == second.num_groups, (first.num_groups, second.num_groups)
    if first.num_groups < MIN_MATCHES:
        return None
    weights = resamples(first.num_groups)
    return interval_of(resampled_means(second, weights) - resampled_means(first, weights), first.num_groups)
