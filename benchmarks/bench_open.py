"""How long until a 45-minute half is open, with info and index, from the cache and by a scan of its packets?

    python benchmarks/bench_open.py --json benchmarks/results/open--NAME.json

The video has 67,500 frames, a keyframe every 250 and B-frames, as a half has, and tiny pictures: opening decodes
only its first dozen. A scan also reads the whole file, which is small here; a real half's gigabyte comes on top
of it, and of the cached opening not.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from harness import interleave, rows, show, spread, write_as_measured, write_results

from bvas.video.decode.open_video import open_video

SIZE = (48, 64)
KEYFRAME_INTERVAL = 250


def make_half(path: Path, num_frames: int) -> None:
    """Write a video of that many tiny frames."""
    random = np.random.default_rng(0)
    pictures = [random.integers(16, 236, (SIZE[0] * 3 // 2, SIZE[1]), dtype=np.uint8) for _ in range(8)]
    keyframes = f"keyint={KEYFRAME_INTERVAL}:min-keyint={KEYFRAME_INTERVAL}:scenecut=0:bframes=3:threads=1"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"preset": "ultrafast", "crf": "40", "x264-params": keyframes}
        )
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(num_frames):
            picture = pictures[number // 40 % len(pictures)]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode())


def open_once(path: Path, num_frames: int, *, cache: bool) -> None:
    """Open the video and look at what is known of it."""
    with open_video(path, cache=cache) as reader:
        assert reader.info.num_frames == len(reader.index.pts) == num_frames, "another number of frames"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and show the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=67_500)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    with tempfile.TemporaryDirectory() as folder:
        os.environ["BVAS_HOME"] = folder
        path = Path(folder) / "half.mp4"
        make_half(path, args.frames)
        open_once(path, args.frames, cache=True)
        cases: Mapping[str, Callable[[], object]] = {
            "from the cache": partial(open_once, path, args.frames, cache=True),
            "by a scan": partial(open_once, path, args.frames, cache=False),
        }
        costs = interleave(cases, num_rounds=args.rounds)
    table: list[dict[str, Any]] = rows(costs, base="by a scan", num_units=1, unit="opening")
    for row in table:
        row["wall_milliseconds"] = asdict(spread([1e3 * run.wall_seconds for run in costs[row["case"]]]))
    show(table, base="by a scan", unit="opening")
    for row in table:
        wall = row["wall_milliseconds"]
        print(
            f"{row['case']}: {wall['median']:.2f} ms "
            f"({wall['first_quartile']:.2f} to {wall['third_quartile']:.2f})"
        )
    if args.json:
        settings = {"size": SIZE, "num_frames": args.frames, "keyframe_interval": KEYFRAME_INTERVAL}
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
