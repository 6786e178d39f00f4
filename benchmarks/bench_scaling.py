"""How much sooner are two processes done with one video than one, and how long do many workers wait at the end?

    python benchmarks/bench_scaling.py --json benchmarks/results/scaling--NAME.json     # 20 minutes on 2 cores
    python benchmarks/bench_scaling.py --plan 90 16      # the jobs of 90 minutes, printed

The processes run the same command on one folder, as the nodes of a cluster do. Each is bound to one core and one thread
(Linux). Start, imports and the loading of the models are counted apart: the processes wait for each other behind them,
and the wall time is that from there to the results. Beside each pair, how much slower both cores are together than one
alone is measured with a loop of NumPy: hyper-threads of one core cannot halve anything.

The plan is computed: workers of one speed, and for each job the 64 frames that the clips at its ends see beyond it.
"""

import argparse
import heapq
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from harness import Cost, ratio, spread, write_results
from videos import kept_video

from bvas.predicting.segment_plan import jobs_of
from bvas.predicting.settings import Work

_RATE = 25
_FRAMES_BEYOND = 64
_KEEPS_BUSY = "import time, numpy as np\na = np.ones(4000)\nb = time.perf_counter()\n" + (
    "for _ in range(400000): a = a * 1.0000001\nprint(time.perf_counter() - b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Jobs of a video, and what its workers wait for at the end."""

    jobs: tuple[range, ...]
    """Segments of each."""
    segment_frames: int
    idle_share: float
    """Of the time of all workers, up to the end of the last one."""
    frames_twice: float
    """Frames that more than one job computes, as a share of the video's."""


def plan(minutes: float, num_workers: int) -> Plan:
    """Return the plan of a video at 25 frames a second."""
    size = next(int(one.default) for one in fields(Work) if one.name == "segment_frames")
    num_frames = round(minutes * 60 * _RATE)
    jobs = tuple(jobs_of([range(-(-num_frames // size))], num_workers))
    ends = [0] * num_workers
    for job in jobs:
        frames = min(job.stop * size, num_frames) - job.start * size + _FRAMES_BEYOND
        heapq.heapreplace(ends, ends[0] + frames)
    return Plan(
        jobs=jobs,
        segment_frames=size,
        idle_share=1 - sum(ends) / (num_workers * max(ends)),
        frames_twice=sum(ends) / num_frames - 1,
    )


def show_plan(minutes: float, num_workers: int) -> None:
    """Print a plan."""
    found = plan(minutes, num_workers)
    sizes = [len(job) for job in found.jobs]
    print(
        f"{minutes:g} minutes on {num_workers} workers: {sum(sizes)} segments of {found.segment_frames} frames in "
        f"{len(sizes)} jobs: {', '.join(map(str, sizes))}\n"
        f"idle at the end {found.idle_share:.1%}, computed twice {found.frames_twice:.1%}"
    )


def work(core: int, folder: Path, video: Path, size: tuple[int, int]) -> None:
    """Predict as one of the processes: load, say so, wait, predict, say how long it took."""
    os.sched_setaffinity(0, {core})
    import torch

    torch.set_num_threads(1)
    from dataclasses import replace

    from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
    from bvas.experiment.experiment import load_experiment
    from bvas.models.spotting import build_model
    from bvas.predicting.assignments import of_video
    from bvas.predicting.many_matches import predict_matches
    from bvas.results.store import predictions_root
    from bvas.system.shared_folder import proved_locks

    experiment = load_experiment("demo")
    experiment = replace(experiment, input=replace(experiment.input, size=size))
    weights = fold_folder(folder, experiment.name, 0) / FILE_NAME
    if not weights.exists():
        torch.manual_seed(0)
        model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
        save_checkpoint(weights, model.state_dict(), experiment, {})
    predictions = predictions_root(folder, experiment.name)
    # PyTorch's first call sets it up.
    torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3))
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.time()
    with proved_locks(predictions):
        done = predict_matches(
            [of_video(video, (0,), predictions)],
            Work(experiment=experiment, runs=folder, engine="torch"),
            lambda *_: None,
            devices="cpu",
        )
    assert not done.failures, done.failures
    print(began, time.time(), done.num_rows, flush=True)


def run(num: int, video: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Return what so many processes take for a video, and its scores."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        started = time.time()
        processes = []
        for core in range(num):
            command = [
                sys.executable,
                __file__,
                "--work",
                str(core),
                str(folder),
                str(video),
                *map(str, size),
            ]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            assert process.stdin is not None
            assert process.stdout is not None
            # One after the other: the first writes the weights.
            assert process.stdout.readline() == "ready\n"
            processes.append(process)
        start_seconds = time.time() - started
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        times = [process.communicate()[0].split() for process in processes]
        (scores,) = folder.rglob("*_scores.npz")
        with np.load(scores) as stored:
            found = stored["scores"]
    begins, ends = ([float(line[place]) for line in times] for place in (0, 1))
    return {
        "wall_seconds": max(ends) - min(begins),
        "start_seconds": start_seconds,
        "rows": [int(line[2]) for line in times],
        "scores": found,
    }


def cores_together() -> float:
    """Return how much slower a loop is on each of two cores while both run it than on one alone."""

    def seconds(cores: tuple[int, ...]) -> float:
        loops = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    f"import os\nos.sched_setaffinity(0, {{{core}}})\n{_KEEPS_BUSY}",
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for core in cores
        ]
        return max(float(loop.communicate()[0]) for loop in loops)

    return seconds((0, 1)) / seconds((0,))


def measure(args: argparse.Namespace, videos: Path) -> None:
    """Measure in rounds, print and write what was found."""
    size = tuple(args.size)
    num_frames = round(args.minutes * 60 * _RATE)
    video = kept_video(videos, size=size, num_frames=num_frames, keyframe_interval=50).absolute()
    runs: dict[str, list[dict[str, Any]]] = {"one process": [], "two processes": []}
    slower = []
    for _ in range(args.rounds):
        slower.append(cores_together())
        for num, name in enumerate(runs, start=1):
            runs[name].append(run(num, video, size))
            print(name, {key: value for key, value in runs[name][-1].items() if key != "scores"}, flush=True)
    costs = {
        name: [Cost(wall_seconds=one["wall_seconds"], cpu_seconds=0.0) for one in found]
        for name, found in runs.items()
    }
    expected = runs["one process"][0]["scores"]
    table = [
        {
            "case": name,
            "rounds": args.rounds,
            "wall_ratio": asdict(ratio(costs, name, "one process")),
            "wall_seconds": asdict(spread([one["wall_seconds"] for one in found])),
            "start_seconds": asdict(spread([one["start_seconds"] for one in found])),
            "rows": [one["rows"] for one in found],
            "largest_difference": max(float(abs(one["scores"] - expected).max()) for one in found),
        }
        for name, found in runs.items()
    ]
    for row in table:
        print(row)
    print(f"one loop beside another takes {sorted(slower)[len(slower) // 2]:.2f} times as long")
    if args.json:
        settings = {"minutes": args.minutes, "size": list(size), "loops_together": asdict(spread(slower))}
        settings["plan_90_minutes_16_workers"] = {
            key: value for key, value in asdict(plan(90, 16)).items() if key != "jobs"
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


def main() -> None:
    """Measure, or print a plan."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--plan", nargs=2, type=float, metavar=("MINUTES", "WORKERS"), help="print a plan only"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the video")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", nargs=2, type=int, default=(224, 400), metavar=("H", "W"))
    parser.add_argument("--videos", type=Path, help="folder that keeps the video")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        core, folder, path, height, width = args.work
        work(int(core), Path(folder), Path(path), (int(height), int(width)))
        return
    if args.plan:
        show_plan(args.plan[0], int(args.plan[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(args, args.videos or Path(folder))


if __name__ == "__main__":
    main()
