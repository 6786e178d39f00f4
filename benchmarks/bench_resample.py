"""How far do pixels and logits of torchvision's video networks, with random weights, move if frames are scaled by area?

    python benchmarks/bench_resample.py --json benchmarks/results/resample--NAME.json

Input `resample="area"` scales in the workers, each pixel the mean of what it covers; `"bilinear"` scales on the device
without antialias, as torchvision's transforms do. A clip is 16 frames of color texture (bench_color.py) of a size.
Published weights may react otherwise. Pixels are RGB in 1/255. The change of the logits is divided by their standard
deviation over the clips, which is small for random weights.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch
from bench_color import color_video
from harness import note_measured, write_as_measured, write_results
from torchvision.models import get_model_weights
from torchvision.models.video import mvit_v2_s, r3d_18, s3d

from bvas import open_video
from bvas.loading.device_fit import DeviceFit
from bvas.values.color import to_unit_frames
from bvas.values.input_format import InputFormat

MODELS = {
    "r3d_18": (r3d_18, InputFormat(size=(112, 112), channels="rgb", fit="stretch", resize=(128, 171))),
    "s3d": (s3d, InputFormat(size=(224, 224), channels="rgb", fit="stretch", resize=(256, 256))),
    "mvit_v2_s": (mvit_v2_s, InputFormat(size=(224, 224), channels="rgb", fit="crop", resize=(256, 256))),
}
NUM_FRAMES = 16


def clips_of(path: Path, form: InputFormat, starts: Sequence[int]) -> torch.Tensor:
    """Return clips [n, T, 3, H, W] in [0, 1] as an experiment of this form sees them."""
    found = []
    with open_video(path, **form.reading) as reader:
        for start in starts:
            frames = reader.read(range(start, start + NUM_FRAMES))
            if form.is_scaled_on_device:
                found.append(DeviceFit(form, "range")(frames, reader.form))
            else:
                found.append(to_unit_frames(frames[None], [reader.form], "range")[0])
    return torch.stack(found)


def compare(path: Path, name: str, starts: Sequence[int]) -> dict[str, Any]:
    """Return the differences of one model on one video."""
    build, form = MODELS[name]
    area, bilinear = (
        clips_of(path, replace(form, resample=resample), starts) for resample in ("area", "bilinear")
    )
    torch.manual_seed(0)
    model = build(weights=None).eval()
    transform = get_model_weights(name).DEFAULT.transforms()
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (transform.mean, transform.std))
    with torch.inference_mode():
        logits = [
            torch.cat([model(((clip - mean) / std).transpose(0, 1)[None]) for clip in clips])
            for clips in (area, bilinear)
        ]
    pixels = 255 * (area - bilinear).abs()
    change = (logits[0] - logits[1]).square().mean().sqrt()
    return {
        "case": name,
        "mean_pixel_difference": float(pixels.mean()),
        "largest_pixel_difference": float(pixels.max()),
        "logit_difference_over_spread": float(change / logits[1].std(dim=0).square().mean().sqrt()),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Compare all models and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    write_as_measured(args.json, __doc__ or "")
    table = []
    with tempfile.TemporaryDirectory() as temporary:
        path = color_video(Path(temporary) / "a.mp4", 40 * args.clips, 50)
        for name in args.models:
            row = compare(path, name, [40 * number for number in range(args.clips)])
            note_measured(**row)
            table.append(row)
            print(
                ", ".join(
                    f"{key} {value if isinstance(value, str) else round(value, 4)}"
                    for key, value in row.items()
                )
            )
    if args.json is not None:
        settings = {
            "clips": args.clips,
            "size": [720, 1280],
            "opencv": cv2.__version__,
            "weights": "random, seed 0",
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)


if __name__ == "__main__":
    main()
