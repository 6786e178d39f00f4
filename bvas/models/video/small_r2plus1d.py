"""Small R(2+1)D network for CPUs.

Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", 2018: each 3D convolution is one
over the picture followed by one over time, with batch normalization and ReLU between. Here the stem reduces the
picture to a quarter of its height and width, and stages have one residual block each:

    frames [B, T, C, H, W] -> stem -> layer1 -> layer2 -> ... -> mean over frames and picture -> classifier -> [B, K]

Both kinds of convolutions run as 2D convolutions with channels last, on views of the same memory (B T H W C). On CPUs
these are the fastest.
"""

# Dimension letters in this file: B clips, T frames, C channels or features, H W input or feature-map size, K labels.

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses
from einops import rearrange
from torch import Tensor, nn

from bvas.models.clip_model import ClipModel
from bvas.models.config import GRAY, PixelConfig
from bvas.models.encoder2d import Normalization
from bvas.models.video.config import SmallR2plus1dConfig
from bvas.values.clip_config import ClipConfig

_STEM_KERNEL, _STEM_STRIDE = 7, 4


class SmallR2plus1d(ClipModel):
    """Score a clip for each label.

    With 4 stages each of the last features sees 49 frames: all of a clip of 16, of which two times remain for the mean.

    Args:
        config: Sizes.
        clip: Its clips; the network sees their frames at once.
        num_labels: Labels (K).
        pixels: Channels of its frames, and their normalization.
    """

    def __init__(
        self, config: SmallR2plus1dConfig, clip: ClipConfig, num_labels: int, *, pixels: PixelConfig = GRAY
    ) -> None:
        super().__init__()
        self.clip = clip
        self.num_labels = num_labels
        self.pixels = pixels
        self.normalization = Normalization(pixels, 1) if pixels.is_normalized else nn.Identity()
        first, *_ = config.features
        stem = _R2plus1d(pixels.num_channels, first, kernel=_STEM_KERNEL, stride=_STEM_STRIDE)
        layers: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(stem, nn.ReLU(inplace=True)))
        for number, (features, out) in enumerate(pairwise((first, *config.features)), 1):
            layers[f"layer{number}"] = _ResBlock(features, out, stride=1 if number == 1 else 2)
        self.encoder = nn.Sequential(layers)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = nn.Linear(config.features[-1], num_labels)
        for module in self.encoder.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.encoder.to(memory_format=torch.channels_last)

    def checkpointed_blocks(self) -> Iterator[nn.Module]:
        """Yield the stem and the stages."""
        yield from self.encoder.children()

    def stages(self) -> Mapping[str, nn.Module]:
        """Return `stem`, `layer1` and on, and `head`; where frames are normalized, `normalization` comes first."""
        return {
            **({"normalization": self.normalization} if self.pixels.is_normalized else {}),
            **dict(self.encoder.named_children()),
            "head": self.classifier,
        }

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        """Return logits [B, K] of clips in [0, 1]: gray frames [B, T, H, W], or color [B, T, 3, H, W]."""
        T = frames_BTHW.shape[1]
        assert self.clip.num_frames == T, f"{T} frames for a model of {self.clip.num_frames}"
        frames_BTCHW = frames_BTHW.unsqueeze(2) if self.pixels.num_channels == 1 else frames_BTHW
        features_BTCHW = self.encoder(self.normalization(frames_BTCHW))
        logits_BK: Tensor = self.classifier(self.dropout(features_BTCHW.mean(dim=(1, 3, 4))))
        return logits_BK


class _R2plus1d(nn.Module):
    """Convolution over the picture, then over 3 frames, each with batch normalization; ReLU between."""

    def __init__(
        self, features: int, out: int, *, kernel: int = 3, stride: int = 1, time_stride: int = 1
    ) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(features, out, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.spatial_norm = nn.BatchNorm2d(out)
        # Over time and the places of the picture in a row.
        self.temporal = nn.Conv2d(out, out, (3, 1), stride=(time_stride, 1), padding=(1, 0), bias=False)
        self.temporal_norm = nn.BatchNorm2d(out)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Return features [B, T / time_stride, out, H / stride, W / stride], rounded up."""
        B = x_BTCHW.shape[0]
        pictures = rearrange(x_BTCHW, "B T C H W -> (B T) C H W")
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        pictures = F.relu(self.spatial_norm(self.spatial(pictures)), inplace=True)
        H = pictures.shape[2]
        times = rearrange(pictures, "(B T) C H W -> B C T (H W)", B=B)
        times = self.temporal_norm(self.temporal(times))
        features: Tensor = rearrange(times, "B C T (H W) -> B T C H W", H=H)
        return features


class _ResBlock(nn.Module):
    """Two R(2+1)D convolutions with a shortcut; the first one's stride holds for frames, height and width."""

    def __init__(self, features: int, out: int, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = _R2plus1d(features, out, stride=stride, time_stride=stride)
        self.second = _R2plus1d(out, out)
        self.projects = stride > 1 or features != out
        if self.projects:
            self.shortcut = nn.Conv2d(features, out, 1, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(out)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Return features [B, T / stride, out, H / stride, W / stride], rounded up."""
        y_BTCHW = self.second(F.relu(self.first(x_BTCHW), inplace=True))
        if self.projects:
            B = x_BTCHW.shape[0]
            # Its stride is taken here: oneDNN's backward pass of a 1 x 1 convolution with a stride writes beyond its
            # memory on CPUs with AVX2 (torch 2.14, one thread, few features).
            s = self.stride
            kept = rearrange(x_BTCHW[:, ::s, :, ::s, ::s], "B T C H W -> (B T) C H W")
            x_BTCHW = rearrange(self.shortcut_norm(self.shortcut(kept)), "(B T) C H W -> B T C H W", B=B)
        features_BTCHW: Tensor = x_BTCHW + y_BTCHW
        return F.relu(features_BTCHW, inplace=True)
