"""Overfit check: a model must learn a few clips by heart, else data, model or learning rate are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from bvas.augment.config import AugmentConfig
from bvas.data.matches import Match
from bvas.errors import ConfigError
from bvas.experiment.experiment import Experiment
from bvas.tasks.kind_choice import kind_of
from bvas.training.fold import WorkerMix, clip_loader, seeded
from bvas.training.initial_model import starting_model
from bvas.training.step import Trainer
from bvas.values.plural import count_text
from bvas.values.progress import Progress

NUM_STEPS = 200
SHARE = 0.05
"""The loss must fall to this share of its start."""


@dataclass(frozen=True, slots=True)
class Overfit:
    """Losses of the steps on the same clips."""

    losses: tuple[float, ...]
    """Before each step."""

    @property
    def is_learned(self) -> bool:
        """Whether the loss fell to `SHARE` of its start."""
        return self.losses[-1] <= SHARE * self.losses[0]


def overfit(
    experiment: Experiment,
    fold: int,
    matches: Sequence[Match],
    num_clips: int,
    *,
    runs: Path,
    device: torch.device,
    workers: WorkerMix,
    num_steps: int = NUM_STEPS,
    progress: Progress | None = None,
) -> Overfit:
    """Train on the same few clips until their loss is gone; nothing is saved.

    The clips are the first of the first epoch, as many of each class as it happens. There is neither augmentation nor
    dropout nor smoothing of labels, and the learning rate stays at its peak.

    Args:
        experiment: What would be trained.
        fold: The fold that is held out.
        matches: The matches of the data root.
        num_clips: Clips in each step.
        runs: The runs folder, for weights to start from.
        device: The model's device.
        workers: Loader processes by backend, or `auto`.
        num_steps: Most steps.
        progress: Called after each step.

    Raises:
        ConfigError: fewer than 2 clips, more than an epoch has, or clips of one class only.
        DataError, DecodeError, CheckpointError, WorkerError: as `run_fold`.
    """
    if num_clips < 2:
        raise ConfigError(
            f"an overfit check needs at least 2 clips, got {num_clips}; batch normalization needs two"
        )
    plain = replace(
        experiment,
        augment=AugmentConfig.none(),
        classes=replace(experiment.classes, label_smoothing=0.0),
        train=replace(experiment.train, batch_size=num_clips, accumulation_steps=1),
    )
    kind = kind_of(plain)
    videos, _ = kind.samples(matches, fold)
    clips = kind.training_clips(videos)
    if clips.num_clips < num_clips:
        raise ConfigError(
            f"an epoch of {experiment.name} has {count_text(clips.num_clips, 'clip')}, and the check asks for "
            f"{num_clips}; take fewer"
        )
    losses: list[float] = []
    with (
        seeded(plain.seed * 1000 + fold, device),
        clip_loader(plain, clips, device=device, workers=workers) as loader,
    ):
        model = starting_model(plain, fold, runs, [match.name for match in matches if match.fold == fold]).to(
            device
        )
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        trainer = Trainer(plain, model, device, loader.num_batches)
        batch = next(iter(loader.epoch(0)))
        if kind.has_training_figures and len(set(batch.targets.argmax(dim=1).tolist())) < 2:
            raise ConfigError(
                f"the {num_clips} clips are all of one class, which no network needs to learn; take more"
            )
        for step in range(num_steps):
            losses.append(float(trainer.step(batch, plain.train.learning_rate).loss))
            if progress is not None:
                progress(step + 1, num_steps, f"loss {losses[-1]:.4f}")
            if Overfit(tuple(losses)).is_learned:
                break
    return Overfit(tuple(losses))
