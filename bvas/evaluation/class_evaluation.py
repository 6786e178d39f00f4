"""Scores of an experiment of kind clip: predictions of samples against their classes."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.metrics.class_scores import ClassificationScores, classification_scores
from bvas.predicting.samples import made_with
from bvas.results.sample_predictions import SamplePredictions, load_sample_predictions
from bvas.results.store import sample_predictions_path


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClassEvaluation:
    """Predictions of some samples, and their figures."""

    predictions: SamplePredictions
    scores: ClassificationScores
    folds: dict[int, ClassificationScores]
    """Of the samples that each fold's model predicted."""

    @property
    def sides(self) -> list[str]:
        """Splits or folds of the samples."""
        return sorted(set(self.predictions.sides))

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "sides": self.sides,
            "labels": list(self.predictions.labels),
            "scores": self.scores.to_json(),
            "folds": {str(fold): scores.to_json() for fold, scores in self.folds.items()},
        }


def evaluate_classes(
    experiment: Experiment, runs: Path, *, sides: Collection[str] | None = None, folds: Collection[int] = ()
) -> ClassEvaluation:
    """Score the predictions of an experiment.

    Args:
        experiment: Of kind clip.
        runs: The runs folder.
        sides: Splits or folds to score, as `Match.side` names them; None: the test split where there is one, else all.
        folds: Folds to score; empty: all.

    Raises:
        DataError: there are no predictions of these samples, or they are of other weights or settings.
    """
    path = sample_predictions_path(runs, experiment.name)
    remedy = f"make them: bvas predict --experiment {experiment.name}"
    every = load_sample_predictions(path, experiment.name)
    if every.labels != experiment.task.labels.names:
        raise DataError(f"{path} is of the labels {', '.join(every.labels)}; {remedy}")
    _check_current(every, experiment, runs, path)
    if sides is None:
        sides = {"test"} if "test" in every.sides else set(every.sides)
    chosen = every.of_sides(sides).of_folds(folds) if folds else every.of_sides(sides)
    if not chosen.names or not set(sides) <= set(every.sides):
        wanted = ", ".join(sorted(set(sides) - set(every.sides) or sides))
        there = ", ".join(sorted(set(every.sides)))
        if folds:
            wanted += f" that fold {', '.join(map(str, sorted(folds)))} predicted"
            there += f", predicted by fold {', '.join(map(str, sorted(set(every.folds.tolist()))))}"
        raise DataError(f"{path} has no samples of {wanted}, but of {there}; {remedy}")
    by_fold = sorted(set(chosen.folds.tolist()))
    return ClassEvaluation(
        predictions=chosen,
        scores=_scores(chosen),
        folds={fold: _scores(chosen.of_folds([fold])) for fold in by_fold},
    )


def _scores(predictions: SamplePredictions) -> ClassificationScores:
    return classification_scores(
        predictions.truth, predictions.scores, predictions.labels, predictions.groups
    )


def _check_current(predictions: SamplePredictions, experiment: Experiment, runs: Path, path: Path) -> None:
    """Refuse predictions of weights or settings that are others by now.

    Raises:
        DataError: names what differs.
    """
    folds = [int(fold) for fold in predictions.made_with["weights"]]
    remedy = f"make it again: bvas predict --experiment {experiment.name}"
    try:
        now = made_with(experiment, folds, runs)
    except DataError as error:
        raise DataError(f"{path} was made with weights that are missing ({error}); {remedy}") from error
    changed = [name for name, value in now.items() if predictions.made_with.get(name) != value]
    if changed:
        raise DataError(
            f"{path} was made with other {', '.join(changed)} than {experiment.name} has now; {remedy}"
        )
