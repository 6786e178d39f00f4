"""Comparison of two experiments on the same matches: difference of their scores, and its significance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bvas.errors import ConfigError, DataError
from bvas.evaluation.cross_validation import CrossValidation, cross_validate
from bvas.experiment.experiment import Experiment
from bvas.metrics.bootstrap import MIN_MATCHES, Interval, difference_interval
from bvas.tasks.kind_choice import check_kind
from bvas.values.plural import count_text


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The official mAP@1 of one experiment minus that of another, over the matches that both predicted."""

    base: str
    other: str
    matches: tuple[str, ...]
    left_out: tuple[str, ...]
    """Matches that only one of them predicted."""
    base_score: float
    other_score: float
    folds: dict[int, float]
    """Difference in each fold."""
    interval: Interval | None
    """Of the difference, paired: every resample takes the same matches for both. None with too few matches."""

    @property
    def difference(self) -> float:
        """Positive where `other` is better."""
        return self.other_score - self.base_score

    @property
    def verdict(self) -> str:
        """Significance of the difference, in words."""
        if self.interval is None:
            return (
                f"{count_text(len(self.matches), 'common match')}: whether the difference "
                f"is more than luck cannot be said, which takes at least {MIN_MATCHES}"
            )
        return "the interval excludes 0" if self.interval.excludes_zero else "the interval includes 0"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "base": self.base,
            "other": self.other,
            "base_official_map_at_1": self.base_score,
            "other_official_map_at_1": self.other_score,
            "difference": self.difference,
            "interval_over_matches": None if self.interval is None else self.interval.to_json(),
            "excludes_zero": None if self.interval is None else self.interval.excludes_zero,
            "verdict": self.verdict,
            "difference_by_fold": {str(fold): value for fold, value in self.folds.items()},
            "matches": list(self.matches),
            "left_out": list(self.left_out),
        }


def compare(
    experiments: Sequence[Experiment], validations: Mapping[str, CrossValidation]
) -> list[Comparison]:
    """Return how each experiment differs from the first.

    Args:
        experiments: At least two.
        validations: Their scores by name.

    Raises:
        ConfigError: the same experiment twice, or experiments of different labels or frame rates.
        DataError: two of them have no match in common.
    """
    check_comparable(experiments)
    base = experiments[0]
    return [
        _compare(base, other, validations[base.name], validations[other.name]) for other in experiments[1:]
    ]


def check_comparable(experiments: Sequence[Experiment]) -> None:
    """Refuse experiments whose scores do not measure the same.

    Raises:
        ConfigError: fewer than two, one of them twice, or different labels or frame rates.
    """
    names = [experiment.name for experiment in experiments]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"name at least two different experiments to compare, got {', '.join(names)}")
    for experiment in experiments:
        check_kind(experiment, "spot", "bvas evaluate --experiments")
    base = experiments[0]
    for other in experiments[1:]:
        if tuple(other.task.labels) != tuple(base.task.labels):
            raise ConfigError(
                f"{base.name} and {other.name} spot different labels ({', '.join(base.task.labels)} against "
                f"{', '.join(other.task.labels)}); their scores cannot be subtracted"
            )
        if other.input.rate != base.input.rate:
            raise ConfigError(
                f"{base.name} is scored at {base.input.rate:g} frames per second and {other.name} at "
                f"{other.input.rate:g}; their scores cannot be subtracted"
            )


def _compare(
    base: Experiment, other: Experiment, first: CrossValidation, second: CrossValidation
) -> Comparison:
    first_names, second_names = [[m.name for m in scores.matches] for scores in (first, second)]
    common = [name for name in first_names if name in second_names]
    if not common:
        raise DataError(
            f"{base.name} and {other.name} have no predicted match in common ('{first_names[0]}' and "
            f"'{second_names[0]}' are their first); predict both for the same matches"
        )
    chosen = [match for match in first.matches if match.name in common]
    counts = [
        scores.tally.of_groups([names.index(name) for name in common])
        for scores, names in ((first, first_names), (second, second_names))
    ]
    both = [cross_validate(part, chosen, base.task, None) for part in counts]
    return Comparison(
        base=base.name,
        other=other.name,
        matches=tuple(common),
        left_out=tuple(sorted({*first_names, *second_names} - set(common))),
        base_score=both[0].pooled.official,
        other_score=both[1].pooled.official,
        folds={fold: both[1].folds[fold].official - s.official for fold, s in both[0].folds.items()},
        interval=difference_interval(counts[0], counts[1]),
    )
