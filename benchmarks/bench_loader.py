"""How many random clips a second does the loader deliver with its workers, beside one reader in this process?

    python benchmarks/bench_loader.py --json benchmarks/results/loader--NAME.json

A round is one epoch of each loader, over the same clips. The workers of all loaders are started, and have
their files open, before the first round that counts. CPU time is that of this process and of the workers.
"""

import argparse
import hashlib
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from harness import interleave, rows, show, write_results
from videos import make_video

from bvas.clips import ClipConfig
from bvas.loading.dataset import label_video
from bvas.loading.loader import ClipLoader
from bvas.loading.requests import TrainingClips
from bvas.loading.sampling import SamplingConfig
from bvas.spots import LabelSet

MIXES: tuple[dict[str, int], ...] = ({}, {"pyav": 1}, {"pyav": 2}, {"opencv": 2}, {"pyav": 1, "opencv": 1})
NVDEC_MIXES: tuple[dict[str, int], ...] = (
    {"nvdec": 1},
    {"nvdec": 3},
    {"nvdec": 3, "opencv": 1},
    {"nvdec": 3, "pyav": 4},
)


def name_of(mix: dict[str, int]) -> str:
    """Return what a mix is called in the table."""
    return ", ".join(f"{count} {backend}" for backend, count in mix.items()) or "in this process"


def digest(loader: ClipLoader) -> str:
    """Load an epoch, and return what tells its frames from all others."""
    total = hashlib.sha256()
    for batch in loader.epoch(0):
        total.update(batch.frames.cpu().numpy().tobytes())
    return total.hexdigest()


def run(loader: ClipLoader) -> None:
    """Load an epoch."""
    for _ in loader.epoch(0):
        pass


def main() -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--videos", type=int, default=2)
    parser.add_argument("--frames", type=int, default=1000, help="length of each video")
    parser.add_argument("--keyframe-interval", type=int, default=250)
    parser.add_argument("--clips", type=int, default=24, help="clips an epoch")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()

    size = (args.height, args.width)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as loaders:
        videos = []
        for number in range(args.videos):
            path = Path(folder) / f"{number}.mp4"
            make_video(
                path,
                size=size,
                num_frames=args.frames,
                keyframe_interval=args.keyframe_interval,
                seed=number,
            )
            videos.append(label_video(path, [], LabelSet(("PASS",)), 25))
        clips = TrainingClips(videos, ClipConfig(), sampling=SamplingConfig(clips_per_epoch=args.clips))
        by_name = {
            name_of(mix): loaders.enter_context(
                ClipLoader(clips, args.batch_size, size=size, workers=mix, device=args.device)
            )
            for mix in (*MIXES, *(NVDEC_MIXES if args.device != "cpu" else ()))
        }
        digests = {digest(loader) for loader in by_name.values()}
        assert len(digests) == 1, "the loaders do not deliver the same frames"
        costs = interleave(
            {name: partial(run, loader) for name, loader in by_name.items()},
            num_rounds=args.rounds,
            workers={name: list(loader.process_ids.values()) for name, loader in by_name.items()},
        )
    base = name_of({})
    table = rows(costs, base=base, num_units=args.clips, unit="clip")
    show(table, base="here", unit="clip")
    if args.json:
        settings = {
            "size": size,
            "videos": args.videos,
            "num_frames": args.frames,
            "keyframe_interval": args.keyframe_interval,
            "clips_an_epoch": args.clips,
            "batch_size": args.batch_size,
            "device": args.device,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
