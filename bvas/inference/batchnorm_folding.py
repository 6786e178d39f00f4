"""Batch normalization folded into the convolutions before it.

In evaluation mode a normalization is a scale and an offset for each feature. A convolution can do both.
"""

import copy
import logging
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

logger = logging.getLogger(__name__)

# Two orders of the same sums differ by some 1e-6 of the largest feature; a wrong fold by about all of it.
_ALLOWED = 1e-3


def folded_weights(weight: Tensor, norm: _BatchNorm, bias: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return (weight, bias) of a convolution that does what a convolution and the norm behind it did.

    Args:
        weight: [out, ...] of the convolution.
        norm: In evaluation mode, over `out` features.
        bias: [out] of the convolution, if it has one.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    # torch's `fuse_conv_bn_weights` multiplies in another order: rows would differ from those of earlier versions in
    # their last bit, and in a still picture, where all rows are equal, that bit decides where a spot lies.
    scale = torch.rsqrt(norm.running_var + norm.eps) * (1.0 if norm.weight is None else norm.weight)
    offset = ((0.0 if bias is None else bias) - norm.running_mean) * scale
    if norm.bias is not None:
        offset = offset + norm.bias
    return (weight * scale.reshape(-1, *[1] * (weight.ndim - 1))).detach(), offset.detach()


def without_batch_norm(network: nn.Module, example: Tensor) -> nn.Module:
    """Return a copy of a 2D network with each batch normalization folded into the convolution that feeds it.

    The pairs are found while the example runs. Where the output of the folded copy differs from the network's, a
    warning is logged and a plain copy is returned.

    Args:
        network: In evaluation mode.
        example: An input that it takes.
    """
    folded = copy.deepcopy(network)
    with torch.inference_mode(False), torch.no_grad():
        expected: Tensor = network(example)
        for conv, norm in _fed_by_convolutions(folded, example):
            weight, bias = folded_weights(conv.weight, norm, conv.bias)
            conv.weight.copy_(weight)
            conv.bias = nn.Parameter(bias, requires_grad=False)
            # timm's normalization layers hold the activation as well.
            _replace(folded, norm, getattr(norm, "act", nn.Identity()))
        found: Tensor = folded(example)
    if not torch.allclose(found, expected, rtol=0, atol=_ALLOWED * float(expected.abs().max())):
        logger.warning(
            "batch normalization of %s cannot be folded; prediction is slower, with the same scores",
            type(network).__name__,
        )
        return copy.deepcopy(network)
    return folded


def _fed_by_convolutions(network: nn.Module, example: Tensor) -> list[tuple[nn.Conv2d, _BatchNorm]]:
    """Return the pairs of a convolution and the normalization of its output, where each runs once."""
    made: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    fed: list[tuple[nn.Conv2d, _BatchNorm]] = []

    def after_conv(conv: nn.Conv2d, inputs: Any, output: Tensor) -> None:
        made[id(output)] = conv, output

    def before_norm(norm: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made:
            fed.append((made[id(inputs[0])][0], norm))

    handles = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(after_conv))
        elif isinstance(module, _BatchNorm):
            handles.append(module.register_forward_pre_hook(before_norm))
    network(example)
    for handle in handles:
        handle.remove()
    convs, norms = [conv for conv, _ in fed], [norm for _, norm in fed]
    return [
        (conv, norm)
        for conv, norm in fed
        if convs.count(conv) == norms.count(norm) == 1 and conv.out_channels == norm.num_features
    ]


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
