"""Is NVDEC there, and does PyNvVideoCodec decode? Says so, and writes it as JSON.

python scripts/nvdec_facts.py --json FILE
"""

import argparse
import ctypes
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bvas.errors import DecodeError
from bvas.video.open import open_video
from bvas.video.writer import VideoWriter

LIBRARIES = ("libcuda.so.1", "libnvcuvid.so.1", "libnvidia-encode.so.1")
NUM_FRAMES = 60


def library_answer(name: str) -> str:
    """Return `found`, or why a driver library cannot be loaded."""
    try:
        ctypes.CDLL(name)
    except OSError as error:
        return str(error)
    return "found"


def package_version(name: str) -> str:
    """Return a package's version, or `not installed`."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def decode_answer(codec: str) -> dict[str, Any]:
    """Return whether a video of moving bars decodes on the GPU, and whether it equals the CPU's frames."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.mp4"
        with VideoWriter(path, size=(360, 640), rate=25, codec=codec, keyframe_interval=20) as writer:
            for number in range(NUM_FRAMES):
                columns = (np.arange(640) + 8 * number) // 40 % 2
                writer.write(np.broadcast_to(np.where(columns, 200, 40).astype(np.uint8), (360, 640)).copy())
        indices = list(range(NUM_FRAMES))
        with open_video(path, "pyav") as reader:
            wanted = reader.read(indices)
        try:
            with open_video(path, "nvdec", device="cuda") as reader:
                frames = reader.read(indices).cpu()
        except DecodeError as error:
            return {"decodes": False, "reason": str(error)}
    return {
        "decodes": True,
        "equals_cpu": bool(torch.equal(frames, wanted)),
        "largest_difference": int((frames.int() - wanted.int()).abs().max()),
    }


def facts() -> dict[str, Any]:
    """Return all answers, with what the machine is."""
    has_gpu = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": torch.cuda.get_device_name() if has_gpu else None,
        "packages": {name: package_version(name) for name in ("PyNvVideoCodec", "av", "kornia", "timm")},
        "libraries": {name: library_answer(name) for name in LIBRARIES},
        "nvdec": {codec: decode_answer(codec) for codec in ("h264", "hevc")} if has_gpu else "no CUDA device",
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Print and write the facts; 1 where NVDEC does not decode."""
    parser = argparse.ArgumentParser(description="Is NVDEC there, and does PyNvVideoCodec decode?")
    parser.add_argument("--json", type=Path, help="file to write")
    args = parser.parse_args(argv)
    found = facts()
    text = json.dumps(found, indent=1)
    print(text)
    if args.json is not None:
        args.json.write_text(text + "\n")
    answers = found["nvdec"]
    return 0 if isinstance(answers, dict) and all(answer["decodes"] for answer in answers.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
