"""Training of one fold: clips in, averaged weights out."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch

from bvas.checkpoint import (
    FILE_NAME,
    fold_folder,
    load_checkpoint,
    load_weights,
    trained_folds,
)
from bvas.errors import CheckpointError
from bvas.experiment import Experiment
from bvas.files import write_json, write_text
from bvas.loading.loader import ClipLoader
from bvas.loading.skips import OnError
from bvas.models.spotting import SpottingModel, build_model
from bvas.tasks.soccernet import Match
from bvas.training.data import fold_videos, training_clips, validation_clips
from bvas.training.logs import EpochLog, environment
from bvas.training.trainer import Trainer
from bvas.training.validation import validate

logger = logging.getLogger(__name__)

WorkerMix = Mapping[str, int] | Literal["auto", 0]


def run_fold(
    experiment: Experiment,
    fold: int,
    matches: Sequence[Match],
    *,
    runs: Path,
    device: torch.device,
    workers: WorkerMix,
    on_error: OnError = "raise",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Train on all folds but one and save the averaged weights; return their path.

    `runs/NAME/fold_K/` receives `model.safetensors`, `experiment.json`, `environment.json`,
    `log.csv` (a row per epoch) and TensorBoard events. The weights get their name when
    the last epoch is done; until then the newest are in `epoch.safetensors`.

    Args:
        experiment: What to train.
        fold: The fold that is held out.
        matches: The matches of the data root.
        runs: The runs folder.
        device: Where the model lives.
        workers: Loader processes by backend, or `auto`.
        on_error: Whether a clip that cannot be decoded ends the run, or another one is drawn.
        progress: Called with (clips done, clips in all) after each step.

    Raises:
        DataError, DecodeError: a label file, a video or the disk.
        CheckpointError: the weights to start from are missing or do not fit.
        WorkerError: a loader process died.
    """
    folder = fold_folder(runs, experiment.name, fold)
    train_videos, held_out_videos = fold_videos(experiment, matches, fold)
    with _seeded(experiment.seed * 1000 + fold, device):
        model = starting_model(experiment, fold, runs).to(device)
        # Beside the folds as well, so that the name is found wherever the config is not.
        for place in (runs / experiment.name, folder):
            write_text(place / "experiment.json", experiment.to_json() + "\n")
        write_json(folder / "environment.json", environment())
        loader = ClipLoader(
            training_clips(experiment, train_videos),
            experiment.train.batch_size,
            workers=workers,
            size=experiment.input.size,
            device=device,
            seed=experiment.seed,
            on_error=on_error,
        )
        held_out = validation_clips(experiment, held_out_videos)
        with loader:
            trainer = Trainer(experiment, model, device, loader.num_batches)
            validation = None
            if held_out is not None:
                # In this process: a second set of workers would idle through all of training.
                validation = ClipLoader(
                    held_out,
                    experiment.train.batch_size,
                    workers={},
                    size=experiment.input.size,
                    device=device,
                    seed=experiment.seed,
                    on_error=on_error,
                )
            _fit(trainer, loader, validation, folder, progress)
    return folder / FILE_NAME


def _fit(
    trainer: Trainer,
    loader: ClipLoader,
    validation: ClipLoader | None,
    folder: Path,
    progress: Callable[[int, int], None] | None,
) -> None:
    experiment = trainer.experiment
    num_epochs = experiment.train.warmup_epochs + experiment.train.epochs
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)
    log = EpochLog(folder)
    figures: dict[str, float] = {}
    try:
        for epoch in range(num_epochs):
            start = time.monotonic()
            losses = []
            for batch in loader.epoch(epoch):
                losses.append(trainer.step(batch))
                if progress is not None:
                    done = trainer.num_steps * experiment.train.batch_size
                    progress(done, num_epochs * loader.num_batches * experiment.train.batch_size)
            figures = {
                "train_loss": float(torch.stack(losses).mean()),
                "learning_rate": trainer.learning_rate,
                "seconds": time.monotonic() - start,
            }
            if validation is not None:
                scores = validate(
                    trainer.averaged.module, validation, experiment, autocast_dtype=trainer.autocast_dtype
                )
                figures |= {
                    "val_loss": scores.loss,
                    "val_average_precision": scores.average_precision,
                }
            log.add(epoch, figures)
            logger.info(
                "epoch %d of %d: %s",
                epoch + 1,
                num_epochs,
                ", ".join(f"{name} {value:.4g}" for name, value in figures.items()),
            )
            trainer.save(folder / f"epoch{Path(FILE_NAME).suffix}", {"epoch": str(epoch), **_texts(figures)})
    finally:
        log.close()
    (folder / f"epoch{Path(FILE_NAME).suffix}").replace(folder / FILE_NAME)


def _texts(figures: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.6g}" for name, value in figures.items()}


def starting_model(experiment: Experiment, fold: int, runs: Path) -> SpottingModel:
    """Return the model that training begins with: ImageNet's, another experiment's or random weights.

    Raises:
        CheckpointError: the weights to start from are missing or of another architecture.
    """
    start_from = experiment.train.start_from
    num_labels = len(experiment.task.labels)
    model = build_model(
        experiment.model,
        experiment.clip,
        num_labels,
        pretrained=experiment.model.pretrained and not start_from,
    )
    if start_from:
        folds = trained_folds(runs, start_from)
        if not folds:
            raise CheckpointError(
                f"experiment {experiment.name} starts from the weights of {start_from}, and there are none in "
                f"{runs / start_from}; make them first: bvas train --experiment {start_from}"
            )
        checkpoint = load_checkpoint(
            fold_folder(runs, start_from, fold if fold in folds else folds[0]) / FILE_NAME
        )
        if fold not in folds and checkpoint.experiment.task.folder == experiment.task.folder:
            raise CheckpointError(
                f"fold {fold} of {experiment.name} starts from the same fold of {start_from}, which is not trained "
                f"(another one has seen the matches that are held out here): "
                f"bvas train --experiment {start_from} --folds {fold}"
            )
        # Another clip length or label set has another classifier; everything before it carries over.
        own = model.state_dict()
        carried = {
            name: tensor
            for name, tensor in checkpoint.state.items()
            if not name.startswith("classifier.") or (name in own and own[name].shape == tensor.shape)
        }
        fresh = {name: tensor for name, tensor in own.items() if name.startswith("classifier.")}
        load_weights(model, {**fresh, **carried}, checkpoint.path)
        logger.info("starting from %s", checkpoint.path)
    if experiment.train.freeze_encoder2d:
        model.encoder.requires_grad_(False)
    return model


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw starting weights and dropout from `seed`, and leave the caller's random state as it was."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
