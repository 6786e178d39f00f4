"""Out-of-fold scores of each fold, of all folds and of the test matches, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bvas.data.matches import Match
from bvas.data.spotting_task import SpottingTask
from bvas.experiment.published_scores import PublishedScores
from bvas.metrics.bootstrap import MIN_MATCHES, Interval, score_interval
from bvas.metrics.official import scores_of
from bvas.metrics.tally import Tally
from bvas.values.plural import count_text


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupScore:
    """Official mAP@1 of some matches together, in [0, 1]."""

    matches: tuple[str, ...]
    official: float
    official_per_label: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "matches": list(self.matches),
            "official_map_at_1": self.official,
            "official_map_at_1_per_label": self.official_per_label,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossValidation:
    """Scores of matches by models that have not seen them."""

    matches: tuple[Match, ...]
    pooled: GroupScore
    """All matches together: their spots make one precision-recall curve, so it is not the mean over the folds."""
    folds: dict[int, GroupScore]
    spread: float | None
    """Standard deviation of the folds' scores (n - 1); None with one fold."""
    interval: Interval | None
    """Of the pooled score, over matches; None with too few of them."""
    test: GroupScore | None
    """The task's official test matches; None unless all of them are here."""
    published: PublishedScores | None
    """None where the task names no matches, so that no figure is of the same ones."""
    complete: bool
    """True where these are all labelled matches that the task names."""
    tally: Tally
    """Counts behind the scores, a group for each match."""
    notes: tuple[str, ...]
    """Figures that are unavailable, with the reason."""

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        published = self.published
        return {
            "folds": {str(fold): score.to_json() for fold, score in self.folds.items()},
            "mean_over_folds": self.mean_over_folds,
            "spread_over_folds": self.spread,
            "interval_over_matches": None if self.interval is None else self.interval.to_json(),
            "test": None if self.test is None else self.test.to_json(),
            "published": None
            if published is None
            else {
                "system": published.system,
                "cross_validation": published.cross_validation if self.complete else None,
                "test": published.test if self.test is not None else None,
            },
            "notes": list(self.notes),
        }

    @property
    def mean_over_folds(self) -> float | None:
        """Plain mean of the folds' scores; None where matches belong to no fold."""
        return float(np.mean([score.official for score in self.folds.values()])) if self.folds else None


def cross_validate(
    counts: Tally, matches: Sequence[Match], task: SpottingTask, published: PublishedScores | None
) -> CrossValidation:
    """Return the scores of predicted matches, by fold and together.

    Args:
        counts: A group a match, for the task's labels.
        matches: The matches, in the order of the groups; at least one.
        task: Names the test matches.
        published: Figures to stand beside.
    """
    names = [match.name for match in matches]

    def score(chosen: Sequence[str]) -> GroupScore:
        weights = np.array([float(name in chosen) for name in names])
        scores = scores_of(counts, task.labels, weights)
        return GroupScore(matches=tuple(chosen), official=scores.mean, official_per_label=scores.per_label)

    folds = {
        fold: score([match.name for match in matches if match.fold == fold])
        for fold in sorted({match.fold for match in matches if match.fold is not None})
    }
    interval = score_interval(counts)
    lacking_test = [name for name in task.test if name not in names]
    named = {name for fold in task.folds for name in fold}
    return CrossValidation(
        matches=tuple(matches),
        pooled=score(names),
        folds=folds,
        spread=float(np.std([s.official for s in folds.values()], ddof=1)) if len(folds) > 1 else None,
        interval=interval,
        test=score(task.test) if task.test and not lacking_test else None,
        published=published if named else None,
        complete=bool(named) and named == set(names),
        tally=counts,
        notes=tuple(_notes(len(matches), len(folds), lacking_test, len(task.test))),
    )


def _notes(num_matches: int, num_folds: int, lacking_test: Sequence[str], num_test: int) -> list[str]:
    notes = []
    if num_folds < 2:
        notes.append("one fold: no spread over folds")
    if num_matches < MIN_MATCHES:
        notes.append(
            f"{count_text(num_matches, 'match')}: no interval over matches, which takes at least {MIN_MATCHES}; how "
            "the score would come out on other matches cannot be said"
        )
    if lacking_test:
        notes.append(
            f"no test score: {len(lacking_test)} of {num_test} test matches are not predicted, "
            f"the first is '{lacking_test[0]}'"
        )
    return notes
