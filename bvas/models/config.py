"""What the network looks like, apart from the clip that it sees and the labels that it scores."""

from dataclasses import dataclass

from bvas.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Sizes and starting weights of a `SpottingModel`. The defaults are the seed's network."""

    encoder: str = "tf_efficientnetv2_b0.in1k"
    """A timm model name, its weights tag behind the dot; any that gives feature maps."""
    pretrained: bool = True
    """Training starts from the encoder's published weights; False starts from random ones."""
    weights_file: str | None = None
    """The encoder's published weights as a local .safetensors or .pth file; None downloads them."""
    feature_level: int = -1
    """Which of the encoder's feature maps is used, from 0 (finest); -1 is the deepest."""
    num_blocks_3d: int = 4
    """Inverted-residual 3D blocks over the stacks' features; 0 leaves the stacks to the classifier."""
    num_features_3d: int = 192
    """Features of a stack (C) after the 1x1 projection, in and out of each 3D block."""
    expansion_3d: int = 3
    """A 3D block works on this many times C features inside."""
    se_reduction_3d: int = 24
    """Squeeze-excite of a 3D block squeezes its inner features to this part of them."""
    num_features_stack: int = 256
    """Features that each stack brings to the pooling; the classifier sees N times as many."""
    drop_rate: float = 0.2
    """Dropout before the classifier, in [0, 1)."""
    drop_path_rate: float = 0.2
    """Chance that a 3D block is skipped for a clip in training, in [0, 1)."""
    encoder_drop_path_rate: float = 0.2
    """The same of the encoder's last block (timm: rising from 0 at the first); 0 where timm has none."""

    def __post_init__(self) -> None:
        if not self.encoder:
            raise ConfigError("encoder is empty; name a timm model, e.g. 'tf_efficientnetv2_b0.in1k'")
        if self.num_blocks_3d < 0:
            raise ConfigError(f"num_blocks_3d must be at least 0, got {self.num_blocks_3d}")
        for name in ("num_features_3d", "expansion_3d", "se_reduction_3d", "num_features_stack"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("drop_rate", "drop_path_rate", "encoder_drop_path_rate"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigError(f"{name} must lie in [0, 1), got {getattr(self, name)}")
        if self.num_features_3d * self.expansion_3d < self.se_reduction_3d:
            raise ConfigError(
                f"se_reduction_3d ({self.se_reduction_3d}) leaves nothing of the "
                f"{self.num_features_3d * self.expansion_3d} inner features (num_features_3d * expansion_3d)"
            )
