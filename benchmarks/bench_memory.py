"""Does the memory that spotting takes grow with the length of the video?

    python benchmarks/bench_memory.py --json benchmarks/results/memory--NAME.json     # 20 minutes on 2 cores
    python benchmarks/bench_memory.py --device cuda --json ...
    python benchmarks/bench_memory.py --minutes 1 5 --size 112x192

Videos of 5 and 90 minutes, 1280x720, are one video of 20 seconds whose packets are repeated. Each is spotted from file
to spots in a process of its own, with a small model that was never trained. A row has the most memory that the process
held, and on a GPU what PyTorch held at most and what was taken of the device at the end, by NVDEC too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from harness import note_measured, write_as_measured, write_results
from videos import kept_video, repeated_video

from bvas.commands.option_values import parse_size
from bvas.experiment.experiment import Experiment, InputConfig, load_experiment
from bvas.inference.spot_video import spot_video
from bvas.inference.spotter import Spotter
from bvas.models.spotting import build_model
from bvas.system.devices import choose_device

_SECONDS = 20
_GOAL = 1.1


def small_spotter(device: str, size: tuple[int, int], stride: int) -> Spotter:
    """Return a spotter of the demo's labels with a small model, never trained, of clips of 15 frames."""
    demo = load_experiment("demo")
    model = replace(
        demo.model, encoder="mobilenetv3_small_050", pretrained=False, num_blocks_3d=1, num_features_3d=24
    )
    experiment: Experiment = replace(demo, input=InputConfig(size=size), model=model)
    chosen = choose_device(device)
    torch.manual_seed(0)
    built = build_model(model, experiment.clip, len(experiment.task.labels)).to(chosen)
    return Spotter(experiment, (built,), chosen, stride=stride)


def forget_peak() -> None:
    """Count the most memory of this process anew from here on; needs Linux."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(process: str = "self") -> int:
    """Return the most memory that a process has held, this one by default; needs Linux."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell the peak of memory")


def spot_once(video: Path, spotter: Spotter) -> dict[str, Any]:
    """Spot a video, and return what memory that took."""
    found = spot_video(video, spotter)
    facts: dict[str, Any] = {"rows": len(found.curve.seconds), "peak_bytes": peak_bytes()}
    if spotter.device.type == "cuda":
        free, total = torch.cuda.mem_get_info(spotter.device)
        facts["device_peak_bytes"] = torch.cuda.max_memory_allocated(spotter.device)
        facts["device_taken_bytes"] = total - free
    return facts


def main(argv: Sequence[str] | None = None) -> None:
    """Make the videos, spot each in a process, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 90.0])
    parser.add_argument("--size", type=parse_size, default=(720, 1280), help="HxW of the videos")
    parser.add_argument(
        "--model-size", type=parse_size, default=(96, 160), help="HxW of the model's pictures"
    )
    parser.add_argument("--stride", type=int, default=4, help="rows from one that is computed to the next")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--videos", type=Path, help="folder that keeps the short video")
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")

    if args.only is not None:
        print(json.dumps(spot_once(args.only, small_spotter(args.device, args.model_size, args.stride))))
        return
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        short = kept_video(
            args.videos or folder, size=args.size, num_frames=25 * _SECONDS, keyframe_interval=50
        )
        for minutes in args.minutes:
            times = max(1, round(60 * minutes / _SECONDS))
            video = repeated_video(short, folder / f"{times}.mkv", times)
            height, width = args.model_size
            command = [sys.executable, __file__, "--only", str(video), "--device", args.device]
            command += ["--model-size", f"{height}x{width}", "--stride", str(args.stride)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            table.append({"case": f"{minutes:g} minutes"} | json.loads(done.stdout))
            note_measured(**table[-1])
            video.unlink()
    for row in table:
        for kind in ("peak_bytes", "device_peak_bytes", "device_taken_bytes"):
            if kind in row:
                row[f"{kind}_ratio"] = row[kind] / table[0][kind]
                print(f"{row['case']:12} {kind:20} {row[kind] / 2**20:9.1f} MiB, {row[f'{kind}_ratio']:.3f}")
    if args.json is not None:
        settings = {
            "device": args.device,
            "size": list(args.size),
            "model_size": list(args.model_size),
            "stride": args.stride,
            "goal_ratio": _GOAL,
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
