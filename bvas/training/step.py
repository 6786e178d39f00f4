"""Training step: forward, backward, optimizer, and the average of the weights."""

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bvas.augment.augmenter import ClipAugmenter
from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.checkpoint import save_checkpoint
from bvas.experiment.experiment import Experiment
from bvas.loading.clip_batch import ClipBatch
from bvas.models.clip_model import ClipModel
from bvas.system.devices import autocast_dtype
from bvas.tasks.kind_choice import kind_of
from bvas.training.compile import checkpoint_blocks, forward_of
from bvas.training.distributed import World, without_averaging
from bvas.training.ema import AveragedWeights
from bvas.training.optim import build_optimizer, learning_rate_at
from bvas.training.stage_schedule import frozen_modules, stage_schedule
from bvas.values.color import to_unit_frames

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """Loss and gradient norm of a step, on the device: reading them waits for the step."""

    loss: Tensor
    """Mean over the clips of all ranks, float32 scalar."""
    gradient_norm: Tensor
    """Over all weights, before clipping; float32 scalar. 0 for a step that float16's scaler skips."""


class Trainer:
    """Model, its averaged weights, and the optimizer."""

    def __init__(
        self,
        experiment: Experiment,
        model: ClipModel,
        device: torch.device,
        steps_per_epoch: int,
        world: World | None = None,
        *,
        epoch: int = 0,
    ) -> None:
        """Prepare the first step.

        Args:
            experiment: The experiment to train.
            model: Model with its starting weights, on the device.
            device: Device to compute on.
            steps_per_epoch: For the learning rate schedule.
            world: The ranks that step together, with equal weights; None: a single process.
            epoch: The first one, as `begin_epoch` takes it.

        Raises:
            ConfigError: the config names stages that the model does not have, or the same one twice.
        """
        config = experiment.train
        self.experiment = experiment
        self.model = model
        self.autocast_dtype = autocast_dtype(device, config.precision)
        self.averaged = AveragedWeights(model, config.ema_decay)
        self.learning_rate = 0.0
        """Of the last step."""
        self.num_steps = 0
        """Steps done."""
        self._kind = kind_of(experiment)
        self._device = device
        self._steps_per_epoch = steps_per_epoch
        self._world = World(device=device) if world is None else world
        share = max(self._world.shard.sizes(config.batch_size))
        self._micro_batch = -(-share // config.accumulation_steps)
        self._augment = ClipAugmenter(experiment.augment)
        self._learnable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._stages = model.stages()
        self._schedule = stage_schedule(self._stages, config)
        self._factors, groups = self._groups()
        self._optimizer = build_optimizer(groups, config)
        self._scaler = torch.GradScaler(device.type, enabled=self.autocast_dtype is torch.float16)
        if config.activation_checkpointing:
            checkpoint_blocks(model)
        self._learning: tuple[str, ...] = ()
        self.answers: list[Tensor] = []
        """Scores and targets [n, 2 K] of each micro-batch, for kinds with training figures; emptied by the caller."""
        self.begin_epoch(epoch)

    def _groups(self) -> tuple[list[float], list[list[nn.Parameter]]]:
        """Return the distinct factors of the learning rate, and the parameters that have them, frozen ones too."""
        factors = {
            parameter: self._schedule.factors[name]
            for name, stage in self._stages.items()
            for parameter in stage.parameters()
        }
        groups: dict[float, list[nn.Parameter]] = {}
        for parameter in self._learnable:
            groups.setdefault(factors[parameter], []).append(parameter)
        return [*groups], [*groups.values()]

    def begin_epoch(self, epoch: int) -> None:
        """Have the stages learn that do so in an epoch, counted from 0, and freeze the others."""
        learning = self._schedule.learning(epoch + 1)
        if learning == self._learning:
            return
        frozen = [name for name in self._stages if name not in learning]
        listed = ", ".join(frozen) or "none"
        if self._learning:
            new = ", ".join(name for name in learning if name not in self._learning)
            logger.info("epoch %d: learning from here on: %s; frozen: %s", epoch + 1, new, listed)
        elif frozen:
            logger.info("epoch %d: frozen: %s", epoch + 1, listed)
        self._learning = learning
        for parameter in self._learnable:
            parameter.requires_grad_(True)
        self._still = frozen_modules(self.model, [self._stages[name] for name in frozen])
        for module in self._still:
            module.requires_grad_(False)
        self._learnt = [parameter for parameter in self._learnable if parameter.requires_grad]
        if not self._learnt:
            raise ConfigError(
                f"nothing learns in epoch {epoch + 1}: all stages with weights are frozen; change frozen or unfreeze"
            )
        self._train_mode()
        # Data-parallel training awaits gradients of the parameters that learned when it was built, and compiled code
        # has a backward pass.
        config = self.experiment.train
        forward = forward_of(
            self.model,
            self._device,
            self.autocast_dtype,
            (self._micro_batch, self.experiment.clip.num_frames, *self.experiment.input.form.unit_shape),
            plain=config.activation_checkpointing or (config.sync_batchnorm and self._world.size > 1),
        )
        self._forward = self._world.averaging(self.model, forward)

    def step(self, batch: ClipBatch, learning_rate: float | None = None) -> StepResult:
        """Do one step on a batch, or on this rank's share of it.

        Args:
            batch: The clips.
            learning_rate: In place of the schedule's.
        """
        config = self.experiment.train
        self._world.seed_step(self.experiment.seed, self.num_steps)
        self._train_mode()
        if learning_rate is None:
            learning_rate = learning_rate_at(self.num_steps, self._steps_per_epoch, config)
        self.learning_rate = learning_rate
        for group, factor in zip(self._optimizer.param_groups, self._factors, strict=True):
            group["lr"] = learning_rate * factor
        self._optimizer.zero_grad(set_to_none=True)
        *others, last = self._micro_batches(batch)
        with without_averaging(self._forward):
            losses = [self._backward(batch, clips) for clips in others]
        losses.append(self._backward(batch, last))
        self._scaler.unscale_(self._optimizer)
        norm = self._clip_gradients(config.max_gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.averaged.update_parameters(self.model)
        self.num_steps += 1
        return StepResult(self._world.mean(torch.stack(losses).sum()), norm)

    def _train_mode(self) -> None:
        self.model.train()
        for module in self._still:
            module.eval()

    def _micro_batches(self, batch: ClipBatch) -> list[slice]:
        """Return the clips of each micro-batch; their number is the same on all ranks, which step together."""
        smallest = (batch.num_total or len(batch)) // self._world.size
        number = min(self.experiment.train.accumulation_steps, smallest)
        bounds = [len(batch) * place // number for place in range(number + 1)]
        return [slice(start, stop) for start, stop in pairwise(bounds)]

    def _backward(self, batch: ClipBatch, clips: slice) -> Tensor:
        """Add the gradients of a micro-batch; return its share of the loss."""
        scaling = self.experiment.input.luma_scaling
        frames = to_unit_frames(batch.frames[clips], batch.forms[clips], scaling)
        frames = self._augment(frames, batch.seeds[clips])
        with torch.autocast(
            self._device.type, dtype=self.autocast_dtype, enabled=self.autocast_dtype is not None
        ):
            logits = self._forward(frames)
        loss = self._kind.loss(logits.float(), batch.targets[clips])
        if self._kind.has_training_figures:
            scores = self._kind.scores(logits.detach().float())
            self.answers.append(torch.cat([scores, batch.targets[clips]], dim=1))
        # Weighted by its number of clips; times the number of ranks, since gradients are averaged over ranks.
        num_total = batch.num_total or len(batch)
        share = loss * (len(frames) * self._world.size / num_total)
        self._scaler.scale(share).backward()  # type: ignore[no-untyped-call]
        return share.detach()

    def _clip_gradients(self, max_norm: float) -> Tensor:
        gradients = [parameter.grad for parameter in self._learnt if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if max_norm:
            nn.utils.clip_grads_with_norm_(self._learnt, max_norm, norm)
        if self._scaler.is_enabled():
            # Overflow in float16: the scaler detects it, skips the step and scales less from then on.
            return torch.where(norm.isfinite(), norm, torch.zeros_like(norm))
        return norm

    def is_finite(self) -> bool:
        """Return whether all weights and statistics are finite; waits for the device."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())

    def state_dict(self) -> dict[str, Any]:
        """Return everything that later steps depend on, random states included; tensors are shared, not copied."""
        return {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "num_steps": self.num_steps,
            "random_cpu": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`, from the same or another kind of device.

        Raises:
            CheckpointError: the optimizer of an earlier version held other weights.
        """
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        groups = [
            # `fused` depends on this device: a state may be saved on a GPU and loaded on a CPU.
            {**saved, "fused": own.get("fused")} if "fused" in own else saved
            for saved, own in zip(
                state["optimizer"]["param_groups"], self._optimizer.param_groups, strict=True
            )
        ]
        if [len(group["params"]) for group in groups] != [
            len(group["params"]) for group in self._optimizer.param_groups
        ]:
            raise CheckpointError(
                "the state of this run is of an earlier version of bvas, whose optimizer left frozen weights out; "
                "start over with --overwrite"
            )
        self._optimizer.load_state_dict({**state["optimizer"], "param_groups": groups})
        if self._scaler.is_enabled() and state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])
        self.num_steps = state["num_steps"]
        self.learning_rate = self._optimizer.param_groups[0]["lr"] / self._factors[0]
        torch.set_rng_state(state["random_cpu"])
        if self._device.type == "cuda" and state["random_cuda"] is not None:
            torch.cuda.set_rng_state(state["random_cuda"], self._device)

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Write the averaged weights."""
        save_checkpoint(path, self.averaged.module.state_dict(), self.experiment, facts)
