"""Flip TTA, and the mean over several models."""

# Dimension letters in this file: V flips (2 with flip TTA, else 1), M stacks or clips, K labels, W width.

from collections.abc import Sequence

import torch
from einops import reduce
from torch import Tensor, nn

from bvas.errors import ConfigError
from bvas.models.spotting import SpottingModel
from bvas.values.clip_config import ClipConfig


def check_models(models: Sequence[SpottingModel], clip: ClipConfig) -> torch.device:
    """Put the models in evaluation mode and return the device that they are on.

    Raises:
        ConfigError: no models, or models that differ from each other or from the clip.
    """
    if not models:
        raise ConfigError("prediction needs at least one model, got none")
    wanted = (clip.num_frames, clip.stack_size, models[0].num_labels, models[0].pixels)
    for model in models:
        has = (model.clip.num_frames, model.clip.stack_size, model.num_labels, model.pixels)
        if has != wanted:
            raise ConfigError(
                f"a model of (num_frames, stack_size, num_labels, pixels) {has} cannot predict with one of {wanted}; "
                "average the score curves of different models instead (bvas.values.score_curve.mean_curve)"
            )
    devices = {next(model.parameters()).device for model in models}
    if len(devices) > 1:
        raise ConfigError(f"models lie on different devices ({devices}); move them to one with .to(device)")
    for model in models:
        model.eval()
    return devices.pop()


def with_flipped(pictures: Tensor, flip: bool) -> Tensor:
    """Return pictures [V * M, ..., W] of [M, ..., W]: themselves, then their mirror images if asked."""
    return torch.cat([pictures, pictures.flip(-1)]) if flip else pictures


def mean_scores(logits: Sequence[Tensor], num_flips: int) -> Tensor:
    """Return scores float32 [M, K]: the mean over models and flips of the sigmoids of logits [V * M, K].

    NaN where a logit is infinite: features beyond the range of float16 would otherwise give a score of 0 or 1.
    """
    all_logits = torch.stack([one.float() for one in logits])
    scores = torch.where(all_logits.isfinite(), all_logits.sigmoid(), torch.nan)
    return reduce(scores, "models (V M) K -> M K", "mean", V=num_flips)


def mean_probabilities(models: Sequence[nn.Module], clips: Tensor, flip: bool) -> Tensor:
    """Return probabilities float32 [M, K] of clips [M, ..., W]: the mean over models and flips of the softmaxes."""
    # One after the other: twice the batch would take twice the memory.
    views = [clips, clips.flip(-1)] if flip else [clips]
    return torch.stack([model(view).float().softmax(dim=1) for model in models for view in views]).mean(dim=0)
