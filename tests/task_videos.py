"""Tiny videos and data roots for the tests of tasks."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_video(path: Path, num_frames: int = 50, rate: Fraction | int = 25) -> Path:
    """Write a video of 48x64 in which nothing happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1
        frame = av.VideoFrame.from_ndarray(np.full((72, 64), 90, np.uint8), format="yuv420p")
        for _ in range(num_frames):
            frame.pts = None
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_dataset(root: Path, matches: list, *, labels=("PASS", "DRIVE"), **more) -> Path:
    """Write `dataset.json` with these matches."""
    root.mkdir(parents=True, exist_ok=True)
    content = {"format": "bvas-dataset-1", "labels": list(labels), "matches": matches} | more
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def match(name: str, annotations=None, **more) -> dict:
    """Return a match with one video that is called like it."""
    entry = {"name": name, "videos": [f"{name}.mp4"], **more}
    return entry if annotations is None else {**entry, "annotations": annotations}


def write_label_file(path: Path, annotations: list) -> None:
    """Write one of SoccerNet's label files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"annotations": annotations}))


def entry(label="PASS", position="400", time="1 - 00:00", **more) -> dict:
    """Return an annotation as SoccerNet's files have it."""
    return {"gameTime": time, "label": label, "position": position, **more}
