"""A training step of the trainer's parts, with the clock between them."""

import time
from dataclasses import replace
from typing import Any

import torch
from step_floor import synchronize

from bvas.augment.augmenter import ClipAugmenter
from bvas.experiment.experiment import Experiment
from bvas.loading.clip_batch import ClipBatch
from bvas.models.focal_loss import focal_loss
from bvas.models.spotting import SpottingModel, build_model
from bvas.training.compile import Forward, compiled_forward
from bvas.training.ema import AveragedWeights
from bvas.training.optim import build_optimizer
from bvas.values.color import to_unit_frames

PARTS = ("loading", "augmentation", "forward", "backward", "optimizer")


class TimedStep:
    """A training step with the clock between its parts."""

    def __init__(
        self, experiment: Experiment, device: torch.device, dtype: torch.dtype | None, *, compiled: bool
    ) -> None:
        config = experiment.train
        self._experiment = experiment
        self._device = device
        self._dtype = dtype
        self._model = make_model(experiment, device)
        shape = (config.batch_size, experiment.clip.num_frames, *experiment.input.size)
        self._forward: Forward = (
            compiled_forward(self._model, shape, device, dtype) if compiled else self._model
        )
        self._augment = ClipAugmenter(experiment.augment)
        self._optimizer = build_optimizer([list(self._model.parameters())], config)
        self._averaged = AveragedWeights(self._model, config.ema_decay)
        self._scaler = torch.GradScaler(device.type, enabled=dtype is torch.float16)

    def step(self, host: ClipBatch) -> list[float]:
        """Do a step and return the seconds of each part."""
        marks = Marks(self._device)
        batch = replace(
            host,
            frames=host.frames.to(self._device, non_blocking=True),
            targets=host.targets.to(self._device, non_blocking=True),
        )
        marks.add()
        frames = to_unit_frames(batch.frames, batch.forms, self._experiment.input.luma_scaling)
        frames = self._augment(frames, batch.seeds)
        marks.add()
        with torch.autocast(self._device.type, dtype=self._dtype, enabled=self._dtype is not None):
            logits = self._forward(frames)
        loss = focal_loss(logits.float(), batch.targets, self._experiment.loss)
        marks.add()
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        marks.add()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._averaged.update_parameters(self._model)
        marks.add()
        return marks.seconds()


class Marks:
    """Moments between the parts of a step, on the device's own clock where it has one."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._moments: list[Any] = []
        synchronize(device)
        self.add()

    def add(self) -> None:
        """Note that a part ends here."""
        if self._device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self._moments.append(event)
        else:
            self._moments.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Wait, and return the time of each part."""
        synchronize(self._device)
        pairs = zip(self._moments, self._moments[1:], strict=False)
        if self._device.type == "cuda":
            return [start.elapsed_time(stop) / 1000 for start, stop in pairs]
        return [stop - start for start, stop in pairs]


def make_model(experiment: Experiment, device: torch.device) -> SpottingModel:
    """Return the model with the same random weights each time."""
    torch.manual_seed(0)
    return build_model(experiment.model, experiment.clip, len(experiment.task.labels)).to(device)


def make_batch(experiment: Experiment, seed: int, device: torch.device) -> ClipBatch:
    """Return random clips in host memory, as the loader's slots have them: pinned where there is a GPU."""
    num = experiment.train.batch_size
    shape = (num, experiment.clip.num_frames, *experiment.input.size)
    frames = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    return ClipBatch(
        frames=frames.pin_memory() if device.type == "cuda" else frames,
        targets=torch.zeros(num, len(experiment.task.labels)),
        video_ids=torch.zeros(num, dtype=torch.int64),
        centers=torch.arange(num),
        forms=("limited",) * num,
        seeds=torch.arange(num) * 7919 + seed,
    )
