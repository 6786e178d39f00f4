"""Half precision of a 2D network, but for weights whose rounding would show in the scores.

The first convolution takes differences of frames. Its weights are of nearly the same size and of either sign, and
bfloat16's 8 bits change their sum. On the demo this alone changed scores by up to 0.020, all other weights by 0.004.
"""

import torch
from torch import Tensor, nn


class Float32Convolution(nn.Module):
    """A convolution that computes in float32 and gives another type."""

    def __init__(self, conv: nn.Conv2d, dtype: torch.dtype) -> None:
        super().__init__()
        self.conv = conv.float()
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of pictures of any floating type, in the type asked for."""
        features: Tensor = self.conv(x.float()).to(self.dtype)
        return features


def halved(network: nn.Module, dtype: torch.dtype, example: Tensor) -> nn.Module:
    """Return a float32 network, changed in place, in another type; with bfloat16 its first convolution stays float32.

    Args:
        network: In evaluation mode.
        dtype: What it computes in.
        example: An input that it takes, float32.
    """
    first = _first_convolution(network, example) if dtype == torch.bfloat16 else None
    if first is None:
        return network.to(dtype)
    name, conv = first
    network.set_submodule(name, nn.Identity())
    network.to(dtype)
    network.set_submodule(name, Float32Convolution(conv, dtype))
    return network


def _first_convolution(network: nn.Module, example: Tensor) -> tuple[str, nn.Conv2d] | None:
    """Return name and module of the convolution that runs first; None without a convolution inside."""
    ran: list[tuple[str, nn.Conv2d]] = []
    handles = [
        module.register_forward_pre_hook(lambda conv, _, name=name: ran.append((name, conv)))
        for name, module in network.named_modules()
        if name and isinstance(module, nn.Conv2d)
    ]
    network(example)
    for handle in handles:
        handle.remove()
    return ran[0] if ran else None
