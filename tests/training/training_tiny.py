"""A league, an experiment and batches for tests of training, and runs in processes that can be killed."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import torch
from tiny import tiny_experiment

from bvas.data.matches import find_matches
from bvas.experiment.experiment import Experiment, TrainConfig
from bvas.loading.clip_batch import ClipBatch
from bvas.training.fold import run_fold
from bvas.training.step import Trainer


def restless_experiment(*, clips_per_epoch: int = 14, **train) -> Experiment:
    """Return the tiny experiment with all that draws at random turned on, saved after each step."""
    tiny = tiny_experiment()
    return replace(
        tiny,
        model=replace(tiny.model, drop_rate=0.2, drop_path_rate=0.2),
        sampling=replace(tiny.sampling, clips_per_epoch=clips_per_epoch),
        train=TrainConfig(
            **{
                "batch_size": 4,
                "warmup_epochs": 1,
                "epochs": 2,
                "validation_clips": 8,
                "save_minutes": 0.0,
                "accumulation_steps": 2,
                "learning_rate": 3e-3,
                "max_gradient_norm": 1.0,
                "ema_decay": 0.7,
                **train,
            }
        ),
    )


def random_batch(experiment: Experiment, num_clips: int, seed: int = 0) -> ClipBatch:
    """Return noise with random targets."""
    random = torch.Generator().manual_seed(seed)
    shape = (num_clips, experiment.clip.num_frames, *experiment.input.size)
    targets = (num_clips, len(experiment.task.labels))
    return ClipBatch(
        frames=torch.randint(0, 256, shape, dtype=torch.uint8, generator=random),
        targets=torch.randint(0, 2, targets, generator=random).float(),
        video_ids=torch.zeros(num_clips, dtype=torch.int64),
        centers=torch.arange(num_clips) * 10,
        forms=("limited",) * num_clips,
        seeds=torch.arange(num_clips) + 100 * seed,
    )


def train(experiment: Experiment, data: Path, runs: Path, **options) -> Path:
    """Train fold 0 in this process."""
    matches = find_matches(experiment.task, data)
    return run_fold(experiment, 0, matches, runs=runs, device=torch.device("cpu"), workers={}, **options)


def _train_in_child(experiment, data, runs, home):
    os.environ["BVAS_HOME"] = home
    # Sums are cut into as many parts as there are threads, so runs are alike at the same number only.
    torch.set_num_threads(1)
    train(experiment, data, runs)


def training_process(experiment: Experiment, data: Path, runs: Path) -> multiprocessing.Process:
    """Return a process that trains fold 0; it starts fast, for it is forked from one that has loaded everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training_tiny", "torch.utils.tensorboard", "bvas.augment.augmenter"])
    process = context.Process(target=_train_in_child, args=(experiment, data, runs, os.environ["BVAS_HOME"]))
    process.start()
    return process


class StoppedError(Exception):
    """Stands for a kill."""


def stop_before_step(patch, number: int) -> None:
    """Have the trainer fail before a step, counted from 0; of several ranks, each calls this."""
    step = Trainer.step

    def stopping(self, batch):
        if self.num_steps == number:
            raise StoppedError
        return step(self, batch)

    patch.setattr(Trainer, "step", stopping)
