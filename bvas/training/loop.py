"""Training of one fold: clips in, averaged weights out."""

import logging
import shutil
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from bvas.augment.augmenter import ClipAugmenter
from bvas.checkpoint import (
    FILE_NAME,
    fold_folder,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    trained_folds,
)
from bvas.devices import autocast_dtype
from bvas.errors import CheckpointError
from bvas.experiment import Experiment
from bvas.files import write_json, write_text
from bvas.loading.batch import ClipBatch
from bvas.loading.loader import ClipLoader
from bvas.loading.skips import OnError
from bvas.losses import focal_loss
from bvas.luma import to_unit
from bvas.models.spotting import SpottingModel, build_model
from bvas.tasks.matches import Match
from bvas.training.data import fold_videos, training_clips, validation_clips
from bvas.training.ema import average_weights
from bvas.training.logs import EpochLog, environment
from bvas.training.optim import build_optimizer, learning_rate_at
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
    trainer: "Trainer",
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


class Trainer:
    """Model, averaged weights, optimizer, and one step of it."""

    def __init__(
        self, experiment: Experiment, model: SpottingModel, device: torch.device, steps_per_epoch: int
    ) -> None:
        self.experiment = experiment
        self.autocast_dtype = autocast_dtype(device)
        self.averaged = average_weights(model, experiment.train.ema_decay)
        self.learning_rate = 0.0
        self.num_steps = 0
        self._model = model
        self._device = device
        self._steps_per_epoch = steps_per_epoch
        self._run: Callable[[torch.Tensor], torch.Tensor] = _compiled(model, device)
        self._augment = ClipAugmenter(experiment.augment)
        self._optimizer = build_optimizer(model.parameters(), experiment.train)
        self._scaler = torch.GradScaler(device.type, enabled=self.autocast_dtype is torch.float16)

    def step(self, batch: ClipBatch) -> torch.Tensor:
        """Learn from one batch; return its loss, on the device."""
        config = self.experiment.train
        self._model.train()
        if config.freeze_encoder2d:
            self._model.encoder.eval()  # BatchNorm statistics stay as well
        self.learning_rate = learning_rate_at(self.num_steps, self._steps_per_epoch, config)
        for group in self._optimizer.param_groups:
            group["lr"] = self.learning_rate
        frames = to_unit(batch.frames, batch.color_ranges, self.experiment.input.luma_scaling)
        frames = self._augment(frames, batch.seeds)
        with torch.autocast(
            self._device.type, dtype=self.autocast_dtype, enabled=self.autocast_dtype is not None
        ):
            logits = self._run(frames)
        loss = focal_loss(logits.float(), batch.targets, self.experiment.loss)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if config.max_gradient_norm:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._model.parameters(), config.max_gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.averaged.update_parameters(self._model)
        self.num_steps += 1
        return loss.detach()

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the averaged weights."""
        save_checkpoint(path, self.averaged.module.state_dict(), self.experiment, facts)


def _compiled(model: SpottingModel, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """Compile where it pays, on CUDA, and say so where what Triton builds its launcher with is missing."""
    if device.type != "cuda":
        return model
    missing = [
        name
        for name, there in (
            ("Triton", find_spec("triton") is not None),
            ("a C compiler", any(shutil.which(name) for name in ("cc", "gcc", "clang"))),
            ("Python's headers", Path(sysconfig.get_path("include"), "Python.h").is_file()),
        )
        if not there
    ]
    if missing:
        logger.info(
            "without %s the model runs uncompiled: slower, with the same results", " and ".join(missing)
        )
        return model
    compiled: Callable[[torch.Tensor], torch.Tensor] = torch.compile(model)
    return compiled


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
