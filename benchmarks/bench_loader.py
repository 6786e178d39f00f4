"""What does a random clip cost the loader in CPU time, beside other ways to load it?

    python benchmarks/bench_loader.py --videos /tmp/videos --json benchmarks/results/loader--NAME.json

The epoch is a piece of the real one, as dense in clips (short_epoch.py); each round is an epoch of other draws,
the same for all. Every way has as many worker processes. Ways:
  loader                ClipLoader, pyav workers, the whole epoch planned
  loader, no plan       the same with shuffle_buffer_clips=0
  seed's design         a new OpenCV reader for each sample, tensors through a queue (seed_design.py)
  torch DataLoader      our pyav reader, clip by clip, workers that keep videos open (plain_workers.py)
  workers, no loader    the same passes as planned, each worker for itself, frames given to nobody
The clips of the first epoch, which is not timed, are compared with what one pyav reader reads. Frames decoded are
pictures that the decoder outputs: one that is not wanted and that no other needs is left out. They are counted in
all epochs.
"""

import argparse
import tempfile
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from harness import interleave, rows, show, write_as_measured, write_results
from our_loader import OurLoader, rounds
from plain_workers import TorchLoader, WithoutLoader
from seed_design import SeedDesign
from short_epoch import Contender, Expected, make_halves, short_epoch

from bvas.experiment.loading_config import LoadingConfig
from bvas.loading.clip_requests import TrainingClips
from bvas.loading.loader import ClipLoader

BASE = "loader"
UNPLANNED = "loader, no plan"


def compare(
    clips: TrainingClips, *, size: tuple[int, int], batch_size: int, num_workers: int, num_rounds: int
) -> list[dict[str, Any]]:
    """Measure all ways on one set of videos; return their rows."""
    expected = Expected.read(clips, 0)
    load = partial(ClipLoader, clips, batch_size, size=size, workers={"pyav": num_workers})
    with ExitStack() as stack:
        ours = {
            BASE: OurLoader(stack.enter_context(load())),
            UNPLANNED: OurLoader(stack.enter_context(load(loading=LoadingConfig(shuffle_buffer_clips=0)))),
        }
        contenders: dict[str, Contender] = {
            **ours,
            "seed's design": stack.enter_context(
                SeedDesign(clips, batch_size, workers={"opencv": num_workers})
            ),
            "torch DataLoader": TorchLoader(clips, batch_size, num_workers=num_workers),
        }
        without = stack.enter_context(WithoutLoader(clips, num_workers=num_workers))
        epochs = count()
        cases = {
            name: rounds(contender, name, expected, stretched=isinstance(contender, SeedDesign))
            for name, contender in contenders.items()
        }
        cases["workers, no loader"] = lambda: without.run(next(epochs))
        costs = interleave(cases, num_rounds=num_rounds)
        table = rows(costs, base=BASE, num_units=clips.num_clips, unit="clip")
    for row in table:
        if row["case"] in ours:
            row["decoded_per_clip"] = ours[row["case"]].decoded_per_clip
    return table


def main() -> None:
    """Run the cases and show the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--halves", type=int, default=6)
    parser.add_argument("--frames", type=int, default=1250, help="length of each")
    parser.add_argument("--codecs", nargs="+", choices=["h264", "hevc"], default=["h264", "hevc"])
    parser.add_argument("--keyframe-interval", type=int, default=250)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2, help="processes of each way")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--videos", type=Path, help="folder that keeps the videos; by default they are made anew"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    write_as_measured(args.json, __doc__ or "")

    size = (args.height, args.width)
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for codec in args.codecs:
            videos = make_halves(
                args.videos or Path(temporary),
                num_halves=args.halves,
                num_frames=args.frames,
                size=size,
                keyframe_interval=args.keyframe_interval,
                codec=codec,
            )
            clips = short_epoch(videos)
            found = compare(
                clips,
                size=size,
                batch_size=args.batch_size,
                num_workers=args.workers,
                num_rounds=args.rounds,
            )
            print(f"\n{codec}, {clips.num_clips} clips an epoch")
            show(found, base=BASE, unit="clip")
            decoded = {row["case"]: row["decoded_per_clip"] for row in found if "decoded_per_clip" in row}
            print(
                f"frames decoded a clip: {decoded[BASE]:.1f}, without a plan {decoded[UNPLANNED]:.1f} "
                f"({decoded[BASE] / decoded[UNPLANNED]:.2f})"
            )
            table += [{"codec": codec} | row for row in found]
    if args.json:
        settings = {
            "size": size,
            "halves": args.halves,
            "frames_in_a_half": args.frames,
            "keyframe_interval": args.keyframe_interval,
            "clips_an_epoch": clips.num_clips,
            "real_epoch": "6000 clips of 12 halves of 67500 frames; here as many for each frame",
            "batch_size": args.batch_size,
            "workers": args.workers,
            "clip": [clips.clip.num_frames, clips.clip.frame_step],
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
