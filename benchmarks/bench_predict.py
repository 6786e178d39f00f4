"""How much does a row of scores cost, against a whole clip's pass and against the seed's frame-by-frame form?

    python benchmarks/bench_predict.py --json benchmarks/results/predict--NAME.json     # 7 minutes on 2 cores
    python benchmarks/bench_predict.py --device cuda --rows 256 --whole-rows 64 --json ...
    python benchmarks/bench_predict.py --experiment demo --size 112x192 --rows 32 --whole-rows 16

Stage 1 by default: EfficientNetV2-B0, clips of 15 frames, 1280x736, each with its mirror image. Frames lie in memory,
weights are random. All cases go on in the middle of a video; a row is one frame's scores:
  streaming, PRECISION           `StreamingPredictor` as it comes, in each precision that the device profits from
  frame by frame                 kept stack features, one frame at a time, float32: the seed's form (seed_streaming.py)
  whole clips                    each frame's clip through the whole network, float32, one after the other
  2D, PRECISION; 3D, PRECISION   the two halves of streaming by themselves, for a row
On a CPU each case has the thread count that it is fastest with. In float32 all give the same scores and in half
precision nearly, which is checked. The floor is counted from the layers' shapes over a matrix product and a copy that
are measured in the same run (step_floor.py).

From a file to its results on a GPU: bench_spot_file.py.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import Cost, interleave, measure, ratio, rows, show, write_as_measured, write_results
from numpy.typing import NDArray
from predict_floor import PARTS, count_row
from seed_streaming import SeedPredictor
from step_floor import measure_peaks, synchronize

from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.inference.flip_tta import mean_scores, with_flipped
from bvas.inference.precision import default_batch
from bvas.inference.prepared_model import PreparedModel
from bvas.inference.streaming import StreamingPredictor
from bvas.inference.torch_engine import TorchEngine
from bvas.models.spotting import SpottingModel, build_model
from bvas.system.compiled_function import CompiledCalls
from bvas.system.devices import choose_device
from bvas.values.luma import to_unit

BASE = "streaming, float32"
SEED = "frame by frame"
WHOLE = "whole clips"
NUM_FLIPS = 2
# What a CPU is to reach; a GPU's goals are for whole files.
GOALS = {("float32", WHOLE): 4.0, ("best", WHOLE): 5.0, ("float32", SEED): 1.4}
_POOL = 64
_EXACT, _HALF = 1e-4, 2e-2

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is timed."""

    run: Callable[[], object]
    num_rows: int
    """In one run."""


def make_model(experiment: Experiment, device: torch.device, size: tuple[int, int]) -> SpottingModel:
    """Return a model of random weights whose features are spread like those of a trained one.

    Args:
        experiment: Model, clip and labels.
        device: Where it goes.
        size: (H, W) of its pictures; at another size the features would be spread otherwise.
    """
    torch.manual_seed(0)
    clip = experiment.clip
    model = build_model(experiment.model, clip, len(experiment.task.labels)).eval()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.rand(max(1, min(8, 112 * 192 * 4 // (size[0] * size[1]))), clip.num_frames, *size))
    return model.eval().to(device)


class Video:
    """Frames without end, in memory: `_POOL` random ones again and again."""

    def __init__(self, size: tuple[int, int], num_frames: int = _POOL) -> None:
        self._frames = np.random.default_rng(0).integers(16, 236, (num_frames, *size), dtype=np.uint8)

    def frames(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return uint8 [n, H, W]."""
        return self._frames[indices % len(self._frames)]


def streaming(predictor: StreamingPredictor, video: Video) -> Callable[[int], Rows]:
    """Return a function that pushes so many frames more, and returns the rows that they give."""
    position = 0

    def advance(num: int) -> Rows:
        nonlocal position
        found = predictor.push(video.frames(np.arange(position, position + num)))
        position += num
        return found

    return advance


def frame_by_frame(predictor: SeedPredictor, video: Video) -> Callable[[int], Rows]:
    """Return the same for the seed's form; rows begin with the first clip that lies within the video."""
    numbers = count()

    def advance(num: int) -> Rows:
        found = [predictor.push(video.frames(np.array([next(numbers)]))[0]) for _ in range(num)]
        there = [row for row in found if row is not None]
        return np.stack(there) if there else np.empty((0, 0), np.float32)

    return advance


def whole_clips(model: SpottingModel, experiment: Experiment, video: Video) -> Callable[[int], Rows]:
    """Return the same for whole clips."""
    clip = experiment.clip
    device = next(model.parameters()).device
    centers = count(clip.frames_before)

    @torch.inference_mode()
    def advance(num: int) -> Rows:
        found = []
        for _ in range(num):
            center = next(centers)
            frames = video.frames(np.arange(center - clip.frames_before, center + clip.frames_after + 1))
            stored = torch.from_numpy(frames[clip.indices(clip.frames_before, len(frames))]).to(device)
            unit = with_flipped(to_unit(stored[None], ["limited"], "range"), True)
            found.append(mean_scores([model(unit)], 2).cpu().numpy())
        return np.concatenate(found)

    return advance


def part_cases(
    model: SpottingModel, size: tuple[int, int], dtype: torch.dtype, num: int, *, compiled: bool
) -> dict[str, Case]:
    """Return the halves of streaming by themselves, on batches of `num` stacks and clips, each in two views."""
    device = next(model.parameters()).device
    prepared = PreparedModel(model, dtype)
    stacks = torch.rand(num, model.clip.stack_size, *size, device=device).to(dtype)
    views = with_flipped(stacks, True).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        kept = [
            part[:, None].expand(-1, model.clip.num_stacks, -1, -1, -1).contiguous()
            for part in prepared.encode(views)
        ]

    steady = CompiledCalls(compiled, graphs=True)

    @torch.inference_mode()
    def encode() -> None:
        steady.run(prepared.encode, views, is_steady=True)
        synchronize(device)

    @torch.inference_mode()
    def score() -> None:
        steady.run(prepared.score, *kept, is_steady=True)
        synchronize(device)

    return {"2D": Case(run=encode, num_rows=num), "3D": Case(run=score, num_rows=num)}


def with_best_threads(cases: Mapping[str, Case]) -> tuple[dict[str, Case], dict[str, int]]:
    """Return the cases, each run with the thread count that it was fastest with, and those counts.

    PyTorch's own count, which OMP_NUM_THREADS bounds, is the most.
    """
    most = torch.get_num_threads()
    counts = sorted({1, max(1, most // 2), most})
    chosen: dict[str, Case] = {}
    threads: dict[str, int] = {}

    def run_with(number: int, run: Callable[[], object]) -> object:
        torch.set_num_threads(number)
        return run()

    for name, case in cases.items():
        walls: dict[int, float] = {}
        for number in counts:
            tries = [measure(lambda n=number, c=case: run_with(n, c.run))[0].wall_seconds for _ in range(2)]
            walls[number] = min(tries)
        best = threads[name] = min(walls, key=lambda number: walls[number])
        chosen[name] = replace(case, run=lambda n=best, c=case: run_with(n, c.run))
        print(
            f"{name}: " + ", ".join(f"{wall:.2f} s with {n} threads" for n, wall in walls.items()), flush=True
        )
    return chosen, threads


def check(name: str, found: Rows, expected: Rows, allowed: float) -> float:
    """Return how far rows are from those expected; too far ends the run."""
    num = min(len(found), len(expected))
    difference = float(np.abs(found[:num] - expected[:num]).max())
    if not num or difference > allowed:
        raise SystemExit(f"{name} differs by {difference} in {num} rows: nothing to compare")
    return difference


def speedups(
    costs: Mapping[str, Sequence[Cost]], num_rows: Mapping[str, int], ours: Sequence[str]
) -> list[dict[str, Any]]:
    """Return how many times as fast as each baseline streaming is, with the goal where there is one."""
    fastest = min(ours, key=lambda name: ratio(costs, name, BASE, num_rows).median)
    table = []
    for (precision, baseline), goal in GOALS.items():
        case = BASE if precision == "float32" else fastest
        times = ratio(costs, baseline, case, num_rows)
        table.append(
            {
                "case": f"{precision} against {baseline}",
                "streaming": case,
                "times_as_fast": asdict(times),
                "goal_on_a_cpu": goal,
                "cpu_times": asdict(ratio(costs, baseline, case, num_rows, cpu=True)),
            }
        )
    return table


def add_floors(
    table: Sequence[dict[str, Any]],
    model: SpottingModel,
    size: tuple[int, int],
    dtypes: Mapping[str, torch.dtype],
    threads: Mapping[str, int],
) -> None:
    """Add to the rows of streaming and its halves what they must take at least."""
    device = next(model.parameters()).device
    by_case = {row["case"]: row for row in table}
    for name, dtype in dtypes.items():
        work = count_row(model, size, num_flips=NUM_FLIPS, element_bytes=dtype.itemsize)
        if device.type == "cpu":
            torch.set_num_threads(threads[f"streaming, {name}"])
        peaks = measure_peaks(device, dtype)
        floor = {part: work[part].seconds(peaks) for part in PARTS}
        floor["streaming"] = sum(floor.values())
        for part, seconds in floor.items():
            row = by_case[f"{part}, {name}"]
            row["floor_milliseconds"] = 1000 * seconds
            row["share_of_floor"] = seconds * row["frames_per_second"]["median"]
            row["peak_operations_per_second"] = peaks.operations
            row["peak_bytes_per_second"] = peaks.num_bytes
            if part in work:
                row["work"] = asdict(work[part])


def main(argv: Sequence[str] | None = None) -> None:
    """Check, measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--experiment", default="ball_base")
    parser.add_argument("--size", type=parse_size, help="HxW instead of the experiment's")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=3, help="of a streaming case in a round")
    parser.add_argument("--whole-rows", type=int, default=1, help="of whole clips in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    device = choose_device(args.device)
    base = load_experiment(args.experiment)
    experiment = replace(base, model=replace(base.model, pretrained=False))
    size = args.size or experiment.input.size
    clip = experiment.clip
    model = make_model(experiment, device, size)
    video = Video(size)
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if device.type == "cuda":
        dtypes["float16"] = torch.float16

    cases: dict[str, Case] = {}
    differences: dict[str, float] = {}
    # A frame's stack is new in every clip, so a step of so many rows reaches the steady state of the seed's form too.
    num_checked = max(args.rows, clip.stack_size * clip.frame_step)
    advance = whole_clips(model, experiment, video)
    expected = advance(args.whole_rows)
    cases[WHOLE] = Case(run=lambda: advance(args.whole_rows), num_rows=args.whole_rows)
    seed = frame_by_frame(SeedPredictor(model, clip), video)
    differences[SEED] = check(SEED, seed(clip.span + num_checked), expected, _EXACT)
    cases[SEED] = Case(run=lambda: seed(args.rows), num_rows=args.rows)
    for name, dtype in dtypes.items():
        compiled = device.type == "cuda"
        ours = streaming(
            StreamingPredictor(TorchEngine([model], clip, dtype=dtype, compiled=compiled)), video
        )
        rows_so_far = ours(clip.span + num_checked)
        differences[f"streaming, {name}"] = check(
            f"streaming, {name}",
            rows_so_far[clip.frames_before :],
            expected,
            _EXACT if name == "float32" else _HALF,
        )
        cases[f"streaming, {name}"] = Case(run=lambda run=ours: run(args.rows), num_rows=args.rows)
        batch = default_batch(device, size, NUM_FLIPS)
        for part, case in part_cases(model, size, dtype, batch, compiled=compiled).items():
            cases[f"{part}, {name}"] = case
    print("checked", flush=True)

    threads: dict[str, int] = {}
    if device.type == "cpu":
        cases, threads = with_best_threads(cases)
    cases = {BASE: cases[BASE]} | cases
    costs = interleave({name: case.run for name, case in cases.items()}, num_rounds=args.rounds)
    num_rows = {name: case.num_rows for name, case in cases.items()}
    table = rows(costs, base=BASE, num_units=num_rows, unit="frame")
    add_floors(table, model, size, dtypes, threads)
    for row in table:
        row["threads"] = threads.get(row["case"])
        row["largest_difference"] = differences.get(row["case"])
    show(table, base=BASE, unit="frame")
    for row in table:
        if "share_of_floor" in row:
            print(
                f"{row['case']:36} {row['floor_milliseconds']:8.1f} ms floor, {row['share_of_floor']:.0%} reached"
            )
    faster = speedups(costs, num_rows, [f"streaming, {name}" for name in dtypes])
    for row in faster:
        times = row["times_as_fast"]
        print(
            f"{row['case']}: {times['median']:.2f} times as fast ({times['first_quartile']:.2f} to "
            f"{times['third_quartile']:.2f}); goal on a CPU {row['goal_on_a_cpu']:g}"
        )
    if args.json is not None:
        settings = {
            "experiment": args.experiment,
            "device": args.device,
            "size": list(size),
            "clip": [clip.num_frames, clip.frame_step],
            "views": NUM_FLIPS,
            "rows_a_round": args.rows,
            "whole_rows_a_round": args.whole_rows,
            "convolutions_may_use_tf32": torch.backends.cudnn.allow_tf32,
        }
        write_results(
            args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=[*table, *faster]
        )


if __name__ == "__main__":
    main()
