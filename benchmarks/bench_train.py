"""How long is a training step, what is it spent on, and how far is it from what the device could do?

    python benchmarks/bench_train.py --device cuda --json benchmarks/results/train--NAME.json
    python benchmarks/bench_train.py --size 112x192 --batch 2 --rounds 2       # a minute on a CPU

Stage 1 by default: clips of 15 frames of 1280x736. For each batch size, cases are mode and precision:
  eager, compiled                  as the trainer calls the model: compiled for the batch's shape, or not
  float32, bfloat16, float16       autocast; float32 convolutions may use TF32 where PyTorch lets them (settings)
A round is `--steps` steps of each case, of the same clips. A step has the trainer's parts, with the clock between:
  loading        the batch from host memory to the device, as the loader does after decoding
  augmentation   luma to [0, 1] and the experiment's random changes
  forward        model and loss
  backward
  optimizer      with the gradient scaler and the averaged weights
`Trainer.step` is a case of its own: the parts together must come to about as much. It and `--loading` (an epoch of
ClipLoader over videos made for it, random clips) run in the precision that the experiment takes. `--loading` tells
the share of an epoch that is spent waiting for clips; bench_epoch.py compares whole epochs.

The floor of each part is counted from the layers' shapes (step_floor.py), over a matrix product and a copy that are
measured in the same run. Weights start random.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Cost, interleave, rows, spread, write_as_measured, write_results
from short_epoch import LABELS
from step_floor import Peaks, Work, count_step, measure_peaks, scaled, synchronize
from timed_step import PARTS, TimedStep, make_batch, make_model
from waiting_share import waiting_row

from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.loading.clip_batch import ClipBatch
from bvas.system.devices import autocast_dtype, choose_device
from bvas.training.step import Trainer

TRAINER = "Trainer.step"


@dataclass(frozen=True, slots=True)
class Case:
    """What is timed, and where the parts' times of each step go."""

    name: str
    dtype: torch.dtype | None
    step: TimedStep | None
    """None for the trainer's own."""
    run: Callable[[], Cost]
    parts: list[list[float]]


def make_case(
    experiment: Experiment, device: torch.device, mode: str, precision: str, batches: Sequence[ClipBatch]
) -> Case:
    """Return a case; its first run, which compiles and takes the memory, has been done."""
    dtype = autocast_dtype(device, precision)  # type: ignore[arg-type]
    timed = TimedStep(experiment, device, dtype, compiled=mode == "compiled")
    parts: list[list[float]] = []

    def run() -> Cost:
        found = [timed.step(batch) for batch in batches]
        parts.append(np.mean(found, axis=0).tolist())
        seconds = sum(parts[-1])
        return Cost(wall_seconds=seconds, cpu_seconds=seconds)

    return Case(f"{mode} {precision}", dtype, timed, run, parts)


def make_trainer_case(experiment: Experiment, device: torch.device, batches: Sequence[ClipBatch]) -> Case:
    """Return the trainer's own step, on batches that lie on the device."""
    model = make_model(experiment, device)
    trainer = Trainer(experiment, model, device, steps_per_epoch=1000)
    there = [
        replace(batch, frames=batch.frames.to(device), targets=batch.targets.to(device)) for batch in batches
    ]

    def run() -> Cost:
        synchronize(device)
        start = time.perf_counter()
        for batch in there:
            trainer.step(batch)
        synchronize(device)
        seconds = (time.perf_counter() - start) / len(there)
        return Cost(wall_seconds=seconds, cpu_seconds=seconds)

    return Case(TRAINER, trainer.autocast_dtype, None, run, [])


def peak_bytes(case: Case, device: torch.device) -> int | None:
    """Run a case once and return the memory that its step took beyond what was taken before; None on a CPU."""
    if device.type != "cuda":
        case.run()
        return None
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    case.run()
    synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def floors(experiment: Experiment, device: torch.device, dtype: torch.dtype | None) -> dict[str, Work]:
    """Return what each part of a step has to do."""
    model = make_model(experiment, device).eval()
    num = experiment.train.batch_size
    frames = torch.zeros(1, experiment.clip.num_frames, *experiment.input.size, device=device)
    work = scaled(count_step(model, frames, 4 if dtype is None else dtype.itemsize), num)
    # Luma is read once as bytes, and the changed clip written once in float32.
    work["augmentation"] = Work(operations=0.0, num_bytes=float(num * frames.numel() * 5))
    return work


def case_row(
    row: dict[str, Any], case: Case, work: dict[str, Work], peaks: Peaks, memory: int | None
) -> dict[str, Any]:
    """Return a row with the parts of its step, and their floors."""
    floor = {name: part.seconds(peaks) for name, part in work.items()}
    total = sum(floor.values())
    step = 1 / row["clips_per_second"]["median"]
    row |= {
        "step_milliseconds": 1000 * step,
        "memory_bytes": memory,
        "peak_operations_per_second": peaks.operations,
        "peak_bytes_per_second": peaks.num_bytes,
        "floor_milliseconds": 1000 * total,
        "times_floor": step / total,
        "work": {name: asdict(part) for name, part in work.items()},
    }
    # The first of the runs is the one that does not count.
    counted = np.array(case.parts[-row["rounds"] :])
    if case.step is not None:
        shares = counted / counted.sum(axis=1, keepdims=True)
        row["parts"] = {
            name: {
                "share": asdict(spread(shares[:, number].tolist())),
                "milliseconds": asdict(spread((1000 * counted[:, number]).tolist())),
                "floor_milliseconds": 1000 * floor[name] if name in floor else None,
            }
            for number, name in enumerate(PARTS)
        }
    return row


def measure_batch(
    experiment: Experiment, device: torch.device, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return the rows of one batch size."""
    batches = [make_batch(experiment, seed, device) for seed in range(args.steps)]
    cases: dict[str, Case] = {}
    memory: dict[str, int | None] = {}
    table: list[dict[str, Any]] = []
    makers: list[tuple[str, Callable[[], Case]]] = [
        (f"{mode} {precision}", lambda m=mode, p=precision: make_case(experiment, device, m, p, batches))
        for mode in args.modes
        for precision in args.precisions
    ]
    makers.append((TRAINER, lambda: make_trainer_case(experiment, device, batches)))
    for name, make in makers:
        try:
            started = time.perf_counter()
            case = make()
            memory[name] = peak_bytes(case, device)
            print(
                f"batch {experiment.train.batch_size}, {name}: ready after {time.perf_counter() - started:.0f} s"
            )
            cases[name] = case
        except torch.cuda.OutOfMemoryError as error:
            table.append({"case": name, "not_run": str(error).splitlines()[0]})
    if not cases:
        return table
    costs = interleave({name: case.run for name, case in cases.items()}, num_rounds=args.rounds)
    base = next(iter(cases))
    # A run of a case is a step here: the costs are those of one.
    found = rows(costs, base=base, num_units=1, unit="clip")
    dtypes = {case.dtype for case in cases.values()}
    work = {dtype: floors(experiment, device, dtype) for dtype in dtypes}
    peaks = {dtype: measure_peaks(device, dtype or torch.float32) for dtype in dtypes}
    for row in found:
        name = row["case"]
        dtype = cases[name].dtype
        table.append(case_row(row, cases[name], work[dtype], peaks[dtype], memory[name]))
    for row in table:
        row["batch"] = experiment.train.batch_size
    show_rows(table, base)
    return table


def show_rows(table: Sequence[dict[str, Any]], base: str) -> None:
    """Print a line a case."""
    print(
        f"{'batch':>5} {'case':20} {'ms':>8} {'/ ' + base:>18} {'floor ms':>9} {'x floor':>8} {'GB':>6}  parts, %"
    )
    for row in table:
        if "not_run" in row:
            print(f"{row['batch']:5} {row['case']:20} not run: {row['not_run']}")
            continue
        parts = row.get("parts", {})
        shares = ", ".join(f"{name} {100 * part['share']['median']:.1f}" for name, part in parts.items())
        memory = "" if row["memory_bytes"] is None else f"{row['memory_bytes'] / 1e9:.1f}"
        print(
            f"{row['batch']:5} {row['case']:20} {row['step_milliseconds']:8.1f} "
            f"{row['wall_ratio']['median']:18.2f} {row['floor_milliseconds']:9.2f} {row['times_floor']:8.1f} "
            f"{memory:>6}  {shares}"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--experiment", default="ball_base")
    parser.add_argument("--size", type=parse_size, help="HxW instead of the experiment's")
    parser.add_argument("--batch", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--modes", nargs="+", choices=["eager", "compiled"], help="default: both on a GPU")
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=["float32", "bfloat16", "float16"],
        help="default: all on a GPU, float32 on a CPU",
    )
    parser.add_argument("--steps", type=int, default=3, help="in a round of a case")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loading", action="store_true", help="measure the share of waiting too")
    parser.add_argument("--loading-steps", type=int, default=40)
    parser.add_argument("--loading-frames", type=int, default=1500, help="of each of two videos")
    parser.add_argument(
        "--workers", default="auto", type=lambda text: "auto" if text == "auto" else int(text)
    )
    parser.add_argument("--videos", type=Path, help="folder that keeps the videos")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    device = choose_device(args.device)
    on_gpu = device.type == "cuda"
    args.modes = args.modes or (["eager", "compiled"] if on_gpu else ["eager"])
    args.precisions = args.precisions or (["float32", "bfloat16", "float16"] if on_gpu else ["float32"])
    base = load_experiment(args.experiment)
    table: list[dict[str, Any]] = []
    size = args.size or base.input.size
    for num_clips in args.batch:
        experiment = replace(
            base,
            task=replace(base.task, labels=LABELS),
            input=replace(base.input, size=size),
            model=replace(base.model, pretrained=False),
            train=replace(base.train, batch_size=num_clips, accumulation_steps=1, start_from=""),
        )
        table += measure_batch(experiment, device, args)
        if args.loading:
            row = waiting_row(
                experiment,
                device,
                num_steps=args.loading_steps,
                num_frames=args.loading_frames,
                num_epochs=args.rounds,
                workers=args.workers,
                folder=args.videos,
            )
            share = row["waiting_share"]["median"]
            print(f"waiting for clips, of an epoch of {row['clips_in_an_epoch']}: {100 * share:.1f} %")
            table.append(row)
    if args.json:
        settings = {
            "experiment": args.experiment,
            "size": list(size),
            "frames": base.clip.num_frames,
            "steps_a_round": args.steps,
            "device": str(device),
            "threads": torch.get_num_threads(),
            "convolutions_may_use_tf32": torch.backends.cudnn.allow_tf32,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
