"""Validation between epochs: loss and figures of the averaged weights on held-out clips."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bvas.experiment.experiment import Experiment
from bvas.loading.kept_batches import KeptClips
from bvas.loading.loader import ClipLoader
from bvas.tasks.kind_choice import kind_of
from bvas.training.distributed import World
from bvas.values.color import to_unit_frames


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Scores of clips beside their targets, over all ranks."""

    loss: float
    """Mean over the clips."""
    scores: NDArray[np.float32]
    """[N, K]"""
    targets: NDArray[np.float32]
    """[N, K]"""


def validate(
    model: nn.Module,
    loader: KeptClips | ClipLoader,
    experiment: Experiment,
    *,
    autocast_dtype: torch.dtype | None,
    world: World | None = None,
) -> dict[str, float]:
    """Compute scores for all clips without augmentation, and return their figures by name.

    These are `loss`, the mean over the clips, and the task kind's own: NaN where a score is NaN or infinite,
    as when float16 overflows.

    Args:
        model: Equal on all ranks.
        loader: This rank's share of the clips, which may be empty.
        experiment: The experiment that is trained.
        autocast_dtype: Precision to compute in; None: float32.
        world: The ranks that share the clips, each of which gets the figures over all; None: a single process.
    """
    answers = answers_of(model, loader, experiment, autocast_dtype=autocast_dtype, world=world)
    return {"loss": answers.loss, **kind_of(experiment).figures(answers.scores, answers.targets)}


def answers_of(
    model: nn.Module,
    loader: KeptClips | ClipLoader,
    experiment: Experiment,
    *,
    autocast_dtype: torch.dtype | None,
    world: World | None = None,
) -> Answers:
    """Compute scores for all clips without augmentation; the arguments are those of `validate`."""
    kind = kind_of(experiment)
    model.eval()
    world = world or World(device=torch.device("cpu"))
    losses: list[float] = []
    # A rank may have no clip.
    scores = [np.empty((0, len(experiment.task.labels)), dtype=np.float32)]
    targets = scores.copy()
    with torch.inference_mode():
        for batch in loader.epoch(0):
            frames = to_unit_frames(batch.frames, batch.forms, experiment.input.luma_scaling)
            with torch.autocast(frames.device.type, dtype=autocast_dtype, enabled=autocast_dtype is not None):
                logits = model(frames)
            loss = kind.loss(logits.float(), batch.targets)
            losses.append(float(loss) * len(frames))
            scores.append(kind.scores(logits.float()).cpu().numpy())
            targets.append(batch.targets.cpu().numpy())
    all_losses = world.gather(np.array(losses, dtype=np.float64))
    all_scores, all_targets = world.gather(np.concatenate(scores)), world.gather(np.concatenate(targets))
    loss = sum(all_losses.tolist()) / len(all_scores)
    return Answers(loss, all_scores, all_targets)
