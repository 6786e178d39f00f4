"""How much faster than playing is a match spotted, from its file to its results, and what is the time spent on?

    python benchmarks/bench_spot_file.py --device cuda --json benchmarks/results/spot-file--NAME.json
    python benchmarks/bench_spot_file.py --experiment demo --size 112x192 --minutes 0.2 --seed-frames 60     # on a CPU

1280x720 H.264 at 25 frames per second, EfficientNetV2-B0, clips of 15 frames with their mirror images, every row;
weights are random. Cases are the whole way from the file to results_spotting.json:
  ours             `spot_video` with a predictor that has compiled, in the precision that the device takes by itself
  frame by frame   the seed's form: a frame is decoded, pushed and scored before the next, float32 (seed_streaming.py),
                   on the first `--seed-frames` frames
  decode           all frames, by the readers that `ours` has, and no model
  copy             the frames from host memory to the device; nothing where they are decoded there
  2D, 3D           the two halves of streaming for a row, at the batch that `ours` has
`rest` is what `ours` takes beyond 2D and 3D: waiting for frames, copies, rings, peaks, files. The floors of 2D, 3D
and copy are counted (predict_floor.py) over peaks measured in the same run; that of decoding is one reader's time over
the number of decoders. Opening, compiling and the first batches come once and are a row of their own.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_predict import NUM_FLIPS, make_model, part_cases
from harness import Cost, interleave, measure, ratio, rows, show, spread, write_as_measured, write_results
from predict_floor import count_row
from seed_streaming import SeedPredictor
from step_floor import measure_peaks, synchronize
from videos import kept_video, repeated_video

from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import load_experiment
from bvas.inference.precision import default_batch, prediction_dtype
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import LONG_FRAMES, Spotter
from bvas.inference.streaming import StreamingPredictor
from bvas.results.store import RESULTS_NAME
from bvas.results.store import write_results as write_spots
from bvas.system.devices import choose_device
from bvas.tasks.peaks import find_spots
from bvas.values.annotations import Spot
from bvas.video.decode.open_video import open_video
from bvas.video.decode.prefetch import DecodedAhead, Frames

OURS, SEED = "ours", "frame by frame"
MATCH_FRAMES = 90 * 60 * 25
# What is aimed at on a GPU of a data center.
GOALS = {"times_seed": 10.0, "times_real_time": 25.0, "aim_seconds_a_match": 60.0}
_SHORT_SECONDS = 20


class Ways:
    """The ways from a file to its results, and parts of them."""

    def __init__(self, video: Path, spotter: Spotter, out: Path, seed_frames: int) -> None:
        self.video = video
        self.spotter = spotter
        self.device = spotter.device
        self._out = out
        self._seed_frames = seed_frames
        self.on_device = self.device.type == "cuda"
        with self.open() as reader:
            self.backend = reader.backend
            self.num_frames = reader.info.num_frames
            self.num_readers = reader.num_engines
            self.frame_bytes = reader.size[0] * reader.size[1]
            self._keyframes = np.searchsorted(reader.index.pts, reader.index.keyframe_pts)

    def open(self) -> Any:
        """Open the video as `spot_video` does."""
        size = self.spotter.experiment.input.size
        return open_video(self.video, size=size, device=str(self.device))

    def ours(self, predictor: StreamingPredictor) -> None:
        """Spot the file and write its results."""
        found = spot_video(self.video, self.spotter, predictor=predictor)
        self._write(found.spots)

    def frame_by_frame(self) -> None:
        """Spot the first frames of the file in the seed's form."""
        experiment = self.spotter.experiment
        predictor = SeedPredictor(self.spotter.models[0], experiment.clip)
        scores = []
        with self.open() as reader:
            for number in range(self._seed_frames):
                frame = reader.read([number])[0]
                row = predictor.push(frame)
                if row is not None:
                    scores.append(row)
        seconds = np.arange(len(scores)) / experiment.input.rate
        self._write(find_spots(np.stack(scores), seconds, experiment.task.labels, experiment.peaks))

    def decode(self, num_readers: int) -> None:
        """Decode all frames and leave them."""
        decoded = 0
        with DecodedAhead(
            self.open,
            np.arange(self.num_frames),
            self._keyframes,
            frame_bytes=self.frame_bytes,
            num_readers=num_readers,
            on_device=self.on_device,
        ) as pieces:
            for piece in pieces:
                assert isinstance(piece, Frames)
                decoded += len(piece.pixels)
        assert decoded == self.num_frames

    def copy(self, num: int) -> Cost:
        """Bring so many frames to the device; nothing where they are decoded there, or on a CPU."""
        if self.backend == "nvdec" or not self.on_device:
            return Cost(wall_seconds=0.0, cpu_seconds=0.0)
        height, width = self.spotter.experiment.input.size
        frames = torch.zeros((num, height, width), dtype=torch.uint8)

        def bring() -> None:
            frames.to(self.device)
            synchronize(self.device)

        return measure(bring)[0]

    def _write(self, spots: Sequence[Spot]) -> None:
        write_spots(self._out / RESULTS_NAME, "match", {1: spots}, rate=self.spotter.experiment.input.rate)


def split(
    costs: Mapping[str, Sequence[Cost]],
    num_units: Mapping[str, int],
    floors: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Return a row for each part of our time: milliseconds a frame, share, floor."""
    per_frame = {name: [run.wall_seconds / num_units[name] for run in runs] for name, runs in costs.items()}
    whole = np.array(per_frame[OURS])
    parts = {name: np.array(per_frame[name]) for name in ("decode", "copy", "2D", "3D")}
    parts["rest"] = whole - parts["2D"] - parts["3D"]
    return [
        {
            "case": f"part: {name}",
            "milliseconds_a_frame": asdict(spread((1000 * seconds).tolist())),
            "share_of_ours": asdict(spread((seconds / whole).tolist())),
            "beside_the_model": name == "decode",
            "floor_milliseconds_a_frame": 1000 * floors[name] if name in floors else None,
        }
        for name, seconds in parts.items()
    ]


def floors_of(ways: Ways, dtype: torch.dtype, decode_alone_seconds: float) -> dict[str, float]:
    """Return the least seconds a frame of each part that has a floor."""
    model, device = ways.spotter.models[0], ways.device
    size = ways.spotter.experiment.input.size
    peaks = measure_peaks(device, dtype)
    work = count_row(model, size, num_flips=NUM_FLIPS, element_bytes=dtype.itemsize)
    found = {part: one.seconds(peaks) for part, one in work.items()}
    found["decode"] = decode_alone_seconds / ways.num_frames / ways.num_readers
    if device.type == "cuda":
        pinned = torch.empty(1 << 28, dtype=torch.uint8, pin_memory=True)
        there = torch.empty_like(pinned, device=device)
        pinned_seconds = []
        for _ in range(5):
            synchronize(device)
            start = time.perf_counter()
            there.copy_(pinned, non_blocking=True)
            synchronize(device)
            pinned_seconds.append(time.perf_counter() - start)
        is_copied = ways.backend != "nvdec"
        found["copy"] = min(pinned_seconds) / pinned.nbytes * ways.frame_bytes if is_copied else 0.0
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Make the video, measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--experiment", default="ball_base")
    parser.add_argument(
        "--size", type=parse_size, help="HxW of the model's pictures instead of the experiment's"
    )
    parser.add_argument("--video-size", type=parse_size, default=(720, 1280), help="HxW of the video")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the video")
    parser.add_argument("--seed-frames", type=int, default=500, help="frames for the seed's form")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--videos", type=Path, help="folder that keeps the short video that is repeated")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    device = choose_device(args.device)
    base = load_experiment(args.experiment)
    experiment = replace(
        base,
        model=replace(base.model, pretrained=False),
        input=replace(base.input, size=args.size or base.input.size),
    )
    model = make_model(experiment, device, experiment.input.size)
    spotter = Spotter(experiment, (model,), device)
    dtype = prediction_dtype(device, "auto")
    compiled = device.type == "cuda"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        short = kept_video(
            args.videos or folder, size=args.video_size, num_frames=25 * _SHORT_SECONDS, keyframe_interval=50
        )
        times = max(1, round(60 * args.minutes / _SHORT_SECONDS))
        video = repeated_video(short, folder / "long.mkv", times)
        seed_frames = max(args.seed_frames, experiment.clip.span)
        ways = Ways(video, spotter, folder, seed_frames)
        predictor = spotter.predictor(num_rows=LONG_FRAMES if compiled else 0)
        first_seconds = measure(lambda: spot_video(short, spotter, predictor=predictor))[0].wall_seconds
        print(f"ready after {first_seconds:.0f} s", flush=True)
        batch = default_batch(device, experiment.input.size, NUM_FLIPS)
        parts = part_cases(model, experiment.input.size, dtype, batch, compiled=compiled)
        cases: dict[str, Callable[[], object]] = {
            OURS: partial(ways.ours, predictor),
            SEED: ways.frame_by_frame,
            "decode": partial(ways.decode, ways.num_readers),
            "2D": parts["2D"].run,
            "3D": parts["3D"].run,
        }
        costs = interleave(cases, num_rounds=args.rounds)
        decode_alone = measure(partial(ways.decode, 1))[0].wall_seconds
        num_units = {OURS: ways.num_frames, SEED: seed_frames, "decode": ways.num_frames, "copy": 64}
        num_units |= {name: part.num_rows for name, part in parts.items()}
        table = rows(costs, base=OURS, num_units=num_units, unit="frame")
        show(table, base=OURS, unit="frame")
        costs["copy"] = [ways.copy(64) for _ in range(args.rounds)]
        floors = floors_of(ways, dtype, decode_alone)
    parts_table = split(costs, num_units, floors)
    for row in parts_table:
        floor = row["floor_milliseconds_a_frame"]
        print(
            f"{row['case']:14} {row['milliseconds_a_frame']['median']:9.3f} ms a frame, "
            f"{row['share_of_ours']['median']:5.0%} of ours"
            + ("" if floor is None else f", floor {floor:.3f}")
        )
    seconds_a_frame = [run.wall_seconds / num_units[OURS] for run in costs[OURS]]
    match = spread([MATCH_FRAMES * seconds for seconds in seconds_a_frame])
    real_time = spread([1 / (experiment.input.rate * seconds) for seconds in seconds_a_frame])
    against_seed = ratio(costs, SEED, OURS, num_units)
    print(
        f"{real_time.median:.1f} times real time, a match of 90 minutes in {match.median:.0f} s; "
        f"{against_seed.median:.1f} times the seed's form"
    )
    if args.json is not None:
        summary = {
            "case": "summary",
            "times_real_time": asdict(real_time),
            "seconds_a_match": asdict(match),
            "times_seed": asdict(against_seed),
            "seconds_until_ready": first_seconds,
            "goals": GOALS,
            "device_peak_bytes": torch.cuda.max_memory_allocated(device) if compiled else None,
        }
        settings = {
            "experiment": args.experiment,
            "device": args.device,
            "precision": str(dtype),
            "compiled": compiled,
            "size": list(experiment.input.size),
            "video_size": list(args.video_size),
            "frames": num_units[OURS],
            "seed_frames": seed_frames,
            "backend": ways.backend,
            "readers": ways.num_readers,
            "batch": batch,
            "views": NUM_FLIPS,
        }
        question = (__doc__ or "").splitlines()[0]
        write_results(args.json, question=question, settings=settings, table=[*table, *parts_table, summary])


if __name__ == "__main__":
    main()
