"""How good the averaged weights are on held-out clips, between epochs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bvas.experiment.experiment import Experiment
from bvas.loading.clip_batch import ClipBatch
from bvas.models.focal_loss import focal_loss
from bvas.training.distributed import World
from bvas.values.luma import to_unit


@dataclass(frozen=True, slots=True)
class ClipScores:
    """Figures over the validation clips."""

    loss: float
    """No number where a score is none, as when float16 overflows."""
    average_precision: float
    """Mean over the labels of the area under precision over recall, clip by clip; in [0, 1], or NaN where a score
    is no number."""


class FixedBatches(Protocol):
    """What gives the clips to validate on, in batches."""

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield them, in each epoch the same."""
        ...


def validate(
    model: nn.Module,
    loader: FixedBatches,
    experiment: Experiment,
    *,
    autocast_dtype: torch.dtype | None,
    world: World | None = None,
) -> ClipScores:
    """Score every clip of a loader with a model, without augmentation.

    Args:
        model: The same on all ranks.
        loader: This rank's share of the clips, which may be none.
        experiment: What is validated.
        autocast_dtype: What to compute in; None: float32.
        world: The ranks that share the clips, each of which receives the figures over all; None: this process alone.
    """
    model.eval()
    world = world or World.single(torch.device("cpu"))
    losses: list[float] = []
    # A rank may have no clip at all.
    scores = [np.empty((0, len(experiment.task.labels)), dtype=np.float32)]
    targets = scores.copy()
    with torch.inference_mode():
        for batch in loader.epoch(0):
            frames = to_unit(batch.frames, batch.color_ranges, experiment.input.luma_scaling)
            with torch.autocast(frames.device.type, dtype=autocast_dtype, enabled=autocast_dtype is not None):
                logits = model(frames)
            loss = focal_loss(logits.float(), batch.targets, experiment.loss)
            losses.append(float(loss) * len(frames))
            scores.append(logits.float().sigmoid().cpu().numpy())
            targets.append(batch.targets.cpu().numpy())
    all_losses = world.gather(np.array(losses, dtype=np.float64))
    all_scores, all_targets = world.gather(np.concatenate(scores)), world.gather(np.concatenate(targets))
    loss = sum(all_losses.tolist()) / len(all_scores)
    if not np.isfinite(all_scores).all():
        # They have no order to take a precision in.
        return ClipScores(loss, float("nan"))
    by_label = [
        clip_average_precision(all_scores[:, k], all_targets[:, k]) for k in range(all_scores.shape[1])
    ]
    return ClipScores(loss, float(np.mean(by_label)))


def clip_average_precision(scores: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """Return the mean, over the positive clips, of the precision among those scored at least as high.

    0 where no clip is positive.
    """
    order = np.argsort(-scores, kind="stable")
    positive = targets[order] > 0.5
    if not positive.any():
        return 0.0
    precision = np.cumsum(positive) / np.arange(1, len(positive) + 1)
    return float(precision[positive].mean())
