"""What torchrun starts in the tests: trains fold 0 twice, with gradients averaged over ranks and without.

torchrun --nproc-per-node 2 parallel_program.py DATA RUNS
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from tiny import tiny_experiment
from torch.nn.modules.batchnorm import _BatchNorm

from bvas.augment.config import AugmentConfig
from bvas.data.matches import find_matches
from bvas.experiment.experiment import Experiment, TrainConfig
from bvas.training import fold as loop
from bvas.training.distributed import World, join_world


def experiment(name: str) -> Experiment:
    """Return 20 steps at one rate; for two ranks 2 + 3 clips in two parts, at an epoch's end 1 + 2 in one."""
    tiny = tiny_experiment()
    return replace(
        tiny,
        name=name,
        # A map from inside the encoder: what is behind it never has gradients.
        model=replace(tiny.model, feature_level=2, drop_rate=0.0),
        sampling=replace(tiny.sampling, clips_per_epoch=48),
        augment=AugmentConfig.none(),
        train=TrainConfig(
            batch_size=5,
            accumulation_steps=2,
            warmup_epochs=0,
            epochs=2,
            optimizer="sgd",
            learning_rate=0.05,
            final_learning_rate=0.05,
            ema_decay=0.0,
            validation_clips=7,
        ),
    )


def freeze_statistics(model: torch.nn.Module) -> None:
    """Keep BatchNorm in evaluation mode, whatever training says."""
    for norm in [module for module in model.modules() if isinstance(module, _BatchNorm)]:
        norm.eval()
        norm.train = lambda mode=True, norm=norm: norm


def train(name: str, data: Path, runs: Path, world: World | None = None) -> torch.nn.Module:
    """Train fold 0; return the weights that it began with."""
    original, started = loop.starting_model, []

    def with_fixed_statistics(*args, **options):
        model = original(*args, **options)
        freeze_statistics(model)
        started.append({key: value.clone() for key, value in model.state_dict().items()})
        return model

    loop.starting_model = with_fixed_statistics
    try:
        config = experiment(name)
        loop.run_fold(
            config,
            0,
            find_matches(config.task, data),
            runs=runs,
            device=torch.device("cpu"),
            workers={},
            world=world,
        )
    finally:
        loop.starting_model = original
    return started[0]


if __name__ == "__main__":
    data, runs = map(Path, sys.argv[1:])
    with join_world(torch.device("cpu")) as world:
        train("averaged", data, runs, world)
        World.averaging = lambda self, model, forward: forward
        train("apart", data, runs, world)
