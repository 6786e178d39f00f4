"""Networks that were never trained, whose scores differ from frame to frame."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from bvas.models.spotting import build_model


def usable_model(config, clip, frames, *, num_labels=2, seed=0, eps=1e-3):
    """Return a network in evaluation mode.

    Batch normalization gets the means and variances of real features: without them the scores of a new network are
    nearly alike. The classifier's weights are scaled down, so that no score is close to 0 or 1.

    Args:
        config: Of the model.
        clip: Its clip.
        frames: uint8 [n * clip.num_frames, H, W] or [n, clip.num_frames, H, W], that it normalizes by.
        num_labels: Its labels.
        seed: Of its weights.
        eps: Of its batch normalization.
    """
    torch.manual_seed(seed)
    model = build_model(config, clip, num_labels)
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum, module.eps = 1.0, eps
    with torch.no_grad():
        model(torch.from_numpy(frames.reshape(-1, clip.num_frames, *frames.shape[-2:])) / 255)
        model.classifier.weight.mul_(0.25)
    return model.eval()
