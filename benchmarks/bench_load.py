"""How much CPU time do spotting and training take beside busy processes and quiet, against an earlier checkout?

    git worktree add FOLDER bda52f9
    python benchmarks/bench_load.py --before FOLDER --json benchmarks/results/load--NAME.json

Whole commands run in turn, each as a process of its own, quiet and beside two processes that never pause:
  before            the command in the earlier checkout
  now               in this one
  now, one thread   in this one, with OMP_NUM_THREADS=1
`spot` is `bvas spot` with ball_base's layout and random weights on a 1280x720 file; all results are compared with those
of `before`. Before the rounds `now` measures engines and exports graphs, as it does once for a model. `train` is `bvas
train` of the demo with fewer epochs, on synthetic matches that this makes. `demo` is the whole of `bvas demo`.
CPU seconds are those of the command and of all that it started, as the system reports them when it ends; needs Linux.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from harness import Cost, note_measured, spread, write_as_measured, write_results
from videos import kept_video

from bvas.system.text_files import read_json

HERE = Path(__file__).parents[1]
SIZE = (720, 1280)
MOST_DIFFERENCE = 1e-4
NUM_BUSY = 2
CASES = ("before", "now", "now, one thread")

# Both checkouts must be able to run these two.
_WEIGHTS = """
import sys
from pathlib import Path
import torch
from bvas import build_model, load_experiment
try:
    from bvas.experiment.checkpoint import save_checkpoint
except ImportError:
    from bvas.checkpoint import save_checkpoint

experiment = load_experiment("ball_base")
torch.manual_seed(0)
model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
path = Path(sys.argv[1]) / experiment.name / "fold_0" / "model.safetensors"
path.parent.mkdir(parents=True)
save_checkpoint(path, model.state_dict(), experiment, {})
"""
# As for a long video: engines are measured, and graphs exported.
_WARM_UP = """
import sys
from pathlib import Path
from bvas import load_spotter

load_spotter("ball_base", Path(sys.argv[1]), device="cpu").predictor(num_rows=10**6)
"""
_CONFIG = """
from dataclasses import replace
from bvas import load_experiment

def experiment():
    demo = load_experiment("demo")
    sampling = replace(demo.sampling, clips_per_epoch=demo.sampling.clips_per_epoch // PART)
    return replace(demo, name="demo_short", sampling=sampling, train=replace(demo.train, epochs=EPOCHS))
"""


def run(checkout: Path, *words: str | Path, threads: int | None = None) -> Cost:
    """Run one command of a checkout, or a Python program that is given behind `-c`; return its cost.

    Raises:
        SystemExit: it fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    environment.pop("OMP_NUM_THREADS", None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    program = [sys.executable, "-P", *(() if words[0] == "-c" else ("-m", "bvas")), *map(str, words)]
    started = time.perf_counter()
    # Not in the checkout's folder: its configs would be found there by name, and others in the other.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            program, env=environment, stdout=said, stderr=said, cwd=tempfile.gettempdir()
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(program[2:])[:200]} failed:\n{said.read().decode()[-2000:]}")
    wall = time.perf_counter() - started
    return Cost(wall_seconds=wall, cpu_seconds=used.ru_utime + used.ru_stime)


@contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep so many processes busy."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def spot(checkout: Path, video: Path, work: Path, out: Path, threads: int | None) -> Cost:
    """Spot a video with random weights, into a new folder."""
    shutil.rmtree(out, ignore_errors=True)
    return run(
        checkout,
        *("spot", video, "--experiment", "ball_base", "--runs", work / "runs", "--out", out),
        *("--quiet", "--device", "cpu"),
        threads=threads,
    )


def difference(one: Path, other: Path) -> tuple[float, bool]:
    """Return the largest difference of two runs' scores, and whether their spots are the same.

    With random weights scores are nearly alike, and the last bits decide about spots.

    Raises:
        SystemExit: it is too large.
    """
    curves = [np.load(next(folder.glob("*_scores.npz")))["scores"] for folder in (one, other)]
    largest = float(np.abs(curves[0] - curves[1]).max())
    spots = []
    for folder in (one, other):
        with (folder / "spots.csv").open(newline="") as file:
            spots.append([(row["seconds"], row["label"]) for row in csv.DictReader(file)])
    if largest > MOST_DIFFERENCE:
        raise SystemExit(f"{one} and {other} differ: scores by {largest:.1e}")
    return largest, spots[0] == spots[1]


def compare(
    name: str,
    cases: Sequence[tuple[str, Any]],
    *,
    beside: int,
    num_rounds: int,
    warm_up: Callable[[], object] | None = None,
) -> list[dict[str, Any]]:
    """Run cases in turn and return a row each: its costs, and their ratios to each other within the rounds."""
    costs: dict[str, list[Cost]] = {case: [] for case, _ in cases}
    with busy(beside):
        if warm_up is not None:
            warm_up()
        for number in range(num_rounds):
            for case, work in (*cases[number % len(cases) :], *cases[: number % len(cases)]):
                cost = work()
                costs[case].append(cost)
                note_measured(what=name, case=case, beside=beside, round=number + 1, **asdict(cost))
    table = []
    for case, runs in costs.items():
        row: dict[str, Any] = {"what": name, "case": case, "busy_processes": beside, "rounds": len(runs)}
        for kind in ("cpu_seconds", "wall_seconds"):
            values = [getattr(cost, kind) for cost in runs]
            row[kind], row[f"{kind}_against"] = _spread(values), {}
            for other in costs:
                if other != case:
                    ratios = [one / getattr(two, kind) for one, two in zip(values, costs[other], strict=True)]
                    row[f"{kind}_against"][other] = _spread(ratios)
        print(
            f"{name:6} beside {beside}  {case:16} CPU {row['cpu_seconds']['median']:7.1f} s  wall "
            f"{row['wall_seconds']['median']:7.1f} s  CPU against "
            + ", ".join(f"{other} {one['median']:.2f}" for other, one in row["cpu_seconds_against"].items()),
            flush=True,
        )
        table.append(row)
    return table


def _spread(values: Sequence[float]) -> dict[str, float]:
    return asdict(spread(values if len(values) > 1 else [*values, *values]))


def main() -> None:
    """Prepare, run, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="checkout of the earlier commit")
    parser.add_argument("--parts", nargs="*", choices=("spot", "train", "demo"), default=["spot", "train"])
    parser.add_argument(
        "--seconds",
        type=float,
        nargs="+",
        default=[10.0],
        help="length of the file that is spotted; one for each number of busy processes, or one for all",
    )
    parser.add_argument(
        "--part", type=int, default=1, help="an epoch has one of so many parts of the demo's clips"
    )
    parser.add_argument("--epochs", type=int, default=2, help="of each training")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of spotting; training and the demo have --train-rounds"
    )
    parser.add_argument("--train-rounds", type=int, default=1)
    parser.add_argument("--beside", type=int, nargs="+", default=[0, NUM_BUSY], help="busy processes")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, help="which of them run")
    parser.add_argument("--data", type=Path, help="synthetic matches of an earlier demo, for `train`")
    parser.add_argument("--work", type=Path, help="folder for all files; kept")
    parser.add_argument(
        "--add", type=Path, nargs="*", default=[], help="results of other parts: their rows too"
    )
    parser.add_argument("--json", type=Path, help="where the results go")
    args = parser.parse_args()
    write_as_measured(args.json, __doc__)
    before = args.before.absolute()
    checkouts = {
        case: found
        for case, found in zip(CASES, ((before, None), (HERE, None), (HERE, 1)), strict=True)
        if case in args.cases
    }
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) if args.work is None else args.work.absolute()
        work.mkdir(parents=True, exist_ok=True)
        if "spot" in args.parts:
            if not (work / "runs").exists():
                run(before, "-c", _WEIGHTS, work / "runs")
            for beside, seconds in zip(args.beside, args.seconds * len(args.beside), strict=False):
                video = kept_video(work, size=SIZE, num_frames=round(25 * seconds), keyframe_interval=250)
                cases = [
                    (case, lambda c=checkout, v=video, n=case, t=threads: spot(c, v, work, work / n, t))
                    for case, (checkout, threads) in checkouts.items()
                    if beside or threads is None
                ]
                rows = compare(
                    "spot",
                    cases,
                    beside=beside,
                    num_rounds=args.rounds,
                    warm_up=lambda: run(HERE, "-c", _WARM_UP, work / "runs"),
                )
                for row in rows:
                    row["seconds"] = seconds
                for row in rows if "before" in args.cases else ():
                    found = difference(work / row["case"], work / "before")
                    row["largest_score_difference"], row["spots_equal"] = found
                table += rows
        if "train" in args.parts:
            config = work / "demo_short.py"
            config.write_text(
                _CONFIG.replace("EPOCHS", str(args.epochs)).replace("PART", str(args.part)), encoding="utf-8"
            )
            data = args.data.absolute() if args.data else work / "data"
            if not data.exists():
                run(
                    HERE,
                    *(
                        "data",
                        "synth",
                        "--out",
                        data,
                        "--matches",
                        "5",
                        "--minutes",
                        "5",
                        "--size",
                        "112x192",
                    ),
                )
            clips = _clips(before, config), _clips(HERE, config)
            for beside in args.beside:
                cases = [
                    (case, lambda c=checkout, n=case: _train(c, config, data, work / n / "trained"))
                    for case, (checkout, threads) in checkouts.items()
                    if threads is None
                ]
                rows = compare("train", cases, beside=beside, num_rounds=args.train_rounds)
                for row in rows:
                    row["clips"] = clips[row["case"] != "before"]
                table += rows
        if "demo" in args.parts:
            for beside in args.beside:
                cases = [
                    (case, lambda c=checkout, n=case: run(c, "demo", "--out", work / n / "demo", "--quiet"))
                    for case, (checkout, threads) in checkouts.items()
                    if threads is None
                ]
                table += compare("demo", cases, beside=beside, num_rounds=args.train_rounds)
    table += [row for path in args.add for row in read_json(path)["rows"]]
    if args.json:
        settings = {
            "before": _git(before),
            **{
                name: getattr(args, name)
                for name in ("parts", "seconds", "epochs", "part", "rounds", "train_rounds")
            },
        }
        write_results(args.json, question=__doc__.splitlines()[0], settings=settings, table=table)


def _train(checkout: Path, config: Path, data: Path, runs: Path) -> Cost:
    return run(
        checkout,
        *("train", "--experiment", config, "--folds", "0", "--data", data, "--runs", runs),
        *("--device", "cpu", "--overwrite", "--quiet"),
    )


def _clips(checkout: Path, config: Path) -> int:
    """Return how many clips a checkout's training sees."""
    code = (
        "import json, sys; from bvas import load_experiment; one = load_experiment(sys.argv[1]);"
        "print(json.dumps(one.sampling.clips_per_epoch * one.train.epochs))"
    )
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    said = subprocess.run(
        [sys.executable, "-P", "-c", code, str(config)],
        env=environment,
        capture_output=True,
        check=True,
        cwd=tempfile.gettempdir(),
    )
    return int(json.loads(said.stdout))


def _git(folder: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False
    ).stdout.strip()


if __name__ == "__main__":
    main()
