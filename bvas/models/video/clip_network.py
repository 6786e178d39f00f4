"""Network of a `VideoModelConfig`."""

from pathlib import Path
from typing import Literal

from bvas.errors import ConfigError
from bvas.models.clip_model import ClipModel
from bvas.models.config import PixelConfig
from bvas.models.video.cnn_lstm import CnnLstm
from bvas.models.video.config import (
    CNN_LSTM,
    SMALL_R2PLUS1D,
    CnnLstmConfig,
    SmallR2plus1dConfig,
    VideoModelConfig,
)
from bvas.models.video.published import published_model
from bvas.models.video.small_r2plus1d import SmallR2plus1d
from bvas.models.video.video_model import published_network
from bvas.values.clip_config import ClipConfig


def build_clip_network(
    config: VideoModelConfig,
    clip: ClipConfig,
    num_labels: int,
    *,
    pixels: PixelConfig,
    size: tuple[int, int],
    pretrained: bool = False,
) -> ClipModel:
    """Return a network on the CPU, in training mode.

    Args:
        config: Network and sizes.
        clip: Its clips. `cnn_lstm` sees them in stacks, the others all frames at once, as one stack.
        num_labels: Labels (K).
        pixels: Channels of the frames, and their normalization. Published networks see gray frames three times.
        size: (H, W) of the frames.
        pretrained: Load published weights, from `config.weights_file` or by download. Training passes
            `config.pretrained`; False if a checkpoint is loaded next.

    Raises:
        ConfigError: the network does not take such clips, or a name of timm's encoder is unknown.
        CheckpointError: the published weights are unavailable; the message names the remedies.
    """
    if num_labels < 1:
        raise ConfigError(f"num_labels must be at least 1, got {num_labels}")
    if config.network == CNN_LSTM:
        return CnnLstm(
            config.cnn_lstm or CnnLstmConfig(),
            clip,
            num_labels,
            pixels=pixels,
            size=size,
            pretrained=pretrained,
            weights_file=config.weights_file,
        )
    if clip.num_stacks > 1:
        raise ConfigError(
            f"{config.network} sees the {clip.num_frames} frames of a clip at once, and stack_size is "
            f"{clip.stack_size}; set stack_size to num_frames"
        )
    if config.network == SMALL_R2PLUS1D:
        return SmallR2plus1d(config.small_r2plus1d or SmallR2plus1dConfig(), clip, num_labels, pixels=pixels)
    weights: Path | Literal["published"] | None = None
    if pretrained:
        weights = "published" if config.weights_file is None else Path(config.weights_file)
    return published_network(
        published_model(config.network), num_labels, clip, pixels=pixels, size=size, weights=weights
    )
