"""What does a random clip, and a frame in sequence, cost our readers and their peers in CPU time?

    python benchmarks/bench_decode.py --videos /tmp/videos --json benchmarks/results/decode--NAME.json

A clip is 15 frames, every 2nd; clips begin at random places spread evenly over the keyframe interval. In
sequence every frame is delivered. Costs are divided by those of the floor in the same round. Methods:
  libav floor             decode from the keyframe up to the last wanted frame, one thread, deliver nothing
  pyav reader             open_video(..., "pyav"): read, stream
  opencv reader           open_video(..., "opencv"): read, stream
  opencv read+cvt         VideoCapture: seek by number, read each frame of the span, cvtColor to gray
  torchcodec exact        VideoDecoder, exact seeking: get_frames_at, get_frames_in_range, cvtColor to gray
  torchcodec approximate  the same with approximate seeking
  decord                  VideoReader: get_batch, cvtColor to gray
  nvdec reader            open_video(..., "nvdec"), with --device cuda
Each has one decoding thread and one process that keeps its file open and is stopped while others run. The
frames that it delivers are checked once, by the number that each carries; ours must all be right, and the same
bytes, a peer's wrong ones are counted in its row. torchcodec and decord are the extra `bench`.
"""

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from adapters.decord_adapter import Decord
from adapters.torchcodec_adapter import Torchcodec
from apart import AbsentError, Apart
from clips import CLIP, random_clips
from harness import interleave, rows, show, write_as_measured, write_results
from methods import Floor, Measured, OpencvUsual, Ours
from videos import kept_video

BASE = "libav floor"
# Reading -> method of `Measured`, unit of its costs.
READINGS = {"random clips": ("read_clips", "clip"), "in sequence": ("read_sequence", "frame")}


def methods_for(device: str) -> dict[str, Any]:
    """Return what opens a video for each method, by name."""
    methods = {
        BASE: Floor(),
        "pyav reader": Ours("pyav"),
        "opencv reader": Ours("opencv"),
        "opencv read+cvt": OpencvUsual(),
        "torchcodec exact": Torchcodec("exact"),
        "torchcodec approximate": Torchcodec("approximate"),
        "decord": Decord(),
    }
    return methods | ({"nvdec reader": Ours("nvdec", device)} if device != "cpu" else {})


def compare(
    path: Path,
    clips: list[list[int]],
    *,
    num_sequential: int,
    num_rounds: int,
    readings: Sequence[str],
    methods: dict[str, Any],
    about: dict[str, Any],
) -> list[dict[str, Any]]:
    """Measure all methods on one video; print and return its rows, clips first."""
    with ExitStack() as stack:
        open_methods: dict[str, Apart] = {}
        missing: list[dict[str, Any]] = []
        wrong: dict[str, int | None] = {BASE: None}
        digests = set()
        for name, method in methods.items():
            try:
                measured = stack.enter_context(Apart(partial(Measured, method, path)))
            except AbsentError as absent:
                missing.append({"case": name, "not_run": str(absent)})
                continue
            open_methods[name] = measured
            if name != BASE:
                wrong[name] = measured.call("num_wrong", clips, num_sequential)
            if isinstance(method, Ours):
                digests.add(measured.call("digest", clips))
                if wrong[name]:
                    raise SystemExit(f"{name} delivers {wrong[name]} wrong frames of {path.name}")
        if len(digests) > 1:
            raise SystemExit(f"our readers deliver different pixels of {path.name}")
        result = []
        for reading in readings:
            method_name, unit = READINGS[reading]
            argument, num_units = (clips, len(clips)) if unit == "clip" else (num_sequential, num_sequential)
            cases = {
                name: partial(measured.call, method_name, argument) for name, measured in open_methods.items()
            }
            costs = interleave(cases, num_rounds=num_rounds)
            table = rows(costs, base=BASE, num_units=num_units, unit=unit)
            table = [row | {"wrong_frames": wrong[row["case"]]} for row in table] + missing
            print(f"\n{about['codec']}, a keyframe every {about['keyframe_interval']} frames, {reading}")
            show(table, base=BASE, unit=unit)
            result += [about | {"reading": reading} | row for row in table]
        return result


def main(argv: Sequence[str] | None = None) -> None:
    """Run the cases and show the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--frames", type=int, default=1000, help="length of the videos")
    parser.add_argument("--codecs", nargs="+", choices=["h264", "hevc"], default=["h264", "hevc"])
    parser.add_argument("--keyframe-intervals", type=int, nargs="+", default=[250, 50])
    parser.add_argument("--clips", type=int, default=8, help="clips a round and case")
    parser.add_argument("--sequence", type=int, default=200, help="frames in sequence a round and case")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readings", nargs="+", choices=READINGS, default=list(READINGS))
    parser.add_argument("--methods", nargs="+", help="only these, and the floor")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--videos", type=Path, help="folder that keeps the videos; by default they are made anew"
    )
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    size = (args.height, args.width)
    methods = methods_for(args.device)
    if args.methods:
        methods = {name: method for name, method in methods.items() if name in {BASE, *args.methods}}
    table: list[dict[str, Any]] = []
    videos: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for codec in args.codecs:
            for interval in args.keyframe_intervals:
                path = kept_video(
                    args.videos or Path(temporary),
                    size=size,
                    num_frames=args.frames,
                    keyframe_interval=interval,
                    codec=codec,
                )
                videos[f"{codec} {interval}"] = {
                    "bits_per_second": path.stat().st_size * 8 * 25 // args.frames
                }
                table += compare(
                    path,
                    random_clips(args.clips, num_frames=args.frames, keyframe_interval=interval),
                    num_sequential=args.sequence,
                    num_rounds=args.rounds,
                    readings=args.readings,
                    methods=methods,
                    about={"codec": codec, "keyframe_interval": interval},
                )
    if args.json:
        settings = {
            "size": size,
            "num_frames": args.frames,
            "videos": videos,
            "clips_a_round": args.clips,
            "frames_in_sequence_a_round": args.sequence,
            "device": args.device,
            "clip": [CLIP.num_frames, CLIP.frame_step],
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
