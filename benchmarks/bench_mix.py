"""Do workers of two kinds deliver as many clips a second together as the sum of what each kind delivers alone?

    python benchmarks/bench_mix.py --device cuda --json benchmarks/results/mix--NAME.json

By default NVDEC, the CPU (pyav), and both on a GPU; else pyav, OpenCV and both. A round is an epoch of other draws
for each, as dense as the real one (short_epoch.py), planned as a whole. The clips of the first epoch, which is
not timed, are compared with what one pyav reader reads.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness import interleave, rows, show, spread, write_as_measured, write_results
from our_loader import OurLoader, mix_named, name_of, rounds
from short_epoch import Expected, make_halves, short_epoch

from bvas.loading.loader import ClipLoader
from bvas.system.cpu_cores import num_cpus


def main() -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--first", type=mix_named, help="workers of one kind, e.g. nvdec=3")
    parser.add_argument("--second", type=mix_named, help="workers of another, e.g. pyav=12")
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--halves", type=int, default=12)
    parser.add_argument("--frames", type=int, default=6750, help="length of each")
    parser.add_argument("--codec", choices=["h264", "hevc"], default="h264")
    parser.add_argument("--keyframe-interval", type=int, default=250)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--videos", type=Path, help="folder that keeps the videos; by default they are made anew"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    write_as_measured(args.json, __doc__ or "")

    on_gpu = args.device != "cpu"
    first = args.first or ({"nvdec": 3} if on_gpu else {"pyav": 1})
    second = args.second or ({"pyav": max(num_cpus() - 2, 1)} if on_gpu else {"opencv": 1})
    mixes = [first, second, {**first, **second}]
    size = (args.height, args.width)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        videos = make_halves(
            args.videos or Path(temporary),
            num_halves=args.halves,
            num_frames=args.frames,
            size=size,
            keyframe_interval=args.keyframe_interval,
            codec=args.codec,
        )
        clips = short_epoch(videos)
        expected = Expected.read(clips, 0)
        loaders = {
            name_of(mix): OurLoader(
                stack.enter_context(
                    ClipLoader(clips, args.batch_size, size=size, workers=mix, device=args.device)
                )
            )
            for mix in mixes
        }
        costs = interleave(
            {name: rounds(loader, name, expected) for name, loader in loaders.items()},
            num_rounds=args.rounds,
        )
    names = [name_of(mix) for mix in mixes]
    table: list[dict[str, Any]] = rows(costs, base=names[-1], num_units=clips.num_clips, unit="clip")
    for row in table:
        row["decoded_per_clip"] = loaders[row["case"]].decoded_per_clip
    rates = [[1 / cost.wall_seconds for cost in costs[name]] for name in names]
    of_sum = spread([both / (one + other) for one, other, both in zip(*rates, strict=True)])
    table[-1]["share_of_sum"] = {"median": of_sum.median}
    show(table, base=names[-1], unit="clip")
    print(f"together {of_sum.median:.2f} of the sum")
    if args.json:
        settings = {
            "size": size,
            "halves": args.halves,
            "frames_in_a_half": args.frames,
            "codec": args.codec,
            "keyframe_interval": args.keyframe_interval,
            "clips_an_epoch": clips.num_clips,
            "batch_size": args.batch_size,
            "device": args.device,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
