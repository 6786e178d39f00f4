"""What does planning an epoch save in decoding, and how does it change what is in a batch?

    python benchmarks/bench_plan.py --json benchmarks/results/plan.json

No video is read. Clips are drawn for the real epoch: 6000 of 12 halves of 67,500 frames, with annotations as far
apart as those of real matches (short_epoch.py). A pass decodes from the keyframe up to the last frame wanted; each
clip alone is a pass without a plan, and the clips of one keyframe interval are with one, in the whole epoch or in
windows of it. The second figure leaves out what our CPU readers leave out: frames that are not wanted and that no
other needs, which are those of odd number in the intervals here (three B-frames, the middle one referred to).
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from harness import write_results
from numpy.typing import NDArray
from short_epoch import RATE, REAL_CLIPS, REAL_FRAMES, REAL_HALVES, annotation_frames

from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import TrainingClips
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.read_plan import group_by_interval, plan_random, shuffle, shuffle_groups
from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_grid import Grid

CLIP = ClipConfig()


def half(number: int) -> LabelledVideo:
    """Return a half that exists in numbers only."""
    frames = annotation_frames(np.random.default_rng(number), REAL_FRAMES)
    indices = np.arange(REAL_FRAMES)
    return LabelledVideo(
        path=Path(f"{number}.mp4"),
        form="limited",
        size=(48, 64),
        grid=Grid(rate=Fraction(RATE), indices=indices, seconds=indices / RATE),
        keyframes=np.zeros(1, np.int64),
        num_labels=2,
        annotation_frames=frames,
        label_ids=np.arange(len(frames)) % 2,
    )


@dataclass(frozen=True, slots=True)
class Epoch:
    """The clips of an epoch, with a keyframe at even intervals."""

    videos: NDArray[np.int64]
    frames: NDArray[np.int64]
    """Source frames of each clip [N, T]."""
    interval: int

    @property
    def firsts(self) -> NDArray[np.int64]:
        """First frame of each clip [N]."""
        return self.frames.min(axis=1)

    @property
    def places(self) -> NDArray[np.int64]:
        """A number for each keyframe interval of all videos [N]."""
        return self.videos * (REAL_FRAMES // self.interval + 1) + self.firsts // self.interval

    def passes(self, window: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        """Return what is read together, in order, where so many clips are planned at once."""
        found: list[NDArray[np.int64]] = []
        firsts = self.firsts
        for first in range(0, len(self.videos), window):
            part = slice(first, first + window)
            groups = group_by_interval(self.videos[part], firsts[part] // self.interval, firsts[part])
            found += [group + first for group in shuffle_groups(groups, random)]
        return found


def decoded_per_clip(
    passes: Sequence[NDArray[np.int64]], frames: NDArray[np.int64], interval: int
) -> tuple[float, float]:
    """Return frames decoded a clip, all and without those that may be left out.

    Args:
        passes: Clips that are read together, those of one keyframe interval or one alone.
        frames: Source frames of each clip [N, T].
        interval: Frames from one keyframe to the next.
    """
    num_passed = num_output = 0
    for clips in passes:
        wanted = np.unique(frames[clips])
        num_frames = int(wanted[-1]) + 1 - int(wanted[0]) // interval * interval
        num_passed += num_frames
        num_output += (num_frames + 1) // 2 + int((wanted % 2).sum())
    return num_passed / len(frames), num_output / len(frames)


def share_with_neighbors(order: NDArray[np.int64], places: NDArray[np.int64], batch_size: int) -> float:
    """Return the share of batches with two clips of one keyframe interval."""
    whole = order[: len(order) // batch_size * batch_size].reshape(-1, batch_size)
    in_batch = np.sort(places[whole], axis=1)
    return float((np.diff(in_batch, axis=1) == 0).any(axis=1).mean())


def main() -> None:
    """Draw epochs, plan them, show and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keyframe-intervals", type=int, nargs="+", default=[250, 50])
    parser.add_argument("--windows", type=int, nargs="+", default=[3000, 1500], help="clips planned at once")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--buffer-clips", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10, help="figures are their means")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    clips = TrainingClips(
        [half(number) for number in range(REAL_HALVES)],
        CLIP,
        sampling=SamplingConfig(clips_per_epoch=REAL_CLIPS),
    )
    plans: dict[str, int] = {"no plan": 1, "whole epoch": REAL_CLIPS}
    plans |= {f"windows of {window}": window for window in args.windows}
    figures: dict[tuple[int, str], list[dict[str, float]]] = {}
    for number in range(args.epochs):
        requests = clips.requests(number)
        videos = np.array([request.video_id for request in requests])
        frames = np.stack([request.indices for request in requests])
        for interval in args.keyframe_intervals:
            epoch = Epoch(videos, frames, interval)
            for name, window in plans.items():
                random = plan_random(0, number)
                passes = epoch.passes(window, random)
                handed = np.concatenate(passes)
                if window > 1:
                    handed = shuffle(handed, args.buffer_clips, random)
                passed, output = decoded_per_clip(passes, frames, interval)
                found = {"decoded_per_clip": passed, "decoded_without_skipped": output}
                for size in args.batch_sizes:
                    found[f"share_of_batches_of_{size}"] = share_with_neighbors(handed, epoch.places, size)
                figures.setdefault((interval, name), []).append(found)
    names = [
        "decoded_per_clip",
        "decoded_without_skipped",
        *(f"share_of_batches_of_{size}" for size in args.batch_sizes),
    ]
    table: list[dict[str, Any]] = []
    print(f"{'interval':>8} {'plan':16} " + " ".join(f"{name:>24}" for name in names))
    for (interval, plan), epochs in figures.items():
        row = {name: statistics.fmean(found[name] for found in epochs) for name in names}
        table.append({"keyframe_interval": interval, "plan": plan, "epochs": args.epochs} | row)
        print(f"{interval:8} {plan:16} " + " ".join(f"{row[name]:24.3f}" for name in names))
    if args.json:
        settings = {
            "halves": REAL_HALVES,
            "frames_in_a_half": REAL_FRAMES,
            "clips": REAL_CLIPS,
            "clip": [CLIP.num_frames, CLIP.frame_step],
            "mix_clips": args.buffer_clips,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
