"""Inverted-residual 3D blocks, which mix the stacks of a clip.

Per block: 1x1x1 convolution to E features, depthwise 3x3x3, squeeze-excite, 1x1x1 back to C,
batch normalization after each convolution, drop path, and the input added. The third
dimension runs over the stacks, so one block reaches one stack further to either side.
"""

# Dimension letters in this file:
#   B clips, C features in and out, E = C * expansion features inside, N stacks, h w feature-map size.

import torch
import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses
from einops import rearrange
from timm.layers import DropPath
from torch import Tensor, nn


class DepthwiseConv3d(nn.Conv3d):
    """3x3x3 convolution of each feature by itself, zeros around, no bias."""

    def __init__(self, num_features: int) -> None:
        super().__init__(
            num_features, num_features, kernel_size=3, padding=1, groups=num_features, bias=False
        )

    def forward(self, x_BENhw: Tensor) -> Tensor:
        """Return features of the same shape."""
        if x_BENhw.device.type == "cpu" and torch.is_grad_enabled():
            return self._by_stacks(x_BENhw)
        return super().forward(x_BENhw)

    def _by_stacks(self, x_BENhw: Tensor) -> Tensor:
        """Add up 2D convolutions of the stack before, the stack itself and the stack after, channels last.

        Forward and backward of a block of 16 clips, 64 features and 5 stacks of 14x24 took PyTorch 2.11 on a CPU with
        AVX2 0.45 s in the other layout and 0.22 s in this one; by `conv3d` the convolution alone takes 0.24 s. Other
        operators keep the layout of their input, so gradients have it down to the first layer. Forward alone, `conv3d`
        is faster.
        """
        N = x_BENhw.shape[2]
        padded = F.pad(rearrange(x_BENhw, "B E N h w -> B N h w E"), (0, 0, 0, 0, 0, 0, 1, 1))
        taps = [
            F.conv2d(
                # In this order: the copy that joins B and N has features last.
                padded[:, shift : shift + N].flatten(0, 1).permute(0, 3, 1, 2),
                self.weight[:, :, shift],
                padding=1,
                groups=self.groups,
            )
            for shift in range(3)
        ]
        return rearrange(taps[0] + taps[1] + taps[2], "(B N) E h w -> B E N h w", N=N)


class PointwiseConv3d(nn.Conv3d):
    """1x1x1 convolution, no bias."""

    def __init__(self, num_features: int, out_features: int) -> None:
        super().__init__(num_features, out_features, kernel_size=1, bias=False)

    def forward(self, x_BCNhw: Tensor) -> Tensor:
        """Return features [B, out_features, N, h, w]."""
        if x_BCNhw.device.type == "cpu" and torch.is_grad_enabled():
            # With one thread PyTorch's `conv3d` changes the layout, which makes training take twice the CPU time.
            stacks = x_BCNhw.transpose(1, 2).flatten(0, 1)
            out = F.conv2d(stacks, self.weight[:, :, 0])
            return rearrange(out, "(B N) E h w -> B E N h w", B=len(x_BCNhw))
        return super().forward(x_BCNhw)


class SqueezeExcite3d(nn.Module):
    """Weigh each feature by a gate in (0, 1) computed from the means of all of them."""

    def __init__(self, num_features: int, num_squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv3d(num_features, num_squeezed, kernel_size=1)
        self.expand = nn.Conv3d(num_squeezed, num_features, kernel_size=1)

    def forward(self, x_BENhw: Tensor) -> Tensor:
        """Return the weighed features, same shape."""
        means = x_BENhw.mean(dim=(2, 3, 4), keepdim=True)
        gates: Tensor = self.expand(F.silu(self.reduce(means))).sigmoid()
        return x_BENhw * gates


class InvertedResidual3d(nn.Module):
    """One 3D block: expand, convolve over stacks and space, weigh, project back, add the input."""

    def __init__(
        self, num_features: int, *, expansion: int, se_reduction: int, drop_path_rate: float = 0.0
    ) -> None:
        super().__init__()
        inner = num_features * expansion
        self.expand = PointwiseConv3d(num_features, inner)
        self.expand_norm = nn.BatchNorm3d(inner)
        self.depthwise = DepthwiseConv3d(inner)
        self.depthwise_norm = nn.BatchNorm3d(inner)
        self.squeeze_excite = SqueezeExcite3d(inner, inner // se_reduction)
        self.project = PointwiseConv3d(inner, num_features)
        self.project_norm = nn.BatchNorm3d(num_features)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x_BCNhw: Tensor) -> Tensor:
        """Return features of the same shape [B, C, N, h, w]."""
        x = F.silu(self.expand_norm(self.expand(x_BCNhw)), inplace=True)
        x = F.silu(self.depthwise_norm(self.depthwise(x)), inplace=True)
        x = self.squeeze_excite(x)
        x = self.project_norm(self.project(x))
        residual: Tensor = self.drop_path(x)
        return residual + x_BCNhw
