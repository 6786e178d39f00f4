"""What does augmentation cost, each change alone and as configured, against a training step and a copy?

    python benchmarks/bench_augment.py --device cuda --json benchmarks/results/augment--NAME.json
    python benchmarks/bench_augment.py --size 112x192 --batch 2 --rounds 2     # a minute on a CPU

Stage 1 by default: batches of 4 clips of 15 frames of 1280x736, float32, on the device. Cases:
  training step    Trainer.step without augmentation, in the precision and mode that the device gets: the base
  copy             the batch read once and written once: no change of every pixel is cheaper
  as configured    the experiment's probabilities; the mean over `--draws` batches of other seeds
  all at once      every change in every clip
  camera move ...  this change in every clip, no other
A change is wanted in some of the clips only, so `as configured` may cost less than a copy of the batch. The share of
a step that augmentation makes longer is the ratio to `training step`.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from harness import Cost, interleave, measure, rows, spread, write_as_measured, write_results
from step_floor import synchronize
from timed_step import make_batch, make_model
from torch import Tensor

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.system.devices import choose_device
from bvas.training.step import Trainer
from bvas.values.color import to_unit_frames

STEP, COPY, CONFIGURED, ALL = "training step", "copy", "as configured", "all at once"
SUFFIX = "_probability"
# Of gray frames.
CHANGES = [
    field.name.removesuffix(SUFFIX)
    for field in fields(AugmentConfig)
    if field.name.endswith(SUFFIX) and not field.name.startswith(("saturation", "hue"))
]


def always(config: AugmentConfig, names: Sequence[str]) -> AugmentConfig:
    """Return a config in which these changes happen to every clip and the others to none."""
    return replace(config, **{name + SUFFIX: float(name in names) for name in CHANGES})


def per_batch(work: Callable[[], object], num_batches: int, device: torch.device) -> Callable[[], Cost]:
    """Return what does the work for some batches, waits for the device, and returns the cost of one of them."""

    def batches() -> None:
        synchronize(device)
        for _ in range(num_batches):
            work()
        synchronize(device)

    def run() -> Cost:
        cost, _ = measure(batches)
        return Cost(
            wall_seconds=cost.wall_seconds / num_batches,
            cpu_seconds=max(cost.cpu_seconds / num_batches, 1e-9),
        )

    return run


def make_cases(
    experiment: Experiment, device: torch.device, num_draws: int, num_steps: int
) -> dict[str, Callable[[], Cost]]:
    """Return the cases by name."""
    host = make_batch(experiment, 0, device)
    batch = replace(host, frames=host.frames.to(device), targets=host.targets.to(device))
    frames = to_unit_frames(batch.frames, batch.forms, experiment.input.luma_scaling)
    out = torch.empty_like(frames)
    plain = replace(experiment, augment=AugmentConfig.none())
    trainer = Trainer(plain, make_model(plain, device), device, steps_per_epoch=1000)
    base_seed = count()

    def seeds() -> Tensor:
        return torch.arange(len(frames)) + next(base_seed) * len(frames)

    def changed(config: AugmentConfig, num_batches: int) -> Callable[[], Cost]:
        augment = ClipAugmenter(config)
        return per_batch(lambda: augment(frames, seeds()), num_batches, device)

    return {
        STEP: per_batch(lambda: trainer.step(batch), num_steps, device),
        COPY: per_batch(lambda: out.copy_(frames), 2 * num_steps, device),
        CONFIGURED: changed(experiment.augment, num_draws),
        ALL: changed(always(experiment.augment, CHANGES), num_steps),
        **{
            name.replace("_", " "): changed(always(experiment.augment, [name]), num_steps) for name in CHANGES
        },
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--experiment", default="ball_base")
    parser.add_argument("--size", type=parse_size, help="HxW instead of the experiment's")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--draws", type=int, default=16, help="batches of other seeds in a round")
    parser.add_argument("--steps", type=int, default=2, help="of the other cases in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    device = choose_device(args.device)
    base = load_experiment(args.experiment)
    experiment = replace(
        base,
        input=replace(base.input, size=args.size or base.input.size),
        model=replace(base.model, pretrained=False),
        train=replace(base.train, batch_size=args.batch, accumulation_steps=1),
    )
    cases = make_cases(experiment, device, args.draws, args.steps)
    costs = interleave(cases, num_rounds=args.rounds)
    table: list[dict[str, Any]] = rows(costs, base=STEP, num_units=args.batch, unit="clip")
    print(f"{'case':16} {'ms/batch':>9} {'of a step':>22} {'x copy':>8}")
    for row in table:
        times = [cost.wall_seconds for cost in costs[row["case"]]]
        copies = [cost.wall_seconds for cost in costs[COPY]]
        row["times_copy"] = asdict(spread([a / b for a, b in zip(times, copies, strict=True)]))
        row["milliseconds"] = asdict(spread([1000 * seconds for seconds in times]))
        ratio = row["wall_ratio"]
        print(
            f"{row['case']:16} {row['milliseconds']['median']:9.2f} {ratio['median']:8.3f} "
            f"({ratio['first_quartile']:.3f} to {ratio['third_quartile']:.3f}) {row['times_copy']['median']:8.1f}"
        )
    if args.json:
        settings = {
            "experiment": args.experiment,
            "size": list(experiment.input.size),
            "frames": experiment.clip.num_frames,
            "batch": args.batch,
            "draws": args.draws,
            "device": str(device),
            "threads": torch.get_num_threads(),
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
