"""What does each engine cost on a CPU, by part of the model, alone and beside two busy processes?

    export OMP_WAIT_POLICY=PASSIVE     # as every command sets it
    python benchmarks/bench_engines.py --json benchmarks/results/engines--NAME.json     # 6 minutes on 2 cores
    python benchmarks/bench_engines.py --layouts demo --demo demo --json ...            # with the demo's mAP in int8

Parts are those of streaming: 2D encodes stacks, 3D scores clips, in batches as prediction has them, each with its
mirror image. Weights are random. PyTorch, ONNX Runtime and OpenVINO compute the same graph in float32, checked against
PyTorch. `int8` is the 2D part on ONNX Runtime as `bvas weights export --int8` makes it, calibrated on random stacks:
its time counts here. What it costs in scores is a row of --demo: the league and the model that `bvas demo --out demo`
left, calibrated on matches of training, scored on the match that training never saw.

Quiet there is a thread for each core; beside the busy processes as many as cores are free, as prediction has it.
CPU seconds are those of this process. The floor, with all threads, is that of bench_predict.py, in float32.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_load import NUM_BUSY, busy
from bench_predict import NUM_FLIPS, make_model
from harness import Cost, interleave, rows, show, write_as_measured, write_results
from numpy.typing import NDArray
from predict_floor import count_row
from step_floor import measure_peaks

from bvas.data.matches import annotated_halves, find_matches
from bvas.experiment.experiment import load_experiment
from bvas.inference.model_parts import PARTS, ExportablePart
from bvas.inference.precision import default_batch
from bvas.inference.prepared_model import PreparedModel
from bvas.inference.spot_video import spot_video
from bvas.metrics.official import official_scores
from bvas.onnx.export import export_onnx
from bvas.onnx.int8 import quantized
from bvas.onnx.spotter import load_onnx_spotter
from bvas.system.cpu_cores import num_cpus
from bvas.system.devices import EngineName
from bvas.system.openvino_session import graph_session

CPU = torch.device("cpu")
ENGINES: tuple[EngineName, ...] = ("torch", "onnxruntime", "openvino")
INT8 = "int8, onnxruntime"
MOST_MAP_LOSS = 0.01
_FOLD = 0


def case(run: Callable[..., object], examples: Sequence[torch.Tensor]) -> Callable[[], Cost]:
    """Return what runs once, and tells what it took in this process."""

    @torch.inference_mode()
    def timed() -> Cost:
        wall, cpu = time.perf_counter(), time.process_time()
        run(*examples)
        return Cost(wall_seconds=time.perf_counter() - wall, cpu_seconds=time.process_time() - cpu)

    return timed


def cases_of(part: ExportablePart, table: list[dict[str, Any]]) -> dict[str, Callable[[], Cost]]:
    """Return the part on each engine, each checked; rows of engines that are not there go into the table."""
    examples = part.examples()
    cases: dict[str, Callable[[], Cost]] = {}
    for engine in ENGINES:
        if engine != "torch" and not find_spec(engine):
            table.append({"case": engine, "part": part.name, "not_run": "not installed"})
            continue
        started = time.perf_counter()
        run = part.on(engine)
        run(*examples)
        if getattr(run, "is_refused", False):
            raise SystemExit(
                f"{engine} does not compute the {part.name} part as PyTorch does: nothing to compare"
            )
        cases[engine] = case(run, examples)
        print(f"{part.name} on {engine}: ready after {time.perf_counter() - started:.1f} s", flush=True)
    if part.name == "2D":
        graph = quantized(part.graph, [examples[0].numpy()])
        session = graph_session(graph, "onnxruntime")
        name = session.inputs[0].name
        cases[INT8] = case(lambda pictures: session.run({name: pictures.numpy()}), examples)
    return cases


def measure_layout(name: str, num_rounds: int) -> list[dict[str, Any]]:
    """Return the rows of an experiment's layout."""
    base = load_experiment(name)
    experiment = replace(base, model=replace(base.model, pretrained=False))
    size = experiment.input.size
    model = make_model(experiment, CPU, size)
    batch = default_batch(CPU, size, NUM_FLIPS)
    table: list[dict[str, Any]] = []
    prepared = PreparedModel(model)
    parts = {part: ExportablePart(prepared, part, NUM_FLIPS * batch, size) for part in PARTS}
    work = count_row(model, size, num_flips=NUM_FLIPS, element_bytes=4)
    for load, num_busy in (("quiet", 0), (f"beside {NUM_BUSY} busy processes", NUM_BUSY)):
        # As prediction has them, by the cores that are free; children of this process do not count as load there.
        threads = max(1, num_cpus() - num_busy)
        os.environ["OMP_NUM_THREADS"] = str(threads)
        torch.set_num_threads(threads)
        if not num_busy:
            peaks = measure_peaks(CPU, torch.float32)
        for name_of_part, part in parts.items():
            cases = cases_of(part, table)
            with busy(num_busy):
                costs = interleave(cases, num_rounds=num_rounds)
            found = rows(costs, base="torch", num_units=batch, unit="row")
            floor = work[name_of_part].seconds(peaks)
            print(f"{name} {size[0]}x{size[1]}, {name_of_part}, {load}; floor {1000 * floor:.1f} ms a row")
            show(found, base="torch", unit="row")
            for row in found:
                row["share_of_floor"] = floor * row["rows_per_second"]["median"]
                row |= {
                    "part": name_of_part,
                    "load": load,
                    "threads": threads,
                    "floor_milliseconds": 1000 * floor,
                }
                print(f"{row['case']:36} {row['share_of_floor']:.0%} of the floor")
            add_verdict(found)
            table += found
    return [{"layout": name, "size": list(size), "batch": batch, **row} for row in table]


def add_verdict(found: Sequence[dict[str, Any]]) -> None:
    """Say in the row of int8 whether it is faster than each engine in float32."""
    others = [row for row in found if row["case"] != INT8]
    fastest = min(others, key=lambda row: row["wall_ratio"]["median"])
    for row in found:
        if row["case"] == INT8:
            row["is_faster"] = row["wall_ratio"]["median"] < fastest["wall_ratio"]["median"]
            says = "faster" if row["is_faster"] else "NOT faster"
            print(f"int8 is {says} than {fastest['case']}, the fastest in float32")


def measure_demo(demo: Path, runs: Path) -> list[dict[str, Any]]:
    """Return the demo's mAP@1 by its export in float32 and in int8, on the match that training never saw."""
    experiment = load_experiment("demo")
    matches = find_matches(experiment.task, demo / "data")
    halves = {
        is_unseen: [
            half
            for match in matches
            if match.fold is not None and (match.fold == _FOLD) == is_unseen
            for half in annotated_halves(match, experiment.task)
        ]
        for is_unseen in (False, True)
    }
    table: list[dict[str, Any]] = []
    curves: list[NDArray[np.float32]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, videos in (("float32", []), ("int8", [half.path for half, _ in halves[False]][:4])):
            out = Path(scratch, name)
            export_onnx(experiment, runs, [_FOLD], out, int8_videos=videos)
            spotter = load_onnx_spotter(out, device="cpu")
            found = [spot_video(half.path, spotter) for half, _ in halves[True]]
            spots = [video.spots for video in found]
            truth = [annotations for _, annotations in halves[True]]
            official = official_scores(truth, spots, experiment.task.labels, rate=experiment.input.rate)
            curves.append(np.concatenate([video.curve.scores for video in found]))
            row: dict[str, Any] = {"case": f"demo, {name}", "official_map_at_1": official.mean}
            if table:
                row["map_difference"] = official.mean - table[0]["official_map_at_1"]
                row["is_within_bounds"] = abs(row["map_difference"]) <= MOST_MAP_LOSS
                differences = np.abs(curves[1] - curves[0])
                row["mean_score_difference"] = float(differences.mean())
                row["largest_score_difference"] = float(differences.max())
                assert spotter.model.settings.int8 is not None
                row["measured_at_export"] = asdict(spotter.model.settings.int8)
            table.append(row)
            print(row, flush=True)
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Check, measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layouts", nargs="+", default=["ball_base", "demo"], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--demo", type=Path, help="what `bvas demo --out` wrote: adds its mAP in int8")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the demo's model is")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")
    table = [row for name in args.layouts for row in measure_layout(name, args.rounds)]
    if args.demo is not None:
        table += measure_demo(args.demo, args.runs)
    if args.json is not None:
        packages = {name: find_spec(name) is not None for name in ENGINES}
        settings = {
            "flips": NUM_FLIPS,
            "installed": packages,
            "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY"),
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
