"""Import of the reference system's weights and predictions as an experiment, ready to spot with."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bvas.data.action import action_task
from bvas.data.ball import ball_task
from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.experiment import Experiment, check_new_name
from bvas.experiment.input_config import InputConfig
from bvas.lromul.weights import (
    ReferenceCheckpoint,
    ReferenceScores,
    list_reference_folds,
    list_reference_scores,
    read_reference_checkpoint,
    read_reference_scores,
)
from bvas.models.focal_loss import LossConfig
from bvas.results.store import predictions_root, write_match
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.atomic_files import write_text
from bvas.system.download import hash_of
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve, mean_curve

logger = logging.getLogger(__name__)

# The reference system works on 25 frames per second only, and calls the halves' videos `1_720p` and `2_720p`.
_RATE = 25.0
_TASKS = {len(task.labels): task for task in (ball_task(), action_task())}


def import_reference(source: Path, name: str, runs: Path, predictions: Path | None = None) -> list[int]:
    """Write `runs/NAME` from files of the reference system; return the folds that have weights now.

    Args:
        source: One checkpoint (it becomes fold 0), or a folder of `fold_K` folders.
        name: What to call the experiment.
        runs: The runs folder.
        predictions: A `predictions/NAME` folder; None for the one beside
            `source`'s `experiments` folder, if it is there.

    Raises:
        CheckpointError: no checkpoint there, one of another system, or folds of different networks.
        ConfigError: the name is taken, by a config or in the runs folder, or is not a folder name.
        DataError: a file of predictions is wrong, or the runs folder cannot be written.
    """
    check_new_name(name)
    files = list_reference_folds(source) if source.is_dir() else {0: source}
    if (runs / name).exists():
        raise ConfigError(f"{runs / name} exists already; choose another --name, or remove it first")
    checkpoints = {fold: read_reference_checkpoint(path) for fold, path in files.items()}
    experiments = {fold: reference_experiment(checkpoint, name) for fold, checkpoint in checkpoints.items()}
    experiment = next(iter(experiments.values()))
    for fold, described in experiments.items():
        if described != experiment:
            raise CheckpointError(
                f"{files[fold]} describes another network than the first fold; import it apart"
            )
    for fold, checkpoint in checkpoints.items():
        facts = {
            "imported_from": files[fold].name,
            "sha256": hash_of(files[fold]),
            "source": "lRomul/ball-action-spotting",
        }
        save_checkpoint(fold_folder(runs, name, fold) / FILE_NAME, checkpoint.state_dict, experiment, facts)
        logger.info("fold %d: %s", fold, files[fold])
    write_text(runs / name / "experiment.json", experiment.to_json() + "\n")
    folder = predictions or _predictions_beside(source)
    if folder is not None:
        num_halves = _import_scores(list_reference_scores(folder), experiment, predictions_root(runs, name))
        logger.info("predictions of %s from %s", count_text(num_halves, "half"), folder)
    return sorted(files)


def reference_experiment(checkpoint: ReferenceCheckpoint, name: str) -> Experiment:
    """Return what a checkpoint of the reference system was trained with, as far as its file says.

    Raises:
        CheckpointError: it scores neither of the two label sets.
    """
    task = _TASKS.get(checkpoint.num_labels)
    if task is None:
        raise CheckpointError(
            f"{checkpoint.path} scores {count_text(checkpoint.num_labels, 'label')}; networks of the reference "
            f"system score "
            f"{' or '.join(str(count) for count in sorted(_TASKS))}"
        )
    _, loss = checkpoint.params.get("loss", ("focal_loss", {}))
    alpha = float(loss.get("alpha", -1.0))
    # The reference system divides luma by 255 whatever its range.
    return Experiment(
        name=name,
        task=task,
        input=InputConfig(size=checkpoint.size, rate=_RATE, luma_scaling="stored"),
        clip=checkpoint.clip,
        model=replace(checkpoint.model, pretrained=False),
        loss=LossConfig(gamma=float(loss.get("gamma", 1.2)), alpha=alpha if alpha >= 0 else None),
    )


def _predictions_beside(source: Path) -> Path | None:
    """`.../experiments/NAME` has its predictions in `.../predictions/NAME`."""
    source = source.resolve()
    beside = source.parent.parent / "predictions" / source.name
    return beside if source.parent.name == "experiments" and beside.is_dir() else None


def _import_scores(stored: Sequence[ReferenceScores], experiment: Experiment, out: Path) -> int:
    """Write curves and results; the folds' curves of a challenge match are averaged."""
    labels = experiment.task.labels
    by_half: dict[tuple[str, str, int], list[ScoreCurve]] = defaultdict(list)
    for item in stored:
        indices, scores = read_reference_scores(item.path)
        if scores.shape[1] != len(labels):
            raise CheckpointError(
                f"{item.path} has {count_text(scores.shape[1], 'column')}, and the weights score "
                f"{count_text(len(labels), 'label')}"
            )
        by_half[item.split, item.match, item.half].append(
            ScoreCurve(scores, indices.astype(np.float64) / _RATE, labels.names)
        )
    by_match: dict[Path, list[VideoResult]] = defaultdict(list)
    for (split, match, half), curves in by_half.items():
        video = VideoFile(name=f"{half}_720p", number=half, match=match)
        found = VideoResult.from_curve(video, mean_curve(curves), experiment)
        by_match[out / split / match].append(found)
    for folder, results in by_match.items():
        write_match(folder, results, rate=_RATE)
    return len(by_half)
