"""Processes that train one model together: each with its share of every batch, gradients averaged.

`torchrun` starts one for each GPU and ends those of a host when one of them fails; torch's `env://` rendezvous
connects them. They step together: a collective call waits until every process has made it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from bvas.errors import ConfigError
from bvas.loading.rank_shards import Shard
from bvas.models.clip_model import ClipModel
from bvas.system.cpu_cores import free_cores
from bvas.system.devices import choose_device, use_device
from bvas.system.jobs.child_processes import end_with_parent
from bvas.training.compile import Forward
from bvas.values.plural import count_text

_TIMEOUT = timedelta(minutes=30)
"""Longest wait for the other ranks: longer than whatever rank 0 does by itself, such as drawing pictures."""
_STREAM = 3
"""Spawn key of the random streams of the ranks' steps, apart from those of the loader's samples and plans."""
_VARIABLES = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Set by torchrun beside WORLD_SIZE."""

T = TypeVar("T")
Float = TypeVar("Float", bound=np.floating)


def is_launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether torchrun started this process as one of several.

    Raises:
        ConfigError: WORLD_SIZE says so, and other variables that torchrun sets are missing.
    """
    if int(environment.get("WORLD_SIZE", "1")) == 1:
        return False
    missing = [name for name in _VARIABLES if name not in environment]
    if missing:
        raise ConfigError(
            f"WORLD_SIZE is set without {', '.join(missing)}; start several processes by torchrun, which sets all "
            "of them, or unset WORLD_SIZE for one process"
        )
    return True


def rank_device(name: str, environment: Mapping[str, str] = os.environ) -> torch.device:
    """Return the device of this rank for `auto`, `cpu` or `cuda`: of several GPUs the one of its LOCAL_RANK.

    Raises:
        ConfigError: a GPU is named by number, or the host has fewer GPUs than ranks.
    """
    chosen = choose_device(name)
    if chosen.type == "cpu":
        return chosen
    local_size, num_gpus = int(environment["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    if chosen.index is not None:
        raise ConfigError(
            f"--device {name} is one GPU, and each of {local_size} processes takes its own: use --device cuda"
        )
    if local_size > num_gpus:
        raise ConfigError(
            f"{count_text(local_size, 'process')} on a machine of {count_text(num_gpus, 'GPU')}: "
            f"torchrun takes --nproc-per-node {num_gpus}"
        )
    return torch.device("cuda", int(environment["LOCAL_RANK"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """This rank and the others. Methods are collective: all ranks must call them in the same order."""

    device: torch.device
    """Of this process."""
    rank: int = 0
    size: int = 1
    local_size: int = 1
    """Processes of this host, which share its cores; they may train models of their own."""

    @property
    def is_writer(self) -> bool:
        """Whether this rank writes logs and weights."""
        return self.rank == 0

    @property
    def shard(self) -> Shard:
        """Share of an epoch that this rank reads."""
        return Shard(self.rank, self.size)

    @property
    def cpus(self) -> int:
        """Free cores of the host for this process, at least 1."""
        return max(1, free_cores() // self.local_size)

    def wait(self) -> None:
        """Wait for all ranks."""
        if self.size > 1:
            dist.all_reduce(torch.zeros(1))

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of the ranks' values, of any shape, on their device."""
        if self.size == 1:
            return value
        total = value.clone()
        dist.all_reduce(total)
        return total / self.size

    def gather(self, rows: NDArray[Float]) -> NDArray[Float]:
        """Return the rows of all ranks in order of rank; a rank may have none."""
        if self.size == 1:
            return rows
        parts: list[NDArray[Float]] = [rows] * self.size
        dist.all_gather_object(parts, rows)
        return np.concatenate(parts)

    def from_writer(self, value: T) -> T:
        """Return the writer's value, which must pickle; the others' are ignored."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def copy_buffers(self, module: nn.Module) -> None:
        """Copy the writer's buffers to all ranks: each has BatchNorm statistics of its own share."""
        if self.size > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, src=0)

    def copy_weights(self, module: nn.Module) -> None:
        """Copy the writer's weights and buffers to all ranks."""
        if self.size > 1:
            for parameter in module.parameters():
                dist.broadcast(parameter.data, src=0)
        self.copy_buffers(module)

    def synchronized(self, model: ClipModel) -> ClipModel:
        """Return the model with BatchNorm statistics over the clips of all ranks; names stay.

        Raises:
            ConfigError: the ranks compute on CPUs.
        """
        if self.size == 1:
            return model
        if self.device.type != "cuda":
            raise ConfigError(
                "sync_batchnorm needs GPUs; set it to False in the config, or train with one process"
            )
        # timm's own: torch's would drop the activation that is part of timm's layers.
        converted: ClipModel = convert_sync_batchnorm(model)
        return converted

    def averaging(self, model: ClipModel, forward: Forward) -> Forward:
        """Return a forward pass whose gradients are averaged over ranks."""
        if self.size == 1:
            return forward
        return DistributedDataParallel(
            _Called(model, forward),
            device_ids=None if self.device.index is None else [self.device.index],
            find_unused_parameters=model.has_unused_parameters,
        )

    def seed_step(self, seed: int, step: int) -> None:
        """Seed this rank's dropout by (seed, step, rank); a single process continues its random stream."""
        if self.size > 1:
            words = np.random.SeedSequence((seed, step, self.rank), spawn_key=(_STREAM,)).generate_state(2)
            torch.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


class _Called(nn.Module):
    """Module for DistributedDataParallel: the model's weights, with `forward` as the call."""

    def __init__(self, model: ClipModel, forward: Forward) -> None:
        super().__init__()
        self.model = model
        self._call = (forward,)  # in a tuple, since a module would be registered a second time

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        return self._call[0](frames_BTHW)


def without_averaging(forward: Forward) -> AbstractContextManager[None]:
    """Average no gradients within the block: further micro-batches of the step follow."""
    if isinstance(forward, DistributedDataParallel):
        return forward.no_sync()
    return nullcontext()


@contextmanager
def join_world(device: torch.device) -> Iterator[World]:
    """Connect to the other ranks that torchrun started, and yield the world of all; without torchrun, of one.

    A block that ends well waits for the last rank. After an error torchrun ends the other ranks of the host; those
    of other hosts end when their collective calls time out.
    """
    if not is_launched():
        yield World(device=device)
        return
    # A launcher that is killed cannot end its ranks.
    end_with_parent()
    use_device(device)
    # Small values and Python objects go by gloo, gradients by NCCL.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    local_size = int(os.environ["LOCAL_WORLD_SIZE"])
    world = World(rank=dist.get_rank(), size=dist.get_world_size(), local_size=local_size, device=device)
    yield world
    world.wait()
    dist.destroy_process_group()
