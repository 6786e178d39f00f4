"""What does it cost to fit a 1080p frame into 736x1280: with kept weights, and with matrices made for each frame?

    python benchmarks/bench_fit.py --json benchmarks/results/fit--NAME.json

A round fits `--frames` frames of random pixels. Cases, all on `--device`:
  kept weights            `FitPlan.apply_tensor`: what frames that NVDEC decoded go through
  matrices per frame      two dense float64 matrices, made and copied to the device for each frame (bvas until bda52f9)
  opencv                  `FitPlan.apply`: what frames that the CPU decoded go through
The frames of the first two are compared: equal but for ties, which rounding may decide either way.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from harness import interleave, rows, show, write_as_measured, write_results

from bvas.system.devices import choose_device
from bvas.video.decode.fit import FitPlan, _weights, plan_fit

SOURCE, SIZE = (1080, 1920), (736, 1280)


def by_matrices(plan: FitPlan, luma: torch.Tensor) -> torch.Tensor:
    """Fit as bda52f9 did."""
    out = luma.new_zeros(plan.size)
    height, width = plan.content
    rows = torch.from_numpy(_weights(plan.source[0], height)).to(luma.device)
    columns = torch.from_numpy(_weights(plan.source[1], width)).to(luma.device)
    picture = (rows @ luma.to(rows.dtype) @ columns.T).round_().clamp_(0, 255).to(luma.dtype)
    out[plan.top : plan.top + height, plan.left : plan.left + width] = picture
    return out


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=10, help="frames of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args()
    write_as_measured(args.json, __doc__ or "")
    device = choose_device(args.device)
    torch.set_num_threads(1)
    plan = plan_fit(SOURCE, SIZE)
    luma = np.random.default_rng(0).integers(0, 256, SOURCE, dtype=np.uint8)
    on_device, out = torch.from_numpy(luma).to(device), np.empty(SIZE, np.uint8)
    difference = plan.apply_tensor(on_device).int() - by_matrices(plan, on_device).int()
    assert difference.abs().max() <= 1
    assert (difference != 0).float().mean() < 1e-3

    def kept() -> None:
        for _ in range(args.frames):
            plan.apply_tensor(on_device)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def matrices() -> None:
        for _ in range(args.frames):
            by_matrices(plan, on_device)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def opencv() -> None:
        for _ in range(args.frames):
            plan.apply(luma, out)

    costs = interleave(
        {"kept weights": kept, "matrices per frame": matrices, "opencv": opencv}, num_rounds=args.rounds
    )
    table = rows(costs, base="kept weights", num_units=args.frames, unit="frame")
    show(table, base="kept weights", unit="frame")
    if args.json:
        write_results(
            args.json,
            question=(__doc__ or "").splitlines()[0],
            settings={
                "source": SOURCE,
                "size": SIZE,
                "device": str(device),
                "frames": args.frames,
                "threads": 1,
            },
            table=table,
        )


if __name__ == "__main__":
    main()
