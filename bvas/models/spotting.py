"""Spotting network: 2D features per stack, 3D blocks over the stacks, GeM pooling, a logit per label.

The architecture is that of lRomul/ball-action-spotting (1st place, SoccerNet Ball Action Spotting
2023), to the last weight, so that its checkpoints load (bvas/lromul/weights.py):

    frames [B, T, H, W] -> stacks -> encode_stacks -> [B, N, C, h, w] -> score_windows -> logits [B, K]

The two steps are public because `StreamingPredictor` runs them at different times: successive clips share all but
one of their stacks.
"""

# Dimension letters in this file:
#   B clips, T frames per clip, S frames per stack, N = T / S stacks, M stacks of any clips,
#   C features of a stack, P = num_features_stack, K labels, H W input size, h w feature-map size.

from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
from einops import rearrange
from torch import Tensor, nn

from bvas.errors import ConfigError
from bvas.models.blocks3d import InvertedResidual3d
from bvas.models.clip_model import ClipModel
from bvas.models.config import GRAY, ModelConfig, PixelConfig
from bvas.models.encoder2d import ProjectNormAct, StackEncoder
from bvas.models.encoder_stages import encoder_blocks, encoder_stages
from bvas.models.pooling import GeneralizedMeanPool
from bvas.values.clip_config import ClipConfig


class SpottingModel(ClipModel):
    """Score the center of a clip for each label.

    Attributes:
        config: Configuration.
        clip: Its clips: another T or S needs another model.
        num_labels: Labels (K).
        pixels: Channels of its frames, and their normalization.
        size: (H, W) of its frames, if it was made for one.
    """

    encoder: StackEncoder

    def __init__(
        self,
        config: ModelConfig,
        clip: ClipConfig,
        num_labels: int,
        *,
        pixels: PixelConfig = GRAY,
        size: tuple[int, int] | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        if num_labels < 1:
            raise ConfigError(f"num_labels must be at least 1, got {num_labels}")
        self.config = config
        self.clip = clip
        self.num_labels = num_labels
        self.pixels = pixels
        self.size = size
        # Some of timm's encoders keep the layers behind the map that is taken.
        self.has_unused_parameters = config.feature_level != -1
        self.encoder = StackEncoder(config, clip.stack_size, pixels, size=size, pretrained=pretrained)
        self.blocks = nn.Sequential(
            *(
                InvertedResidual3d(
                    config.num_features_3d,
                    expansion=config.expansion_3d,
                    se_reduction=config.se_reduction_3d,
                    drop_path_rate=config.drop_path_rate,
                )
                for _ in range(config.num_blocks_3d)
            )
        )
        self.stack_projection = ProjectNormAct(config.num_features_3d, config.num_features_stack)
        self.pool = GeneralizedMeanPool()
        self.dropout = nn.Dropout(config.drop_rate)
        widths = [config.num_features_stack * clip.num_stacks, *config.dense_features]
        self.dense = nn.Sequential(
            *(
                layer
                for width, features in pairwise(widths)
                for layer in (nn.Linear(width, features), nn.ReLU(inplace=True))
            )
        )
        self.classifier = nn.Linear(widths[-1], num_labels)

    @property
    def stack_channels(self) -> int:
        """Channels of a stack: its frames, each of 3 in color."""
        return self.clip.stack_size * self.pixels.num_channels

    def encode_stacks(self, stacks_MSHW: Tensor) -> Tensor:
        """Return features [M, C, h, w] of stacks in [0, 1], each from its own frames only.

        Args:
            stacks_MSHW: Gray frames; color frames as 3 S channels, those of the first frame first.
        """
        features_MChw: Tensor = self.encoder(stacks_MSHW)
        return features_MChw

    def score_windows(self, features_BNChw: Tensor) -> Tensor:
        """Return logits [B, K] of clips, given the features of their N stacks in time order."""
        N = features_BNChw.shape[1]
        assert self.clip.num_stacks == N, f"{N} stacks for a model of {self.clip.num_stacks}"
        mixed = self.blocks(rearrange(features_BNChw, "B N C h w -> B C N h w"))
        per_stack = self.stack_projection(rearrange(mixed, "B C N h w -> (B N) C h w"))
        pooled_BF = rearrange(self.pool(per_stack), "(B N) P -> B (N P)", N=N)
        logits_BK: Tensor = self.classifier(self.dense(self.dropout(pooled_BF)))
        return logits_BK

    def checkpointed_blocks(self) -> Iterator[nn.Module]:
        """Yield the blocks whose activations can be recomputed in the backward pass; none contains another.

        They are the blocks of the 2D encoder, its projection, and the 3D blocks.
        """
        yield from encoder_blocks(self.encoder.backbone)
        yield self.encoder.projection
        yield from self.blocks

    def stages(self) -> Mapping[str, nn.Module]:
        """Return `encoder.stem`, the encoder's other stages, `encoder.projection`, `blocks.0` and on, and `head`.

        The stages of the encoder differ between encoders (`encoder_stages`). Where frames are normalized,
        `encoder.normalization` comes first.
        """
        normalization = {"encoder.normalization": self.encoder.normalization}
        return {
            **(normalization if self.pixels.is_normalized else {}),
            **{f"encoder.{name}": stage for name, stage in encoder_stages(self.encoder.backbone).items()},
            "encoder.projection": self.encoder.projection,
            **{f"blocks.{number}": block for number, block in enumerate(self.blocks)},
            "head": nn.ModuleList(
                [self.stack_projection, self.pool, self.dropout, self.dense, self.classifier]
            ),
        }

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        """Return logits [B, K] of clips in [0, 1]: gray frames [B, T, H, W], or color [B, T, 3, H, W]."""
        T = frames_BTHW.shape[1]
        assert self.clip.num_frames == T, f"{T} frames for a model of {self.clip.num_frames}"
        channels = frames_BTHW.flatten(1, -3)
        stacks = rearrange(channels, "B (N S) H W -> (B N) S H W", S=self.stack_channels)
        features = self.encode_stacks(stacks)
        return self.score_windows(rearrange(features, "(B N) C h w -> B N C h w", N=self.clip.num_stacks))


def build_model(
    config: ModelConfig,
    clip: ClipConfig,
    num_labels: int,
    *,
    pixels: PixelConfig = GRAY,
    size: tuple[int, int] | None = None,
    pretrained: bool = False,
) -> SpottingModel:
    """Return a model on the CPU, in training mode.

    Args:
        config: Sizes of the network.
        clip: Its clips.
        num_labels: Labels (K).
        pixels: Channels of its frames, and their normalization.
        size: (H, W) of the frames, for encoders that are made for one size; None: the size of their weights.
        pretrained: Load the encoder's published weights, from `config.weights_file` or by download. Training passes
            `config.pretrained`; False if a checkpoint is loaded next.

    Raises:
        ConfigError: the encoder is unknown, or does not fit the config or the size.
        CheckpointError: the published weights are unavailable; the message names the remedies.
    """
    model = SpottingModel(config, clip, num_labels, pixels=pixels, size=size, pretrained=pretrained)
    # 2D convolutions run faster with channels last, on CPUs (by a third where measured) and on tensor cores.
    model.encoder.to(memory_format=torch.channels_last)
    return model
