"""What does it save to keep the stacks' features, and to work on several frames at once?

    python benchmarks/bench_predict.py --experiment demo --json benchmarks/results/predict--NAME.json
    python benchmarks/bench_predict.py --experiment ball_base --device cuda --frames 256

Frames lie in memory, weights are random; no mirrored clips. Cases:
  whole clips       each frame's clip through the whole network, one at a time
  frame by frame    cached stack features, one new frame at a time (the seed system's way)
  batched           cached stack features, frames in batches as the device likes them
All give the same scores, which is checked.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from harness import interleave, rows, show, write_results
from numpy.typing import NDArray

from bvas.devices import choose_device
from bvas.experiment import load_experiment
from bvas.inference.streaming import StreamingPredictor
from bvas.inference.whole_clip import predict_clip_scores
from bvas.models.spotting import build_model

BASE = "batched"


def stream(
    make: Callable[[], StreamingPredictor], frames: NDArray[np.uint8], chunk: int
) -> NDArray[np.float32]:
    """Push all frames, `chunk` at a time; return the curve."""
    predictor = make()
    found = [predictor.push(frames[i : i + chunk]) for i in range(0, len(frames), chunk)]
    return np.concatenate([*found, predictor.finish()])


def main(argv: Sequence[str] | None = None) -> None:
    """Check, measure, print, write."""
    parser = argparse.ArgumentParser(description="What do cached features and batches save?")
    parser.add_argument("--experiment", default="demo")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)

    experiment = load_experiment(args.experiment)
    torch.manual_seed(0)
    config = replace(experiment.model, pretrained=False)
    model = (
        build_model(config, experiment.clip, len(experiment.task.labels))
        .eval()
        .to(choose_device(args.device))
    )
    frames = np.random.default_rng(0).integers(16, 236, (args.frames, *experiment.input.size), dtype=np.uint8)
    batched = partial(StreamingPredictor, [model], experiment.clip, flip=False)
    single = partial(batched, stack_batch=1, window_batch=1)
    cases: Mapping[str, Callable[[], NDArray[np.float32]]] = {
        BASE: lambda: stream(batched, frames, 64),
        "frame by frame": lambda: stream(single, frames, 1),
        "whole clips": lambda: predict_clip_scores([model], experiment.clip, frames, flip=False),
    }
    curves = {name: case() for name, case in cases.items()}
    for name, curve in curves.items():
        difference = float(np.abs(curve - curves[BASE]).max())
        if difference > 1e-4:
            raise SystemExit(f"{name} differs from {BASE} by {difference}: nothing to compare")
    table = rows(interleave(cases, num_rounds=args.rounds), base=BASE, num_units=args.frames, unit="frame")
    show(table, base=BASE, unit="frame")
    if args.json is not None:
        settings = {
            "experiment": args.experiment,
            "device": args.device,
            "size": experiment.input.size,
            "clip": [experiment.clip.num_frames, experiment.clip.frame_step],
            "frames_a_round": args.frames,
            "threads": torch.get_num_threads(),
        }
        question = "What does it save to keep the stacks' features, and to work on several frames at once?"
        write_results(args.json, question=question, settings=settings, table=table)


if __name__ == "__main__":
    main()
