"""Out-of-fold curves of an experiment, with the annotations of a data root."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.data.matches import Match, annotated_halves
from bvas.evaluation.tuning.counting import LabelledCurves
from bvas.experiment.experiment import Experiment
from bvas.results.experiment_curves import check_rate, read_curves
from bvas.results.video_result import VideoResult


def load_labelled_curves(experiment: Experiment, matches: Sequence[Match], runs: Path) -> LabelledCurves:
    """Return the curves of some matches by models that have not seen them; match i is group i.

    Args:
        experiment: Whose curves.
        matches: At least one, labelled.
        runs: The runs folder.

    Raises:
        DataError: a curve or an annotation is missing or wrong.
        ConfigError: curves of another rate than the experiment's.
    """
    results = read_curves(experiment, matches, runs)
    for result in results:
        what = f"the curve of '{result.video.match}', half {result.video.number}"
        check_rate(result.required_curve, experiment.input.rate, what)
    return labelled(experiment, matches, results)


def labelled(
    experiment: Experiment, matches: Sequence[Match], results: Sequence[VideoResult]
) -> LabelledCurves:
    """Return curves that are at hand with their annotations; match i is group i."""
    truth = {
        (match.name, half.number): annotations
        for match in matches
        for half, annotations in annotated_halves(match, experiment.task)
    }
    numbers = {match.name: number for number, match in enumerate(matches)}
    return LabelledCurves(
        labels=experiment.task.labels,
        rate=experiment.input.rate,
        curves=tuple(result.required_curve for result in results),
        annotations=tuple(tuple(truth[result.video.match, result.video.number]) for result in results),
        groups=np.array([numbers[result.video.match] for result in results], dtype=np.int64),
    )


def parts_of(matches: Sequence[Match]) -> NDArray[np.int64]:
    """Return which matches are held out together, int64 [G]: those of a fold, or each alone if all are of one."""
    folds = np.array([-1 if match.fold is None else match.fold for match in matches], dtype=np.int64)
    return folds if len(set(folds.tolist())) > 1 else np.arange(len(matches))
