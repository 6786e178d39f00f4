"""A tiny experiment with two folds, to export."""

from dataclasses import replace

import numpy as np
import torch
from tiny import TINY_MODEL, tiny_experiment

from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.models.spotting import build_model
from bvas.video.encode.video_writer import VideoWriter

# timm's smallest networks are its own tests'; a graph of few nodes is exported in a second.
EXPERIMENT = replace(tiny_experiment(), model=replace(TINY_MODEL, encoder="test_resnet"))


def make_runs(runs):
    """Write two folds and the experiment, as training does."""
    for fold in range(2):
        save_checkpoint(
            fold_folder(runs, "tiny", fold) / FILE_NAME, _model(fold).state_dict(), EXPERIMENT, {"epoch": "3"}
        )
    (runs / "tiny" / "experiment.json").write_text(EXPERIMENT.to_json())


def _model(seed):
    torch.manual_seed(seed)
    clip, (height, width) = EXPERIMENT.clip, EXPERIMENT.input.size
    model = build_model(EXPERIMENT.model, clip, 2)
    # Without means and variances of real features, the scores of a new network are nearly alike.
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    frames = make_frames(16 * clip.num_frames).reshape(16, clip.num_frames, height, width)
    with torch.no_grad():
        model(torch.from_numpy(frames) / 255)
    return model.eval()


def make_frames(num, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (num, 4, 6)).repeat(16, axis=1).repeat(16, axis=2)
    return ((coarse + rng.integers(0, 256, (num, 64, 96))) // 2).astype(np.uint8)


def write_video(path, num_frames):
    with VideoWriter(path, size=(64, 96), rate=25, keyframe_interval=10) as writer:
        for frame in make_frames(num_frames, seed=5):
            writer.write(frame)
    return path
