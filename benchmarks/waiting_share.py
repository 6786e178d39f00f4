"""The share of training that is spent waiting for clips: the real loader and the real step over made videos."""

import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import torch
from harness import spread
from short_epoch import make_halves
from step_floor import synchronize
from timed_step import make_model

from bvas.experiment.experiment import Experiment
from bvas.loading.loader import ClipLoader
from bvas.tasks.kind_choice import kind_of
from bvas.training.step import Trainer


def waiting_row(
    experiment: Experiment,
    device: torch.device,
    *,
    num_steps: int,
    num_frames: int,
    num_epochs: int,
    workers: Literal["auto"] | int,
    folder: Path | None,
) -> dict[str, Any]:
    """Return the row of `ClipLoader` with `Trainer.step`: the waiting for an epoch's first batch counts too.

    Args:
        experiment: What to train; its labels are those of short_epoch.py.
        device: Where.
        num_steps: In an epoch.
        num_frames: Of each of two videos, with a keyframe every 250 frames.
        num_epochs: Those that count, after one that does not.
        workers: `auto`, or this many that decode with PyAV; 0 decodes in this process.
        folder: Keeps the videos for the next run; None: made and removed.
    """
    height, width = experiment.input.size
    num_clips = num_steps * experiment.train.batch_size
    drawn = replace(experiment, sampling=replace(experiment.sampling, clips_per_epoch=num_clips))
    with tempfile.TemporaryDirectory() as temporary:
        videos = make_halves(
            folder or Path(temporary),
            num_halves=2,
            num_frames=num_frames,
            # Padded by 16 rows, as 720 rows are to 736.
            size=(height - 16, width),
            keyframe_interval=250,
        )
        loader = ClipLoader(
            kind_of(drawn).training_clips(videos),
            experiment.train.batch_size,
            size=experiment.input.size,
            workers=workers if workers in ("auto", 0) else {"pyav": workers},
            device=device,
        )
        with loader:
            trainer = Trainer(experiment, make_model(experiment, device), device, loader.num_batches)
            shares = []
            for epoch in range(num_epochs + 1):
                waited, start = loader.stats.waiting_seconds, time.perf_counter()
                for batch in loader.epoch(epoch):
                    trainer.step(batch)
                synchronize(device)
                shares.append((loader.stats.waiting_seconds - waited) / (time.perf_counter() - start))
            return {
                "case": "ClipLoader and Trainer.step",
                "batch": experiment.train.batch_size,
                "rounds": num_epochs,
                "waiting_share": asdict(spread(shares[1:])),
                "workers": dict(loader.workers),
                "clips_in_an_epoch": num_clips,
            }
