"""How do time and memory grow with the length of a video, folds, workers, clips per epoch, and spots on a page?

    python benchmarks/bench_growth.py --json benchmarks/results/growth--NAME.json     # 6 minutes on 2 cores
    python benchmarks/bench_growth.py --small                                          # does everything run?
    python scripts/draw_growth.py benchmarks/results/growth--NAME.json                 # docs/growth.png

Small pictures and small models that were never trained. Each size runs in a process of its own: `seconds` is the median
of its runs without the start, imports and input, `peak_bytes` the most memory that it and its workers held, start and
imports included (shared memory counts in each).

Powers are fitted by least squares to logarithms. That of time is fitted to what a size takes beyond the smallest job,
`base`, over what it is larger, because a fixed cost would hide it; where there is no base (workers) to the whole time.
That of memory is fitted to the whole peak, fixed part included: it tells whether memory runs out. `fixed_seconds +
seconds_per_unit * size` is the line through all times, by relative errors.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from bench_memory import peak_bytes, small_spotter
from bench_report import large_result, report_of
from harness import measure, note_measured, write_as_measured, write_results
from short_epoch import LABELS, RATE, annotation_frames
from videos import kept_video, repeated_video

from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.experiment.sampling_config import SamplingConfig
from bvas.inference.spot_video import spot_video
from bvas.loading.clip_requests import TrainingClips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.loading.loader import ClipLoader
from bvas.report.page import write_page
from bvas.training.fold import run_fold
from bvas.values.annotations import Annotation
from bvas.values.clip_config import ClipConfig

SIZE = (96, 160)
_FRAMES = 500
_HALVES = 4
_REPEATS = 20
_MATCHES = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What grows, and a job of each size."""

    unit: str
    sizes: tuple[int, ...]
    base: int | None
    """Size of a job of almost nothing; None where there is none."""
    prepare: Callable[[int, Path], Callable[[], object]]
    """Takes a size and the folder of videos; returns the job."""


def spotting(seconds: int, folder: Path) -> Callable[[], object]:
    """Spot a video from file to spots."""
    second = kept_video(folder, size=SIZE, num_frames=RATE, keyframe_interval=25)
    video = repeated_video(second, folder / f"{seconds}-seconds.mkv", seconds)
    return partial(spot_video, video, small_spotter("cpu", (64, 112), 4))


def training(num_folds: int, folder: Path) -> Callable[[], object]:
    """Train so many folds of a cross-validation, an epoch of 8 clips each."""
    matches = []
    for number in range(_MATCHES):
        video = kept_video(folder, size=SIZE, num_frames=_FRAMES // 4, keyframe_interval=25, seed=number)
        frames = annotation_frames(np.random.default_rng(number), _FRAMES // 4).tolist()
        annotations = [
            {"frame": frame, "label": LABELS.names[place % 2]} for place, frame in enumerate(frames)
        ]
        matches.append({"name": str(number), "videos": [video.name], "annotations": annotations})
    content = {"format": "bvas-dataset-1", "labels": LABELS.names, "matches": matches}
    (folder / "dataset.json").write_text(json.dumps(content))
    spotter = small_spotter("cpu", (64, 112), 4)
    demo = spotter.experiment
    experiment = replace(
        demo,
        task=dataset_task(LABELS.names),
        sampling=replace(demo.sampling, clips_per_epoch=8),
        train=replace(demo.train, batch_size=8, epochs=1),
    )
    found = find_matches(experiment.task, folder)
    number = count()

    def train() -> None:
        runs = Path(tempfile.mkdtemp(dir=folder, prefix=f"runs-{next(number)}-"))
        for fold in range(num_folds):
            run_fold(experiment, fold, found, runs=runs, device=torch.device("cpu"), workers=0)

    return train


def halves(folder: Path) -> list[LabelledVideo]:
    """Return the labelled videos that clips are drawn from; the real density is 300 clips in all."""
    videos = []
    for number in range(_HALVES):
        short = kept_video(folder, size=SIZE, num_frames=_FRAMES, keyframe_interval=50, seed=number)
        path = folder / f"half-{number}.mkv"
        if not path.exists():
            repeated_video(short, path, _REPEATS)
        frames = annotation_frames(np.random.default_rng(number), _REPEATS * _FRAMES)
        annotations = [
            Annotation(LABELS.names[place % 2], frame / RATE) for place, frame in enumerate(frames)
        ]
        videos.append(label_video(path, annotations, LABELS, RATE))
    return videos


def loading(num_clips: int, folder: Path, num_workers: int = 1) -> Callable[[], object]:
    """Plan and load an epoch of so many clips."""
    sampling = SamplingConfig(clips_per_epoch=num_clips)
    clips = TrainingClips(halves(folder), ClipConfig(), sampling=sampling)
    loader = ClipLoader(clips, 8, size=SIZE, workers={"pyav": num_workers})
    epochs = count()

    def load() -> int:
        return sum(len(batch.seeds) for batch in loader.epoch(next(epochs)))

    return load


def paging(num_spots: int, folder: Path) -> Callable[[], object]:
    """Write the page of a half with so many spots."""
    result = large_result(num_spots)
    return lambda: write_page(folder / f"{num_spots}.html", report_of(result))


QUESTIONS = {
    "video length": Question(unit="seconds of video", sizes=(10, 20, 40, 80), base=2, prepare=spotting),
    "folds": Question(unit="folds", sizes=(2, 4, 8, 16), base=1, prepare=training),
    "workers": Question(
        unit="workers",
        sizes=(1, 2, 4, 8),
        base=None,
        prepare=lambda size, folder: loading(256, folder, size),
    ),
    "clips per epoch": Question(unit="clips", sizes=(64, 128, 256, 512), base=8, prepare=loading),
    "spots on the page": Question(unit="spots", sizes=(4000, 8000, 16000, 32000), base=10, prepare=paging),
}


def run_once(question: Question, size: int, folder: Path, num_runs: int) -> dict[str, Any]:
    """Run one size; return what it took."""
    job = question.prepare(size, folder)
    # The first run warms up.
    seconds = [measure(job)[0].wall_seconds for _ in range(num_runs + 1)][1:]
    workers = psutil.Process().children(recursive=True)
    peak = peak_bytes() + sum(peak_bytes(str(worker.pid)) for worker in workers)
    return {"size": size, "seconds": statistics.median(seconds), "peak_bytes": peak}


def power(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the exponent of the power law that fits best in logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def fitted(question: Question, points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the fits of points by size, that of the base first."""
    sizes, seconds, peaks = (
        np.array([point[key] for point in points], float) for key in ("size", "seconds", "peak_bytes")
    )
    first = 0 if question.base is None else 1
    more, longer = sizes[first:], seconds[first:]
    above_base = question.base is not None and bool((longer > seconds[0]).all())
    if above_base:
        more, longer = more - sizes[0], longer - seconds[0]
    slope, fixed = np.polyfit(sizes, seconds, 1, w=1 / seconds)
    return {
        "smallest": int(sizes[first]),
        "largest": int(sizes[-1]),
        "time_exponent": power(more, longer),
        "time_exponent_is": "above the base" if above_base else "of the whole",
        "memory_exponent": power(sizes[first:], peaks[first:]),
        "fixed_seconds": float(fixed),
        "seconds_per_unit": float(slope),
        "bytes_per_unit": float(np.polyfit(sizes, peaks, 1)[0]),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each size of each question, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--runs", type=int, default=2, help="of each size, after one that warms up")
    parser.add_argument("--small", action="store_true", help="the two smallest sizes, one run")
    parser.add_argument("--videos", type=Path, help="folder that keeps the videos")
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--only", nargs=2, metavar=("QUESTION", "SIZE"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.only is not None:
        name, size = args.only
        print(json.dumps(run_once(QUESTIONS[name], int(size), args.videos, args.runs)))
        return
    write_as_measured(args.json, __doc__ or "")

    num_runs = 1 if args.small else args.runs
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.videos or Path(scratch)
        for name in args.questions:
            question = QUESTIONS[name]
            sizes = question.sizes[: 2 if args.small else None]
            points = []
            for size in sizes if question.base is None else (question.base, *sizes):
                command = [sys.executable, __file__, "--only", name, str(size), "--runs", str(num_runs)]
                done = subprocess.run(
                    [*command, "--videos", str(folder)], check=True, stdout=subprocess.PIPE, text=True
                )
                points.append(json.loads(done.stdout.splitlines()[-1]))
                note_measured(question=name, **points[-1])
                print(
                    f"{name}: {size} {question.unit}, {points[-1]['seconds']:.3f} s, "
                    f"{points[-1]['peak_bytes'] / 2**20:.0f} MiB",
                    flush=True,
                )
            about = {"question": name, "unit": question.unit, "has_base": question.base is not None}
            table.append(about | fitted(question, points) | {"points": points})
            row = table[-1]
            print(
                f"{name}: time ^ {row['time_exponent']:.2f} ({row['time_exponent_is']}), memory ^ "
                f"{row['memory_exponent']:.2f}; {row['fixed_seconds']:.3f} s + {row['seconds_per_unit']:.3g} s "
                f"and {row['bytes_per_unit'] / 2**20:.3g} MiB for each of the {question.unit}"
            )
    if args.json is not None:
        settings = {"size": list(SIZE), "model_size": [64, 112], "runs": num_runs}
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
