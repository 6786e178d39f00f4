"""The processes that train one model together: each with its share of every batch, gradients averaged.

`torchrun` starts them, one for each GPU, and tells each its place (`Placement`). They step together, so what one
waits for, all others have to do: everything here that speaks to others says so. `bvas/training/heartbeat.py` ends
all when one is gone.
"""

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
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel

from bvas.errors import ConfigError, WorkerError
from bvas.loading.rank_shards import Shard
from bvas.models.spotting import SpottingModel
from bvas.system.devices import choose_device, num_cpus, use_device
from bvas.training.compile import Forward
from bvas.training.heartbeat import Heartbeat
from bvas.values.plural import count_text

_TIMEOUT = timedelta(minutes=30)
"""Longest wait for the others. One that is gone is noticed by the heartbeat long before; this is for one that
is there and does nothing, and has to be longer than whatever rank 0 does by itself."""
_SECONDS_TO_HEAR = 5.0
"""Until a connection that broke is explained by who ended."""
_STREAM = 3
"""Spawn key of the random streams of the ranks' steps, apart from those of the loader's samples and plans."""

T = TypeVar("T")
Float = TypeVar("Float", bound=np.floating)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What `torchrun` tells a process of its place among the others."""

    rank: int
    """Among all, from 0."""
    size: int
    """Processes on all hosts."""
    local_rank: int
    """Among those of this host, from 0: its GPU."""
    local_size: int
    """Processes on this host."""
    address: str
    """Host where they meet."""
    port: int
    """Port where they meet."""
    store_is_there: bool
    """The launcher keeps the store in which they meet; else rank 0 does."""

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "Placement | None":
        """Return the place that `torchrun` wrote into the environment; None where it did not, or for a process alone.

        Raises:
            ConfigError: some of its variables are there, and not all.
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        if "RANK" not in environment or environment.get("WORLD_SIZE", "1") == "1":
            return None
        missing = [name for name in names if name not in environment]
        if missing:
            raise ConfigError(
                f"RANK and WORLD_SIZE are set, and {', '.join(missing)} not: start several processes by torchrun, "
                "which sets all of them, or unset these two for one process"
            )
        return Placement(
            rank=int(environment["RANK"]),
            size=int(environment["WORLD_SIZE"]),
            local_rank=int(environment["LOCAL_RANK"]),
            local_size=int(environment["LOCAL_WORLD_SIZE"]),
            address=environment["MASTER_ADDR"],
            port=int(environment["MASTER_PORT"]),
            store_is_there=environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        )

    def choose_device(self, name: str) -> torch.device:
        """Return the device of this process for `auto`, `cpu` or `cuda`: of several GPUs its own.

        Raises:
            ConfigError: a GPU is named by number, or there are fewer of them than processes on this host.
        """
        chosen = choose_device(name)
        if chosen.type == "cpu":
            return chosen
        if chosen.index is not None:
            raise ConfigError(
                f"--device {name} is one GPU, and each of {self.local_size} processes takes its own: use --device cuda"
            )
        there = torch.cuda.device_count()
        if self.local_size > there:
            raise ConfigError(
                f"{count_text(self.local_size, 'process')} on a machine of {count_text(there, 'GPU')}: "
                f"torchrun takes --nproc-per-node {there}"
            )
        return torch.device("cuda", self.local_rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """This process and the others. Every method but the properties has to be called by all ranks alike."""

    rank: int
    size: int
    local_size: int
    """Processes that share this host's cores."""
    device: torch.device
    """Of this process."""

    @staticmethod
    def single(device: torch.device, sharing: int = 1) -> "World":
        """Return a world of this process alone, beside which others that it knows nothing of share the cores."""
        return World(rank=0, size=1, local_size=sharing, device=device)

    @property
    def is_writer(self) -> bool:
        """Whether this process writes logs and weights: one of them does."""
        return self.rank == 0

    @property
    def shard(self) -> Shard:
        """The share of an epoch that is this process's."""
        return Shard(self.rank, self.size)

    @property
    def cpus(self) -> int:
        """Its share of this host's cores."""
        return max(1, num_cpus() // self.local_size)

    def wait(self) -> None:
        """Return when all ranks have come here."""
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
        """Return the rows of all ranks, those of rank 0 first; a rank may have none."""
        if self.size == 1:
            return rows
        parts: list[NDArray[Float]] = [rows] * self.size
        dist.all_gather_object(parts, rows)
        return np.concatenate(parts)

    def from_writer(self, value: T) -> T:
        """Return the writer's value, which travels pickled; the others' are dropped."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def copy_buffers(self, module: nn.Module) -> None:
        """Give all ranks the writer's buffers: each has BatchNorm statistics of its own share."""
        if self.size > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, src=0)

    def copy_weights(self, module: nn.Module) -> None:
        """Give all ranks the writer's weights and buffers."""
        if self.size > 1:
            for parameter in module.parameters():
                dist.broadcast(parameter.data, src=0)
        self.copy_buffers(module)

    def synchronized(self, model: SpottingModel) -> SpottingModel:
        """Return the model with BatchNorm statistics over the clips of all ranks, under the same names.

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
        converted: SpottingModel = convert_sync_batchnorm(model)
        return converted

    def averaging(self, model: SpottingModel, forward: Forward) -> Forward:
        """Return `forward`, the way to call the model in training, so that gradients are averaged over ranks."""
        if self.size == 1:
            return forward
        return DistributedDataParallel(
            _Called(model, forward),
            device_ids=None if self.device.index is None else [self.device.index],
            # Some of timm's encoders keep the layers behind the map that is taken.
            find_unused_parameters=model.config.feature_level != -1,
        )

    def seed_step(self, seed: int, step: int) -> None:
        """Let this rank's dropout of a step follow from (seed, step, rank); alone, draws go on as they were."""
        if self.size > 1:
            words = np.random.SeedSequence((seed, step, self.rank), spawn_key=(_STREAM,)).generate_state(2)
            torch.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


class _Called(nn.Module):
    """What DistributedDataParallel wraps: a module for the weights, a function for the call."""

    def __init__(self, model: SpottingModel, forward: Forward) -> None:
        super().__init__()
        self.model = model
        self._call = (forward,)  # a tuple: were it a module, it would be registered a second time

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        return self._call[0](frames_BTHW)


def without_averaging(forward: Forward) -> AbstractContextManager[None]:
    """Keep gradients to this rank for the block, where more of the same step are to come."""
    if isinstance(forward, DistributedDataParallel):
        return forward.no_sync()
    return nullcontext()


@contextmanager
def join_world(placement: Placement | None, device: torch.device) -> Iterator[World]:
    """Meet the other processes, and yield the world of all; without a placement, or with one process, of one.

    When the block ends well all wait for the last one. When it ends in an error, or this process is ended,
    all others end within seconds, whatever they wait for.

    Raises:
        WorkerError: another process ended; the message says which and why.
    """
    if placement is None or placement.size == 1:
        yield World.single(device)
        return
    use_device(device)
    heart = Heartbeat(_meet(placement), placement.rank, placement.size)
    heart.start()
    try:
        # Small things and Python values go by gloo, gradients by nccl.
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            store=_meet(placement),
            rank=placement.rank,
            world_size=placement.size,
            timeout=_TIMEOUT,
        )
        world = World(
            rank=placement.rank, size=placement.size, local_size=placement.local_size, device=device
        )
        yield world
        world.wait()
    except BaseException as error:
        if isinstance(error, RuntimeError):
            # The likeliest reason for what torch says of its connections.
            reason = heart.reason(_SECONDS_TO_HEAR)
            if reason is not None:
                raise WorkerError(f"rank {placement.rank} ends because {reason}") from error
        what = "was interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error}"
        heart.announce(f"rank {placement.rank} {what}")
        raise
    heart.stop()
    dist.destroy_process_group()


def _meet(placement: Placement) -> TCPStore:
    return TCPStore(
        placement.address,
        placement.port,
        placement.size,
        is_master=placement.rank == 0 and not placement.store_is_there,
        timeout=_TIMEOUT,
        wait_for_workers=False,
        multi_tenant=True,
    )
