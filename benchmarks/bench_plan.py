"""What does planning an epoch save in decoding, and how does it change what is in a batch?

    python benchmarks/bench_plan.py --json benchmarks/results/plan.json

No video is read. Clips are drawn for the real epoch: 6000 of 12 halves of 67,500 frames, with annotations as far
apart as those of real matches (short_epoch.py). A pass decodes from the keyframe up to the last frame wanted; each
clip alone is a pass without a plan, and the clips of one keyframe interval are with one, in the whole epoch or in
windows of it. Frames that a decoder may leave out because no other needs them are counted, too.
"""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from harness import spread, write_results
from numpy.typing import NDArray
from short_epoch import RATE, REAL_CLIPS, REAL_FRAMES, REAL_HALVES, annotation_frames

from bvas.clips import ClipConfig
from bvas.loading.dataset import LabelledVideo
from bvas.loading.requests import TrainingClips
from bvas.loading.sampling import SamplingConfig
from bvas.video.grid import Grid

CLIP = ClipConfig()


def half(number: int) -> LabelledVideo:
    """Return a half that exists in numbers only."""
    frames = annotation_frames(np.random.default_rng(number), REAL_FRAMES)
    indices = np.arange(REAL_FRAMES)
    return LabelledVideo(
        path=Path(f"{number}.mp4"),
        color_range="limited",
        grid=Grid(rate=Fraction(RATE), indices=indices, seconds=indices / RATE),
        num_labels=2,
        annotation_frames=frames,
        label_ids=np.arange(len(frames)) % 2,
    )


def planned(places: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Return clips ordered so that those of one place follow each other, the places in random order."""
    rank = random.permutation(int(places.max()) + 1)
    return np.argsort(rank[places], kind="stable")


def mixed(order: NDArray[np.int64], num_mixed: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the order after a buffer of `num_mixed` clips, each time a random one of which is handed out."""
    buffer = order[:num_mixed].tolist()
    result = []
    for clip in order[num_mixed:].tolist():
        place = int(random.integers(len(buffer)))
        result.append(buffer[place])
        buffer[place] = clip
    return np.array(result + random.permutation(buffer).tolist())


def decoded_per_clip(
    order: NDArray[np.int64], places: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> float:
    """Return frames decoded a clip, where neighbors of one place are read in one pass.

    Args:
        order: Clips [N] in the order in which they are read.
        places: Keyframe interval of each clip [N].
        starts: First frame of that interval [N].
        ends: Behind the last frame of each clip [N].
    """
    begins = np.flatnonzero(np.diff(places[order], prepend=-1))
    last = np.maximum.reduceat(ends[order], begins)
    return float((last - starts[order][begins]).sum() / len(order))


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
    parser.add_argument("--mix-clips", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=5)
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
    for epoch in range(args.epochs):
        requests = clips.requests(epoch)
        videos = np.array([request.video_id for request in requests])
        firsts = np.array([request.indices.min() for request in requests])
        ends = np.array([request.indices.max() + 1 for request in requests])
        for interval in args.keyframe_intervals:
            places = videos * (REAL_FRAMES // interval + 1) + firsts // interval
            starts = firsts // interval * interval
            for name, window in plans.items():
                random = np.random.default_rng(epoch)
                if window == 1:
                    order = delivered = np.arange(REAL_CLIPS)
                    cost = float((ends - starts).mean())
                else:
                    parts = [
                        np.arange(first, min(first + window, REAL_CLIPS))
                        for first in range(0, REAL_CLIPS, window)
                    ]
                    order = np.concatenate([part[planned(places[part], random)] for part in parts])
                    delivered = mixed(order, args.mix_clips, random)
                    cost = decoded_per_clip(order, places, starts, ends)
                found = {"decoded_per_clip": cost}
                for size in args.batch_sizes:
                    found[f"share_of_batches_of_{size}"] = share_with_neighbors(delivered, places, size)
                figures.setdefault((interval, name), []).append(found)
    names = ["decoded_per_clip", *(f"share_of_batches_of_{size}" for size in args.batch_sizes)]
    table: list[dict[str, Any]] = []
    print(f"{'interval':>8} {'plan':16} " + " ".join(f"{name:>24}" for name in names))
    for (interval, plan), epochs in figures.items():
        row = {name: spread([found[name] for found in epochs]).median for name in names}
        table.append({"keyframe_interval": interval, "plan": plan, "epochs": args.epochs} | row)
        print(f"{interval:8} {plan:16} " + " ".join(f"{row[name]:24.3f}" for name in names))
    if args.json:
        settings = {
            "halves": REAL_HALVES,
            "frames_in_a_half": REAL_FRAMES,
            "clips": REAL_CLIPS,
            "clip": [CLIP.num_frames, CLIP.frame_step],
            "mix_clips": args.mix_clips,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
