"""Networks that were never trained, whose scores differ from frame to frame; frames for them, and predictors."""

import functools

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from bvas.inference.streaming import StreamingPredictor
from bvas.inference.torch_engine import TorchEngine
from bvas.models.config import GRAY, ModelConfig
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig

SMALL = ModelConfig(
    encoder="mobilenetv3_small_050",
    pretrained=False,
    num_blocks_3d=1,
    num_features_3d=8,
    se_reduction_3d=4,
    num_features_stack=4,
    drop_rate=0.0,
    drop_path_rate=0.0,
    encoder_drop_path_rate=0.0,
)
SHORT = ClipConfig(num_frames=6, frame_step=2, stack_size=3)


def usable_model(config, clip, frames, *, num_labels=2, seed=0, eps=1e-3, weight=0.25, pixels=GRAY):
    """Return a network in evaluation mode.

    Batch normalization gets the means and variances of real features: without them the scores of a new network are
    nearly alike.

    Args:
        config: Of the model.
        clip: Its clip.
        frames: uint8 [n * clip.num_frames, H, W] or [n, clip.num_frames, H, W], that it normalizes by; of color
            [n, clip.num_frames, 3, H, W].
        num_labels: Its labels.
        seed: Of its weights.
        eps: Of its batch normalization; None leaves it. A checkpoint does not hold it.
        weight: Factor of the classifier's weights: below 1 no score is close to 0 or 1.
        pixels: Channels of its frames, and their normalization.
    """
    torch.manual_seed(seed)
    model = build_model(config, clip, num_labels, pixels=pixels, size=frames.shape[-2:])
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum, module.eps = 1.0, module.eps if eps is None else eps
    with torch.no_grad():
        shape = frames.shape[-2:] if pixels.num_channels == 1 else (pixels.num_channels, *frames.shape[-2:])
        model(torch.from_numpy(frames.reshape(-1, clip.num_frames, *shape)) / 255)
        model.classifier.weight.mul_(weight)
    return model.eval()


@functools.cache
def small_model(clip, seed=0):
    """Return a usable model that computes in milliseconds, for pictures of 32x48."""
    return usable_model(SMALL, clip, textured_frames(40 * clip.num_frames, seed=99), seed=seed)


def torch_predictor(models, clip, *, batch=None, stride=1, share_repeats=True, **options):
    """Return a predictor of models; `options` are those of `TorchEngine`."""
    engine = TorchEngine(models, clip, **options)
    return StreamingPredictor(engine, batch=batch, stride=stride, share_repeats=share_repeats)


def held_bytes(predictor):
    """Return the memory of the frames and features that a predictor keeps."""

    def rings(value):
        return [ring for one in value for ring in rings(one)] if isinstance(value, list | tuple) else [value]

    engine = predictor._engine
    return sum(
        ring.rows.nbytes for ring in rings([engine._frames, engine._features]) if ring.rows is not None
    )


def textured_frames(num, seed=0, cell=8):
    """Return uint8 [num, 4 * cell, 6 * cell]: coarse squares under noise, other ones in each frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (num, 4, 6)).repeat(cell, axis=1).repeat(cell, axis=2)
    return ((coarse + rng.integers(0, 256, (num, 4 * cell, 6 * cell))) // 2).astype(np.uint8)


def stream(predictor, frames, chunk=64, color_range="limited"):
    """Return all rows of frames that are pushed in chunks."""
    parts = [predictor.push(frames[i : i + chunk], color_range) for i in range(0, len(frames), chunk)]
    return np.concatenate([*parts, predictor.finish()])
