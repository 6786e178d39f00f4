"""Configuration of the network and of its pixels, except for clip and labels."""

from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Sizes and starting weights of a `SpottingModel`. The defaults are those of the reference system."""

    encoder: str = "tf_efficientnetv2_b0.in1k"
    """Name of a timm model with feature maps, followed by a dot and its weights tag."""
    pretrained: bool = True
    """Start training from the encoder's published weights instead of random ones."""
    weights_file: str | None = None
    """Local .safetensors or .pth file of the encoder's published weights; None: download."""
    feature_level: int = -1
    """Feature map of the encoder that is used, from 0 (finest); -1 is the deepest."""
    num_blocks_3d: int = 4
    """Inverted-residual 3D blocks over the stacks' features; 0: only the classifier sees several stacks."""
    num_features_3d: int = 192
    """Features of a stack (C) after the 1x1 projection, in and out of each 3D block."""
    expansion_3d: int = 3
    """Features inside a 3D block, as a multiple of C."""
    se_reduction_3d: int = 24
    """Squeeze-excite of a 3D block divides its inner features by this."""
    num_features_stack: int = 256
    """Features of each stack after pooling (P); the classifier sees N * P."""
    dense_features: tuple[int, ...] = ()
    """Features of dense layers with ReLU between pooling and classifier; (256, 64) makes a head of three layers."""
    drop_rate: float = 0.2
    """Dropout before the head, in [0, 1)."""
    drop_path_rate: float = 0.2
    """Probability that a 3D block is skipped for a clip in training, in [0, 1)."""
    encoder_drop_path_rate: float = 0.2
    """The same for the encoder's last block (rising from 0 at the first); 0 for encoders without drop path."""

    def __post_init__(self) -> None:
        if not self.encoder:
            raise ConfigError("encoder is empty; name a timm model, e.g. 'tf_efficientnetv2_b0.in1k'")
        if self.num_blocks_3d < 0:
            raise ConfigError(f"num_blocks_3d must be at least 0, got {self.num_blocks_3d}")
        for name in ("num_features_3d", "expansion_3d", "se_reduction_3d", "num_features_stack"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if any(features < 1 for features in self.dense_features):
            raise ConfigError(f"dense_features must be at least 1 each, got {self.dense_features}")
        for name in ("drop_rate", "drop_path_rate", "encoder_drop_path_rate"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigError(f"{name} must lie in [0, 1), got {getattr(self, name)}")
        if self.num_features_3d * self.expansion_3d < self.se_reduction_3d:
            raise ConfigError(
                f"se_reduction_3d ({self.se_reduction_3d}) leaves nothing of the "
                f"{self.num_features_3d * self.expansion_3d} inner features (num_features_3d * expansion_3d)"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelConfig:
    """Channels of the frames that a network sees, and their normalization: (x - mean) / std."""

    num_channels: int = 1
    """1 for gray, 3 for RGB."""
    mean: tuple[float, ...] = ()
    """For each channel; empty: 0."""
    std: tuple[float, ...] = ()
    """For each channel; empty: 1."""

    @property
    def is_normalized(self) -> bool:
        """Whether mean or standard deviation are set."""
        return bool(self.mean or self.std)


GRAY = PixelConfig()
"""One channel, not normalized."""
