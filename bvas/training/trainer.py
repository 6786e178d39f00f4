"""Model, averaged weights and optimizer, and one step of them."""

from pathlib import Path

import torch
from torch import nn

from bvas.augment.augmenter import ClipAugmenter
from bvas.checkpoint import save_checkpoint
from bvas.devices import autocast_dtype
from bvas.experiment import Experiment
from bvas.loading.batch import ClipBatch
from bvas.losses import focal_loss
from bvas.luma import to_unit
from bvas.models.spotting import SpottingModel
from bvas.training.ema import average_weights
from bvas.training.optim import build_optimizer, learning_rate_at
from bvas.training.precision import compiled


class Trainer:
    """Model, averaged weights, optimizer, and one step of it."""

    def __init__(
        self, experiment: Experiment, model: SpottingModel, device: torch.device, steps_per_epoch: int
    ) -> None:
        self.experiment = experiment
        self.model = model
        self.autocast_dtype = autocast_dtype(device)
        self.averaged = average_weights(model, experiment.train.ema_decay)
        self.learning_rate = 0.0
        self.num_steps = 0
        self._device = device
        self._steps_per_epoch = steps_per_epoch
        self._run = compiled(model, device)
        self._augment = ClipAugmenter(experiment.augment)
        self._optimizer = build_optimizer(model.parameters(), experiment.train)
        self._scaler = torch.GradScaler(device.type, enabled=self.autocast_dtype is torch.float16)

    def step(self, batch: ClipBatch) -> torch.Tensor:
        """Learn from one batch; return its loss, on the device."""
        config = self.experiment.train
        self.model.train()
        if config.freeze_encoder2d:
            self.model.encoder.eval()  # BatchNorm statistics stay as well
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
            nn.utils.clip_grad_norm_(self.model.parameters(), config.max_gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.averaged.update_parameters(self.model)
        self.num_steps += 1
        return loss.detach()

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the averaged weights."""
        save_checkpoint(path, self.averaged.module.state_dict(), self.experiment, facts)
