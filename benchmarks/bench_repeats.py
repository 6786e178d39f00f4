"""What does computing equal frames once save, and what does looking for them cost?

    python benchmarks/bench_repeats.py --json benchmarks/results/repeats--NAME.json     # 6 minutes on 2 slow cores

`spot_video` from the file to its spots, with `share_repeats` (`once`) and without (`all`). Videos of 25 frames per
second in the model's size, H.264:
  double, qp 0    each picture stands twice, without loss: pairs are byte-equal after decoding, which is checked
  double, crf 23  the same, with loss: the share of equal pairs is counted
  noise           a camera that stands still, and its noise: no frame repeats another
Models: EfficientNetV2-B0 with clips and mirror images of ball_base, at a quarter of its pixels so that this ends, and
demo's, which computes 16 frames at once. Weights are random. It is checked for each video that rows of both ways are
equal, in batches of one to the bit, and that a row is shared where all frames of its clip are byte-equal to those of
the clip before, and nowhere else.

The check costs less than runs differ by. So it is also run by itself, many times, over the frames of each video. Its
share is its CPU time over that of `all`, for a frame.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from bench_predict import make_model
from harness import interleave, rows, show, spread, write_as_measured, write_results
from numpy.typing import NDArray
from videos import kept_video

from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.inference.repeats import repeated_frames
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import Spotter
from bvas.video.decode.open_video import open_video

ALL, ONCE = "all", "once"
GOALS = {"cpu_ratio_double_qp_0": 0.60, "share_of_the_check_noise": 0.01}
_CHECKS = 50
_NOISE = 2.0
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video, and what is in it."""

    path: Path
    frames: NDArray[np.uint8]
    """As decoded, uint8 [L, H, W]."""

    @property
    def is_repeat(self) -> NDArray[np.bool_]:
        """Whether each frame is byte-equal to the one before, bool [L]; compared in full."""
        same = (self.frames[1:] == self.frames[:-1]).all(axis=(1, 2))
        return np.concatenate([[False], same])

    def num_shared(self, experiment: Experiment) -> int:
        """Return how many clips consist of the frames of the clip before."""
        pictures = np.cumsum(~self.is_repeat)
        clips = [pictures[experiment.clip.indices(row, len(pictures))] for row in range(len(pictures))]
        return sum(np.array_equal(one, other) for one, other in zip(clips[1:], clips[:-1], strict=True))


def write_video(path: Path, pictures: Sequence[NDArray[np.uint8]], options: dict[str, str]) -> Video:
    """Write pictures at 25 per second, and return them as they are decoded."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "faster"} | options)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = "yuv420p"
        chroma = np.full((stream.height // 2, stream.width), 128, np.uint8)
        for luma in pictures:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p"))
            )
        container.mux(stream.encode())
    return Video(path=path, frames=read_video(path))


def read_video(path: Path) -> NDArray[np.uint8]:
    """Return all frames."""
    with open_video(path) as reader:
        frames = np.empty((reader.info.num_frames, *reader.frame_shape), np.uint8)
        reader.read_into(np.arange(len(frames)), frames)
    return frames


def make_videos(folder: Path, size: tuple[int, int], num_frames: int) -> dict[str, Video]:
    """Return the videos, of so many frames each."""
    source = kept_video(folder, size=size, num_frames=num_frames // 2, keyframe_interval=50)
    twice = np.repeat(read_video(source), 2, axis=0)
    noise = np.random.default_rng(0).normal(0, _NOISE, (num_frames, *size))
    still = np.clip(np.rint(twice[0] + noise), 16, 235).astype(np.uint8)
    stem = f"{size[1]}x{size[0]}"
    videos = {
        "double, qp 0": write_video(folder / f"{stem}-qp0.mkv", twice, {"qp": "0"}),
        "double, crf 23": write_video(folder / f"{stem}-crf23.mkv", twice, {"crf": "23"}),
        "noise": write_video(folder / f"{stem}-noise.mkv", still, {"crf": "18"}),
    }
    if not videos["double, qp 0"].is_repeat[1::2].all():
        raise SystemExit("pairs are not byte-equal after decoding: nothing to measure")
    if videos["noise"].is_repeat.any():
        raise SystemExit("frames with noise repeat: nothing to measure")
    return videos


def checked(video: Video, ways: dict[str, Spotter]) -> dict[str, Any]:
    """Spot a video in both ways, and return what was shared; a wrong row ends the run."""
    found, shared = {}, {}
    for way, spotter in ways.items():
        predictor = spotter.predictor()
        found[way] = spot_video(video.path, spotter, predictor=predictor).curve.scores
        shared[way] = predictor.num_shared
        batch = predictor.frames_at_once(video.frames.shape[1:])
    expected = video.num_shared(ways[ONCE].experiment)
    difference = float(np.abs(found[ALL] - found[ONCE]).max())
    if difference > (0 if batch == 1 else _ROUNDING) or shared != {ALL: 0, ONCE: expected}:
        raise SystemExit(
            f"{video.path.name}: rows differ by {difference}, or {shared} shared where {expected} are equal"
        )
    if found[ALL].std(axis=0).min() < 1e-6:
        raise SystemExit(f"{video.path.name}: all rows are alike, nothing is checked by them")
    return {
        "rows": len(found[ALL]),
        "rows_shared": expected,
        "rows_bit_equal": bool(np.array_equal(found[ALL], found[ONCE])),
        "largest_difference": difference,
        "batch": batch,
        "share_of_equal_pairs": float(video.is_repeat[1::2].mean()),
    }


def check_seconds(frames: NDArray[np.uint8]) -> list[float]:
    """Return the CPU seconds a frame of looking for repeats, each over all frames one by one."""
    found = []
    for _ in range(_CHECKS):
        start = time.process_time()
        for place in range(1, len(frames)):
            # As a predictor does for a batch of one: a copy of the last frame is kept.
            repeated_frames(frames[place : place + 1], frames[[place - 1]])
        found.append((time.process_time() - start) / (len(frames) - 1))
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Make the videos, check, measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=parse_size, default=(368, 640), help="HxW of ball_base's pictures")
    parser.add_argument("--frames", type=int, default=40, help="of a video for ball_base")
    parser.add_argument("--demo-frames", type=int, default=400, help="of a video for the demo's model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--videos", type=Path, help="folder that keeps the videos")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    device = torch.device("cpu")
    table: list[dict[str, Any]] = []
    sizes = {"ball_base": args.size, "demo": load_experiment("demo").input.size}
    numbers = {"ball_base": args.frames, "demo": args.demo_frames}
    with tempfile.TemporaryDirectory() as scratch:
        for name, size in sizes.items():
            base = load_experiment(name)
            experiment = replace(
                base,
                model=replace(base.model, pretrained=False),
                input=replace(base.input, size=size),
            )
            spotter = Spotter(experiment, (make_model(experiment, device, size),), device)
            ways = {ALL: replace(spotter, share_repeats=False), ONCE: spotter}
            for title, video in make_videos(args.videos or Path(scratch), size, numbers[name]).items():
                facts = checked(video, ways)
                print(f"{name}, {title}: {facts}", flush=True)
                cases = {way: partial(spot_video, video.path, ours) for way, ours in ways.items()}
                costs = interleave(cases, num_rounds=args.rounds)
                own = rows(costs, base=ALL, num_units=len(video.frames), unit="frame")
                check = check_seconds(video.frames)
                by_frame = own[0]["cpu_seconds_per_frame"]["median"]
                share = spread([seconds / by_frame for seconds in check])
                for row in own:
                    row["case"] = f"{name}, {title}: {row['case']}"
                own[1] |= facts | {
                    "check_cpu_seconds_per_frame": asdict(spread(check)),
                    "share_of_the_check": asdict(share),
                }
                show(own, base=ALL, unit="frame")
                print(f"the check by itself: {share.median:.3%} of {ALL}", flush=True)
                table += own
    if args.json is not None:
        settings = {
            "sizes": {name: list(size) for name, size in sizes.items()},
            "frames": numbers,
            "threads": torch.get_num_threads(),
            "checks": _CHECKS,
            "noise_deviation": _NOISE,
            "goals": GOALS,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
