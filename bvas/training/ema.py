"""Averaged weights: what is validated, saved and predicts."""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def average_weights(model: nn.Module, decay: float) -> AveragedModel:
    """Return torch's exponential moving average over `model`'s parameters and buffers.

    BatchNorm statistics are averaged with the same decay, as the seed does, so that
    they belong to the averaged weights and not to the latest ones.
    """
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
