"""How much of a training epoch is spent waiting for data, when a step costs twice what its batch costs to load?

    python benchmarks/bench_waiting.py --videos /tmp/videos --json benchmarks/results/waiting--NAME.json

First an epoch is loaded without steps; its CPU time a batch, that of all processes, is the cost of loading. Then
epochs run with a step that costs `--factor` times as much: one that leaves the CPU alone, as a step on a GPU does,
and one that computes on one core. Waiting is what the loader counts (`stats.waiting_seconds`). The first batch of
an epoch takes longest, since nothing was read ahead of it; a short epoch suffers more from that
than the real one of 6000 clips, so what follows for 6000 clips is shown as well.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from harness import measure, spread, write_results
from short_epoch import REAL_CLIPS, make_halves, short_epoch

from bvas.experiment.loading_config import LoadingConfig
from bvas.loading.loader import ClipLoader


def sleep_step(seconds: float) -> Callable[[], None]:
    """Return a step that leaves the CPU alone."""
    return lambda: time.sleep(seconds)


def busy_step(seconds: float) -> Callable[[], None]:
    """Return a step that keeps one core busy, as long when alone."""
    torch.set_num_threads(1)
    matrix = torch.rand(512, 512)
    num_products = 1
    # Products are counted while nothing else runs: later a step may last longer, and does the same work.
    for _ in range(2):
        started = time.perf_counter()
        for _ in range(num_products * 20):
            matrix @ matrix
        num_products = max(round(seconds / ((time.perf_counter() - started) / (num_products * 20))), 1)
        num_products = min(num_products, 1_000_000)

    def step() -> None:
        for _ in range(num_products):
            matrix @ matrix

    return step


def train(loader: ClipLoader, epoch: int, step: Callable[[], None]) -> dict[str, float]:
    """Run an epoch; return its seconds, what of them was waiting, and what of that was for the first batch."""
    before = loader.stats.waiting_seconds
    started = time.perf_counter()
    first = 0.0
    for _ in loader.epoch(epoch):
        first = first or time.perf_counter() - started
        step()
    seconds = time.perf_counter() - started
    waiting = loader.stats.waiting_seconds - before
    rest = (waiting - first) / max(loader.num_batches - 1, 1)
    num_batches = REAL_CLIPS / loader.batch_size
    real_waiting = first + rest * (num_batches - 1)
    steps = (seconds - waiting) / loader.num_batches * num_batches
    return {
        "epoch_seconds": seconds,
        "waiting_share": waiting / seconds,
        "first_batch_seconds": first,
        "waiting_share_of_6000_clips": real_waiting / (real_waiting + steps),
    }


def main() -> None:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--halves", type=int, default=6)
    parser.add_argument("--frames", type=int, default=1250, help="length of each")
    parser.add_argument("--keyframe-interval", type=int, default=250)
    parser.add_argument(
        "--repeat", type=int, default=3, help="times the clips of as many frames of the real epoch"
    )
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--buffer-clips", type=int, default=64)
    parser.add_argument(
        "--factor", type=float, default=2.0, help="cost of a step over that of loading its batch"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--videos", type=Path, help="folder that keeps the videos; by default they are made anew"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error(f"--rounds must be at least 2, for a spread; got {args.rounds}")

    size = (args.height, args.width)
    with tempfile.TemporaryDirectory() as temporary:
        videos = make_halves(
            args.videos or Path(temporary),
            num_halves=args.halves,
            num_frames=args.frames,
            size=size,
            keyframe_interval=args.keyframe_interval,
        )
        clips = short_epoch(videos, repeat=args.repeat)
        loading = LoadingConfig(shuffle_buffer_clips=args.buffer_clips)
        with ClipLoader(clips, args.batch_size, size=size, loading=loading) as loader:
            workers = loader.workers
            # An epoch before it starts the workers and opens the videos.
            train(loader, 0, lambda: None)
            alone, _ = measure(lambda: train(loader, 0, lambda: None))
            cost = alone.cpu_seconds / loader.num_batches
            steps = {
                "a step beside the CPU": sleep_step(args.factor * cost),
                "a step on one core": busy_step(args.factor * cost),
            }
            found: dict[str, list[dict[str, float]]] = {name: [] for name in steps}
            for number in range(args.rounds):
                for name, step in steps.items():
                    found[name].append(train(loader, number + 1, step))
    table: list[dict[str, Any]] = []
    print(f"{clips.num_clips} clips, {workers}, loading costs {cost:.3f} CPU s a batch")
    for name, runs in found.items():
        figures = {key: spread([run[key] for run in runs]).median for key in runs[0]}
        table.append({"case": name, "rounds": args.rounds, "loading_cpu_seconds_per_batch": cost} | figures)
        print(
            f"{name:24} epoch {figures['epoch_seconds']:6.1f} s, waiting {figures['waiting_share']:.1%}, "
            f"first batch {figures['first_batch_seconds']:.1f} s; "
            f"waiting in 6000 clips {figures['waiting_share_of_6000_clips']:.1%}"
        )
    if args.json:
        settings = {
            "size": size,
            "halves": args.halves,
            "frames_in_a_half": args.frames,
            "keyframe_interval": args.keyframe_interval,
            "clips_an_epoch": clips.num_clips,
            "batch_size": args.batch_size,
            "mix_clips": args.buffer_clips,
            "workers": workers,
            "step_over_loading": args.factor,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
