"""Short clips of two classes that differ in the order of their frames, and an experiment for them."""

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from tiny import TINY_MODEL

from bvas.augment.config import AugmentConfig
from bvas.data.spotting_task import dataset_task
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, InputConfig, TrainConfig
from bvas.values.clip_config import ClipConfig

LABELS = ("LEFT", "RIGHT")
HEIGHT, WIDTH, NUM_FRAMES = 32, 48, 8


def bar_at(place: int, background: int = 60) -> np.ndarray:
    """A picture, uint8 [32, 48], with a bright bar of 6 columns from column 5 * `place` on."""
    luma = np.full((HEIGHT, WIDTH), background, np.uint8)
    luma[:, 5 * place : 5 * place + 6] = 220
    return luma


def write_clip(path: Path, pictures, rate: int = 10) -> Path:
    """Write gray pictures [T, H, W] as a video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "12"})
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for luma in pictures:
            planes = np.concatenate([luma.ravel(), np.full(luma.size // 2, 128, np.uint8)])
            frame = av.VideoFrame.from_ndarray(planes.reshape(-1, luma.shape[1]), format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def moving_bar(label: str, background: int = 60) -> list[np.ndarray]:
    """Pictures of a bar that moves to the left or right by 5 columns a frame."""
    places = range(NUM_FRAMES) if label == "RIGHT" else range(NUM_FRAMES - 1, -1, -1)
    return [bar_at(place, background) for place in places]


def write_bars(root: Path, num_groups: int = 6, **more) -> Path:
    """Write a data root: of each group a clip of each class; splits by group in turn."""
    samples = []
    for group in range(num_groups):
        split = ("train", "train", "train", "valid", "test", "train")[group % 6]
        for label in LABELS:
            name = f"clips/{group}_{label}.mp4"
            write_clip(root / name, moving_bar(label, 40 + 2 * group))
            samples.append({"video": name, "label": label, "group": f"g{group}", "split": split})
    content = {"format": "bvas-dataset-2", "labels": list(LABELS), "samples": samples} | more
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def bars_experiment(**changes) -> Experiment:
    """An experiment of kind clip for `write_bars`."""
    whole = Experiment(
        name="bars",
        kind="clip",
        task=dataset_task(LABELS),
        input=InputConfig(size=(HEIGHT, WIDTH), rate=10.0),
        clip=ClipConfig(num_frames=NUM_FRAMES, frame_step=1, stack_size=4),
        model=replace(TINY_MODEL, drop_rate=0.0),
        augment=AugmentConfig.none(),
        classes=ClassConfig(),
        train=TrainConfig(batch_size=4, warmup_epochs=0, epochs=2, learning_rate=1e-3, ema_decay=0.5),
        flip_tta=False,
    )
    return replace(whole, **changes)
