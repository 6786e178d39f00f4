"""One of two processes on one GPU: a training step on its share of a batch, BatchNorm over both shares.

python synchronized_program.py RANK STORE WEIGHTS
"""

import sys
from dataclasses import replace

import torch
import torch.distributed as dist
from tiny import tiny_experiment

from bvas.augment.config import AugmentConfig
from bvas.experiment.experiment import Experiment, TrainConfig
from bvas.loading.clip_batch import ClipBatch
from bvas.models.spotting import build_model
from bvas.training.distributed import World
from bvas.training.step import Trainer

NUM_CLIPS = 4
SHARES = (slice(0, 1), slice(1, 4))


def experiment() -> Experiment:
    """Return one in which BatchNorm's statistics are all that could differ between a share and the whole."""
    tiny = tiny_experiment()
    train = TrainConfig(
        batch_size=NUM_CLIPS,
        warmup_epochs=0,
        optimizer="sgd",
        learning_rate=0.1,
        precision="float32",
        sync_batchnorm=True,
    )
    return replace(tiny, model=replace(tiny.model, drop_rate=0.0), augment=AugmentConfig.none(), train=train)


def weights_after_a_step(world: World, share: slice) -> dict[str, torch.Tensor]:
    """Return weights and buffers after a step on a share of the same four clips."""
    torch.manual_seed(0)
    config = experiment()
    model = build_model(config.model, config.clip, 2).to(world.device)
    frames = torch.randint(0, 256, (NUM_CLIPS, 6, 64, 96), dtype=torch.uint8)
    targets = torch.randint(0, 2, (NUM_CLIPS, 2)).float()
    # Clips of different brightness: their statistics differ.
    frames = frames // torch.tensor([1, 2, 3, 4], dtype=torch.uint8).reshape(4, 1, 1, 1)
    num_own = len(frames[share])
    batch = ClipBatch(
        frames=frames[share].to(world.device),
        targets=targets[share].to(world.device),
        video_ids=torch.zeros(num_own, dtype=torch.int64),
        centers=torch.zeros(num_own, dtype=torch.int64),
        forms=("limited",) * num_own,
        seeds=torch.zeros(num_own, dtype=torch.int64),
        num_total=None if world.size == 1 else NUM_CLIPS,
    )
    model = world.synchronized(model)
    Trainer(config, model, world.device, 10, world).step(batch)
    return {name: value.cpu() for name, value in model.state_dict().items()}


if __name__ == "__main__":
    rank = int(sys.argv[1])
    torch.backends.cudnn.allow_tf32 = False
    # NCCL refuses two processes on one GPU; gloo takes the GPU's tensors as well.
    dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
    world = World(rank=rank, size=2, local_size=2, device=torch.device("cuda", 0))
    weights = weights_after_a_step(world, SHARES[rank])
    if rank == 0:
        torch.save(weights, sys.argv[3])
    world.wait()
    dist.destroy_process_group()
