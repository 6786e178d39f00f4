"""Slow pathway of SlowFast networks as a ResNet-50 over few frames, for the weights of pytorchvideo's `slow_r50`.

Feichtenhofer et al., "SlowFast Networks for Video Recognition", 2019. Four stages of bottleneck blocks; the last two
convolve over time as well, 3 frames. Strides are spatial only, so T frames stay T up to the head. Names and
shapes of the 320 tensors are those of pytorchvideo 0.1.5.
"""

# Dimension letters in this file: B clips, C channels, T frames, H W frame size, K classes.

from collections import OrderedDict

import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses
from torch import Tensor, nn

# Blocks, inner features and temporal kernel of the stages; a block gives four times its inner features.
_STAGES = ((3, 64, 1), (4, 128, 1), (6, 256, 3), (3, 512, 3))
_EXPANSION = 4


class SlowR50(nn.Module):
    """Slow pathway with a ResNet-50: normalized RGB clips [B, 3, T, H, W] to logits [B, K], without softmax.

    Attributes:
        blocks: 0 is the stem, 1 to 4 are the stages, 5 is the head.
    """

    def __init__(self, num_classes: int = 400) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        features = 64
        for number, (depth, inner, kernel) in enumerate(_STAGES):
            stride = 1 if number == 0 else 2
            blocks: list[nn.Module] = [_ResBlock(features, inner, kernel, stride)]
            features = inner * _EXPANSION
            blocks += [_ResBlock(features, inner, kernel, 1) for _ in range(depth - 1)]
            stages.append(nn.Sequential(OrderedDict(res_blocks=nn.Sequential(*blocks))))
        self.blocks = nn.Sequential(_stem(), *stages, _head(features, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, frames_BCTHW: Tensor) -> Tensor:
        """Return logits [B, K]."""
        logits_BK: Tensor = self.blocks(frames_BCTHW)
        return logits_BK


class _ResBlock(nn.Module):
    """Bottleneck block: 1x1 over `kernel` frames, 3x3 with the stride, 1x1; the first of a stage projects its input."""

    def __init__(self, features: int, inner: int, kernel: int, stride: int) -> None:
        super().__init__()
        out = inner * _EXPANSION
        self.projects = features != out
        if self.projects:
            self.branch1_conv = _conv(features, out, (1, 1, 1), stride)
            self.branch1_norm = nn.BatchNorm3d(out)
        self.branch2 = nn.Sequential(
            OrderedDict(
                conv_a=_conv(features, inner, (kernel, 1, 1)),
                norm_a=nn.BatchNorm3d(inner),
                act_a=nn.ReLU(inplace=True),
                conv_b=_conv(inner, inner, (1, 3, 3), stride),
                norm_b=nn.BatchNorm3d(inner),
                act_b=nn.ReLU(inplace=True),
                conv_c=_conv(inner, out, (1, 1, 1)),
                norm_c=nn.BatchNorm3d(out),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features [B, 4 * inner, T, h, w]."""
        shortcut = self.branch1_norm(self.branch1_conv(x)) if self.projects else x
        return F.relu(shortcut + self.branch2(x))


def _stem() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=_conv(3, 64, (1, 7, 7), 2),
            norm=nn.BatchNorm3d(64),
            activation=nn.ReLU(inplace=True),
            pool=nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        )
    )


class _WindowPool(nn.Module):
    """Mean of the means of all windows of 8x7x7, as in pytorchvideo's head; smaller maps are one window.

    Maps of 8x7x7, of 8 frames of 224x224, have one window, too. Those of 256x256 have four, so that their middle counts
    more than their edge.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C] of [B, C, T, h, w]."""
        window = tuple(map(min, x.shape[2:], (8, 7, 7)))
        return F.avg_pool3d(x, window, stride=1).mean(dim=(2, 3, 4))


def _head(features: int, num_classes: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(pool=_WindowPool(), dropout=nn.Dropout(0.5), proj=nn.Linear(features, num_classes))
    )


def _conv(features: int, out: int, kernel: tuple[int, int, int], stride: int = 1) -> nn.Conv3d:
    """Return a convolution with a spatial stride that keeps T."""
    time, height, width = kernel
    return nn.Conv3d(
        features,
        out,
        kernel,
        stride=(1, stride, stride),
        padding=(time // 2, height // 2, width // 2),
        bias=False,
    )
