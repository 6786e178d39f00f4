"""Model prepared for prediction: the same function of its weights, computed in less time.

Batch normalization is folded into the convolutions. In the 3D part features come last, [B, N, h, w, C]: then the
1x1x1 convolutions are matrix products, and the squeeze-excite gates scale the small matrix of the projection
instead of the large features. The first block's expansion sees one stack only, so it is computed with the
stack and kept with its features.
"""

# Dimension letters in this file:
#   B clips, N stacks, M stacks of any clips, C features of a stack, E features inside a block, K labels,
#   h w feature-map size, S frames of a stack, H W picture size.

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses
from einops import rearrange
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bvas.inference.batchnorm_folding import folded_weights, without_batch_norm
from bvas.inference.half_precision import halved
from bvas.inference.precision import float32_convolutions
from bvas.models.blocks3d import InvertedResidual3d
from bvas.models.spotting import SpottingModel

_EXAMPLE_SIZE = (64, 96)


class PreparedBlock(nn.Module):
    """An `InvertedResidual3d` of fixed weights."""

    def __init__(self, block: InvertedResidual3d) -> None:
        super().__init__()
        self.expand_layer = _pixelwise(block.expand, block.expand_norm)
        depthwise_weight, depthwise_bias = folded_weights(block.depthwise.weight, block.depthwise_norm)
        self.register_buffer("depthwise_weight", depthwise_weight.to(memory_format=torch.channels_last_3d))
        self.register_buffer("depthwise_bias", depthwise_bias)
        self.reduce = _pixelwise(block.squeeze_excite.reduce)
        self.widen = _pixelwise(block.squeeze_excite.expand)
        self.project = _pixelwise(block.project, block.project_norm)

    depthwise_weight: Tensor
    depthwise_bias: Tensor

    def expand(self, x: Tensor) -> Tensor:
        """Return [..., E] of [..., C]."""
        return F.silu(self.expand_layer(x), inplace=True)

    def forward(self, x_BNhwC: Tensor, expanded_BNhwE: Tensor) -> Tensor:
        """Return features of the shape of `x`, given `x` and `expand(x)`."""
        B, N, h, w, C = x_BNhwC.shape
        mixed = F.silu(self._mixed(expanded_BNhwE), inplace=True)
        means = mixed.mean(dim=(1, 2, 3))
        gates = self.widen(F.silu(self.reduce(means))).sigmoid()
        projections_BEC = (self.project.weight * gates[:, None]).transpose(1, 2)
        out = torch.baddbmm(
            (x_BNhwC + self.project.bias).reshape(B, N * h * w, C),
            mixed.reshape(B, N * h * w, -1),
            projections_BEC,
        )
        return out.reshape(B, N, h, w, C)

    def _mixed(self, x_BNhwE: Tensor) -> Tensor:
        E = x_BNhwE.shape[-1]
        if x_BNhwE.device.type == "cpu":
            x_BENhw = x_BNhwE.permute(0, 4, 1, 2, 3)
            mixed = F.conv3d(x_BENhw, self.depthwise_weight, self.depthwise_bias, padding=1, groups=E)
            return mixed.permute(0, 2, 3, 4, 1).contiguous()
        # cuDNN has fast depthwise convolutions in two dimensions only.
        return self._by_taps(x_BNhwE)

    def _by_taps(self, x_BNhwE: Tensor) -> Tensor:
        """Add up 2D convolutions of the stack before, the stack itself and the stack after."""
        B, E = x_BNhwE.shape[0], x_BNhwE.shape[-1]
        flat = rearrange(x_BNhwE, "B N h w E -> (B N) h w E").permute(0, 3, 1, 2)
        before, own, after = (
            rearrange(
                F.conv2d(
                    flat,
                    self.depthwise_weight[:, :, tap],
                    self.depthwise_bias if tap == 1 else None,
                    padding=1,
                    groups=E,
                ).permute(0, 2, 3, 1),
                "(B N) h w E -> B N h w E",
                B=B,
            )
            for tap in range(3)
        )
        mixed = own.contiguous()
        mixed[:, 1:] += before[:, :-1]
        mixed[:, :-1] += after[:, 1:]
        return mixed


class PreparedModel(nn.Module):
    """A `SpottingModel` of fixed weights, in two parts: one computed per stack, one per clip.

    Its weights are copies: later changes of the model do not reach it.
    """

    def __init__(self, model: SpottingModel, dtype: torch.dtype = torch.float32) -> None:
        """Prepare a model, on its device.

        Args:
            model: In evaluation mode, float32.
            dtype: Type to compute in. The pooling, the head and the scores stay float32; with bfloat16 the
                first convolution too (half_precision.py).
        """
        super().__init__()
        with torch.inference_mode(False), torch.no_grad(), float32_convolutions():
            example = _example(model)
            self.encoder = halved(without_batch_norm(model.encoder, example), dtype, example)
            blocks = [block for block in model.blocks if isinstance(block, InvertedResidual3d)]
            self.blocks = nn.ModuleList(PreparedBlock(block) for block in blocks).to(dtype)
            self.projection = _pixelwise(model.stack_projection.conv, model.stack_projection.norm).to(dtype)
            self.head = copy.deepcopy(nn.Sequential(model.dense, model.classifier))
        self.power = float(model.pool.p.detach())
        self.floor = model.pool.floor
        self.dtype = dtype
        self.stack_channels = model.stack_channels
        self.num_stacks = model.clip.num_stacks
        self.requires_grad_(False)
        self.eval()

    def encode(self, stacks_MSHW: Tensor) -> tuple[Tensor, ...]:
        """Return the features of stacks, [M, h, w, C], and expanded [M, h, w, E] if there are 3D blocks.

        Args:
            stacks_MSHW: In [0, 1], of `dtype`.
        """
        stacks_MSHW = stacks_MSHW.contiguous(memory_format=torch.channels_last)
        features_MhwC = self.encoder(stacks_MSHW).permute(0, 2, 3, 1).contiguous()
        if not self.blocks:
            return (features_MhwC,)
        return features_MhwC, self.blocks[0].expand(features_MhwC)  # type: ignore[operator]

    def score(self, features_BNhwC: Tensor, expanded_BNhwE: Tensor | None = None) -> Tensor:
        """Return logits float32 [B, K] of clips, given the features of their stacks in time order."""
        x, expanded = features_BNhwC, expanded_BNhwE
        for number, block in enumerate(self.blocks):
            if number or expanded is None:
                expanded = block.expand(x)  # type: ignore[operator]
            x = block(x, expanded)
        per_stack = F.silu(self.projection(x)).float()
        powers = per_stack.clamp_(min=self.floor).pow_(self.power)
        pooled_BNP = powers.mean(dim=(2, 3)).pow(1.0 / self.power)
        logits: Tensor = self.head(pooled_BNP.flatten(1))
        return logits


def _example(model: SpottingModel) -> Tensor:
    """Return a stack that the encoder takes: a small one, or one of the model's size if it takes no other."""
    device = next(model.parameters()).device

    def stack(size: tuple[int, int]) -> Tensor:
        random = torch.Generator().manual_seed(0)
        return torch.rand((1, model.stack_channels, *size), generator=random).to(device)

    example = stack(_EXAMPLE_SIZE)
    try:
        model.encoder(example)
    except (AssertionError, RuntimeError):
        if model.size is None:
            raise
        return stack(model.size)
    return example


def _pixelwise(conv: nn.Conv2d | nn.Conv3d, norm: _BatchNorm | None = None) -> nn.Linear:
    """Return a convolution of single pixels, and the norm behind it, as a matrix product over the last dimension."""
    weight, bias = conv.weight.detach().flatten(1).clone(), conv.bias
    if norm is not None:
        weight, bias = folded_weights(weight, norm)
    assert bias is not None
    # Without memory, so that no random numbers are drawn for weights that are replaced.
    layer = nn.Linear(conv.in_channels, conv.out_channels, device="meta")
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias.detach().clone())
    return layer
