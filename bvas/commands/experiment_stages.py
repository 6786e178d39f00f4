"""Stages of a chain: folds trained, held-out matches predicted and scored."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from bvas.commands.console import progress_bar
from bvas.commands.fold_training import train_folds, worker_devices
from bvas.data.matches import scored_matches
from bvas.errors import BvasError
from bvas.evaluation.chain import Stage, StageScore, is_predicted, newer_sources
from bvas.evaluation.class_evaluation import evaluate_classes
from bvas.evaluation.experiment_scores import evaluate_predictions
from bvas.evaluation.interval_evaluation import evaluate_intervals
from bvas.experiment.checkpoint import fold_folder
from bvas.loading.skip_policy import OnError
from bvas.predicting.many_matches import predict_held_out
from bvas.predicting.samples import current_predictions, predict_samples
from bvas.report.class_pictures import write_class_pictures
from bvas.report.run_curves import RunCurves
from bvas.report.training_pictures import RunPictures
from bvas.results.sample_predictions import save_sample_predictions
from bvas.results.store import predictions_folder, sample_predictions_path
from bvas.system.atomic_files import write_json
from bvas.training.fold import run_fold
from bvas.training.resume import fold_status
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Devices, processes and policies of the stages."""

    device: torch.device
    workers: dict[str, int] | Literal["auto"]
    """Loader processes of each training."""
    jobs: int = 1
    """Folds at a time."""
    on_error: OnError = "raise"
    overwrite: bool = False
    """Train again from the start, also finished folds."""
    quiet: bool = False


def run_stage(
    stage: Stage, runs: Path, machine: Machine, facts: Mapping[str, str] | None = None
) -> StageScore:
    """Train and predict what is unfinished of one stage, in a runs folder of its seed; return its scores.

    Args:
        stage: The stage.
        runs: The runs folder.
        machine: Devices, processes and policies.
        facts: What `run_fold` should record.

    Raises:
        BvasError: a fold failed; the others are done.
    """
    experiment = stage.experiment
    train = partial(
        run_fold,
        experiment,
        matches=stage.matches,
        runs=runs,
        workers=machine.workers,
        on_error=machine.on_error,
        overwrite=machine.overwrite,
        observers=[RunPictures(), RunCurves()],
        facts=facts,
    )
    unfinished = []
    for fold in stage.folds:
        if machine.overwrite or fold_status(fold_folder(runs, stage.name, fold)) != "finished":
            unfinished.append(fold)
            continue
        # Of a finished fold the settings are checked.
        train(fold=fold, device=machine.device)
        for source in newer_sources(stage, fold, runs):
            logger.warning(
                "fold %d of %s is older than weights of %s, which it starts from; if it started from others, "
                "--overwrite trains it again",
                *(fold, stage.name, source),
            )
    jobs = min(machine.jobs, len(unfinished))
    failures = train_folds(
        unfinished, train, jobs=jobs, device=machine.device, title=stage.name, quiet=machine.quiet
    )
    if failures:
        reasons = "; ".join(f"fold {fold}: {reason}" for fold, reason in failures.items())
        raise BvasError(f"{stage.name} failed, finished folds are kept: {reasons}")
    if experiment.kind == "clip":
        return _class_score(stage, runs, machine)
    unpredicted = [fold for fold in stage.folds if not is_predicted(stage, fold, runs)]
    if unpredicted:
        devices = str(machine.device) if machine.jobs == 1 else worker_devices(machine.device, machine.jobs)
        with progress_bar(f"{stage.name} predicting", "frame", quiet=machine.quiet) as progress:
            predict_held_out(experiment, stage.matches, unpredicted, runs, progress, devices=devices)
    return _score(stage, runs)


def _class_score(stage: Stage, runs: Path, machine: Machine) -> StageScore:
    """Predict the held-out samples, and score those of the validation split, or of all folds."""
    experiment = stage.experiment
    with progress_bar(f"{stage.name} predicting", "clip", quiet=machine.quiet) as progress:
        found = predict_samples(
            experiment,
            stage.matches,
            stage.folds,
            runs,
            device=machine.device,
            workers=machine.workers,
            strict=machine.on_error == "raise",
            known=current_predictions(experiment, runs),
            progress=progress,
        )
    if found.failed:
        logger.warning(
            "%s: %s cannot be read or decoded, and are not scored: %s",
            *(stage.name, count_text(len(found.failed), "sample"), ", ".join(found.failed[:3])),
        )
    save_sample_predictions(found.predictions, sample_predictions_path(runs, stage.name))
    sides = {match.side for match in stage.matches if match.fold in stage.folds} - {"test"}
    evaluation = evaluate_classes(experiment, runs, sides=sides, folds=stage.folds)
    write_json(runs / stage.name / "evaluation.json", evaluation.to_json())
    write_class_pictures(evaluation, stage.name, runs / stage.name)
    by_fold = {fold: scores.macro.f1 for fold, scores in evaluation.folds.items()}
    return StageScore(stage.name, experiment.seed, by_fold, evaluation.scores.macro.f1)


def _score(stage: Stage, runs: Path) -> StageScore:
    matches = scored_matches([match for fold in stage.folds for match in stage.held_out(fold)])
    if stage.experiment.kind == "interval":
        evaluation = evaluate_intervals(stage.experiment, matches, runs)
        write_json(runs / stage.name / "evaluation.json", evaluation.to_json())
        means = {fold: scores.mean or 0.0 for fold, scores in evaluation.folds.items()}
        return StageScore(stage.name, stage.experiment.seed, means, evaluation.scores.mean or 0.0)
    pooled = evaluate_predictions(stage.experiment, matches, predictions_folder(runs, stage.name))
    write_json(runs / stage.name / "evaluation.json", pooled.to_json())
    logger.info("%s: official mAP@1 %.4f", stage.name, pooled.official)
    by_fold = {fold: score.official for fold, score in pooled.cross_validation.folds.items()}
    return StageScore(stage.name, stage.experiment.seed, by_fold, pooled.official)
