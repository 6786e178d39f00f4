"""CNN + LSTM: 2D features of each stack of frames, an LSTM over the stacks in time order, a classifier.

    frames [B, T, H, W] -> stacks -> encoder -> mean over the picture -> [B, N, C]
        -> LSTM -> last state -> classifier -> logits [B, K]

A stack is the channels of one input of the encoder: one frame, or a few successive ones.
"""

# Dimension letters in this file:
#   B clips, T frames per clip, S frames per stack, N = T / S stacks, C features of a stack, K labels, H W input size,
#   h w feature-map size.

from collections.abc import Iterator, Mapping

import torch
from einops import rearrange
from torch import Tensor, nn

from bvas.models.clip_model import ClipModel
from bvas.models.config import GRAY, ModelConfig, PixelConfig
from bvas.models.encoder2d import StackEncoder
from bvas.models.encoder_stages import encoder_blocks, encoder_stages
from bvas.models.video.config import CnnLstmConfig
from bvas.values.clip_config import ClipConfig


class CnnLstm(ClipModel):
    """Score a clip for each label, by the LSTM's state after the last stack: it has seen all stacks, in order.

    Args:
        config: Sizes.
        clip: Its clips; a stack of one frame is the plain form.
        num_labels: Labels (K).
        pixels: Channels of its frames, and their normalization.
        size: (H, W) of the frames, for encoders that are made for one size.
        pretrained: Load the encoder's published weights.
        weights_file: Their file; None: download.

    Raises:
        ConfigError: the encoder is unknown, or does not fit the config or the size.
        CheckpointError: the published weights are unavailable; the message names the remedies.
    """

    encoder: StackEncoder

    def __init__(
        self,
        config: CnnLstmConfig,
        clip: ClipConfig,
        num_labels: int,
        *,
        pixels: PixelConfig = GRAY,
        size: tuple[int, int] | None = None,
        pretrained: bool = False,
        weights_file: str | None = None,
    ) -> None:
        super().__init__()
        self.clip = clip
        self.num_labels = num_labels
        self.pixels = pixels
        encoder = ModelConfig(
            encoder=config.encoder,
            weights_file=weights_file,
            num_features_3d=config.num_features,
            encoder_drop_path_rate=config.encoder_drop_path_rate,
        )
        self.encoder = StackEncoder(encoder, clip.stack_size, pixels, size=size, pretrained=pretrained)
        self.encoder.to(memory_format=torch.channels_last)
        self.lstm = nn.LSTM(config.num_features, config.num_hidden, batch_first=True)
        self.dropout = nn.Dropout(config.drop_rate)
        self.classifier = nn.Linear(config.num_hidden, num_labels)

    def checkpointed_blocks(self) -> Iterator[nn.Module]:
        """Yield the blocks of the 2D encoder and its projection."""
        yield from encoder_blocks(self.encoder.backbone)
        yield self.encoder.projection

    def stages(self) -> Mapping[str, nn.Module]:
        """Return `encoder.stem`, the encoder's other stages, `encoder.projection`, `lstm` and `head`.

        The stages of the encoder differ between encoders (`encoder_stages`). Where frames are normalized,
        `encoder.normalization` comes first.
        """
        normalization = {"encoder.normalization": self.encoder.normalization}
        return {
            **(normalization if self.pixels.is_normalized else {}),
            **{f"encoder.{name}": stage for name, stage in encoder_stages(self.encoder.backbone).items()},
            "encoder.projection": self.encoder.projection,
            "lstm": self.lstm,
            "head": self.classifier,
        }

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        """Return logits [B, K] of clips in [0, 1]: gray frames [B, T, H, W], or color [B, T, 3, H, W]."""
        T = frames_BTHW.shape[1]
        assert self.clip.num_frames == T, f"{T} frames for a model of {self.clip.num_frames}"
        N = self.clip.num_stacks
        stacks = rearrange(frames_BTHW.flatten(1, -3), "B (N S) H W -> (B N) S H W", N=N)
        features_MC = self.encoder(stacks).mean(dim=(2, 3))
        _, (states_1BH, _) = self.lstm(rearrange(features_MC, "(B N) C -> B N C", N=N))
        logits_BK: Tensor = self.classifier(self.dropout(states_1BH[-1]))
        return logits_BK
