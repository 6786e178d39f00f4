"""Optimizer and learning rate schedule."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from bvas.experiment.experiment import TrainConfig


def build_optimizer(groups: Sequence[Sequence[nn.Parameter]], config: TrainConfig) -> torch.optim.Optimizer:
    """Return AdamW, or SGD with Nesterov momentum, over groups of parameters.

    Frozen parameters have no gradients, and both optimizers skip them: no decay, no momentum.
    """
    parameters = [{"params": list(group)} for group in groups]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=config.learning_rate,
            momentum=config.momentum,
            nesterov=True,
            weight_decay=config.weight_decay,
        )
    # One kernel for all weights, in place of one for each of a dozen operations on each group of them.
    fused = True if all(parameter.is_cuda for group in groups for parameter in group) else None
    return torch.optim.AdamW(
        parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=fused
    )


def learning_rate_at(step: int, steps_per_epoch: int, config: TrainConfig) -> float:
    """Return the learning rate of step `step`, from 0.

    It rises linearly over the warm-up epochs, reaches the peak at the first step after
    them, and falls along half a cosine to the final rate at the last step.
    """
    warmup = config.warmup_epochs * steps_per_epoch
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    last = config.epochs * steps_per_epoch - 1
    done = min(1.0, (step - warmup) / last) if last > 0 else 0.0
    swing = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + swing * 0.5 * (1.0 + math.cos(math.pi * done))
