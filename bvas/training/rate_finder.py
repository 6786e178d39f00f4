"""Learning rate finder: a short run whose rate rises from step to step.

The range test of Smith, "Cyclical Learning Rates for Training Neural Networks" (2017): where the loss begins to fall,
the rate begins to have an effect; where it rises again, the rate is too high.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bvas.data.matches import Match
from bvas.errors import ConfigError, TrainingError
from bvas.experiment.experiment import Experiment
from bvas.tasks.kind_choice import kind_of
from bvas.training.fold import WorkerMix, clip_loader, seeded
from bvas.training.fold_data import out_of_fold_curves
from bvas.training.initial_model import starting_model
from bvas.training.step import Trainer
from bvas.values.progress import Progress

FEWEST_STEPS = 20
_SMOOTHING = 0.05
"""Standard deviation of the Gaussian that smooths the losses, as a share of the steps."""
_START = 0.1
"""Share of the steps at the start: their rates are too low to change the loss."""
_DIVERGED = 4.0
"""The run ends where the running mean of the losses is this many times its lowest value."""
_RUNNING = 0.8
"""Decay of the running mean."""
_CLEAR = 4.0
"""A fall of the loss counts from so many standard deviations of its noise. Noise alone has one in 1 to 3 % of runs."""


@dataclass(frozen=True)
class RateCurve:
    """Losses of a run by learning rate."""

    rates: NDArray[np.float64]
    """[n], rising."""
    losses: NDArray[np.float64]
    """[n], of the batch at each rate; the last may be NaN or infinite."""
    is_diverged: bool
    """Whether the run ended before the highest rate."""

    @cached_property
    def smoothed(self) -> NDArray[np.float64]:
        """Smoothed losses [n]. Those above all losses at the start count as the highest of these: they diverge."""
        highest = self.losses[: self._num_start].max()
        bounded = np.minimum(np.nan_to_num(self.losses, nan=np.inf, posinf=np.inf), highest)
        return np.asarray(gaussian_filter1d(bounded, self._sigma, mode="nearest"))

    @property
    def start(self) -> float:
        """Mean loss at the start."""
        return float(self.losses[: self._num_start].mean())

    @property
    def lowest(self) -> int:
        """Step of the lowest smoothed loss."""
        return int(np.argmin(self.smoothed))

    @property
    def suggestion(self) -> float | None:
        """Rate in the middle of the descent: where the smoothed loss has fallen half-way to its minimum.

        None if it does not fall by clearly more than the noise of the losses.
        """
        fall, lowest = self.start - self.smoothed[self.lowest], self.lowest
        if lowest < self._num_start:
            return None
        noise = float((self.losses - self.smoothed)[:lowest].std())
        # Deviation of a mean of independent losses, and of their Gaussian smoothing.
        deviation = noise * math.sqrt(1 / self._num_start + 1 / (2 * math.sqrt(math.pi) * self._sigma))
        if not fall > _CLEAR * deviation:
            return None
        above = np.flatnonzero(self.smoothed[:lowest] >= self.start - fall / 2)
        return float(self.rates[above[-1]])

    @property
    def _num_start(self) -> int:
        return max(2, round(_START * len(self.rates)))

    @property
    def _sigma(self) -> float:
        return _SMOOTHING * len(self.rates)


def rising_rates(first: float, last: float, steps: int) -> NDArray[np.float64]:
    """Return rates [steps] from `first` to `last`, each the same multiple of the one before.

    Raises:
        ConfigError: there are fewer than `FEWEST_STEPS`, or the rates do not rise from above 0.
    """
    if steps < FEWEST_STEPS or not 0 < first < last < math.inf:
        raise ConfigError(
            f"a learning rate is searched in at least {FEWEST_STEPS} steps from a positive rate to a higher one, got "
            f"{steps} steps from {first:g} to {last:g}"
        )
    return np.geomspace(first, last, steps)


def range_test(step: Callable[[float], float], rates: Sequence[float] | NDArray[np.float64]) -> RateCurve:
    """Train with rising rates until the loss diverges.

    Args:
        step: Does a training step at a rate; returns the loss before it.
        rates: Rising.

    Raises:
        TrainingError: the loss is NaN or infinite at the start already.
    """
    losses: list[float] = []
    running, weight, lowest = 0.0, 0.0, math.inf
    for rate in rates:
        losses.append(step(float(rate)))
        running = _RUNNING * running + (1 - _RUNNING) * losses[-1]
        weight = _RUNNING * weight + (1 - _RUNNING)
        lowest = min(lowest, running / weight)
        if not running / weight <= _DIVERGED * lowest:
            break
    curve = RateCurve(np.array(rates[: len(losses)]), np.array(losses), len(losses) < len(rates))
    if not math.isfinite(curve.start):
        raise TrainingError(
            f"the loss is {losses[-1]} in step {len(losses)}, at a learning rate of {rates[len(losses) - 1]:.1e}: the "
            "starting weights or the data are wrong, or the lowest rate is too high"
        )
    return curve


def find_rate(
    experiment: Experiment,
    fold: int,
    matches: Sequence[Match],
    rates: NDArray[np.float64],
    *,
    runs: Path,
    device: torch.device,
    workers: WorkerMix,
    progress: Progress | None = None,
) -> RateCurve:
    """Train the first epoch of a fold with rising rates, on its starting weights and clips; nothing is saved.

    Warm-up has no effect. Stages that are frozen in epoch 1 are frozen.

    Args:
        experiment: What would be trained.
        fold: The fold that is held out.
        matches: The matches of the data root.
        rates: Learning rate of each step, rising.
        runs: The runs folder, for weights to start from.
        device: The model's device.
        workers: Loader processes by backend, or `auto`.
        progress: Called after each step.

    Raises:
        ConfigError: the fold or a stage does not exist.
        DataError, DecodeError: a label file or a video is wrong.
        CheckpointError: the weights to start from are missing or do not fit.
        TrainingError: the loss is NaN or infinite at the start already.
        WorkerError: a loader process died.
    """
    kind = kind_of(experiment)
    videos, _ = kind.samples(matches, fold)
    clips = kind.training_clips(videos, out_of_fold_curves(experiment, videos, runs))
    held_out = [match.name for match in matches if match.fold == fold]
    with (
        seeded(experiment.seed * 1000 + fold, device),
        clip_loader(experiment, clips, device=device, workers=workers) as loader,
    ):
        model = starting_model(experiment, fold, runs, held_out).to(device)
        trainer = Trainer(experiment, model, device, loader.num_batches)
        batches = itertools.chain.from_iterable(map(loader.epoch, itertools.count()))

        def step(rate: float) -> float:
            loss = float(trainer.step(next(batches), rate).loss)
            if progress is not None:
                progress(trainer.num_steps, len(rates), f"loss {loss:.4f}, rate {rate:.1e}")
            return loss

        return range_test(step, rates)
