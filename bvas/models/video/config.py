"""Configuration of networks that classify clips, except for clip, labels and pixels."""

from dataclasses import dataclass, replace

from bvas.errors import ConfigError
from bvas.models.video.published import VIDEO_MODELS

SMALL_R2PLUS1D = "small_r2plus1d"
CNN_LSTM = "cnn_lstm"
NETWORKS = (*VIDEO_MODELS, SMALL_R2PLUS1D, CNN_LSTM)
"""Names of all networks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallR2plus1dConfig:
    """Sizes of a `SmallR2plus1d`. The defaults have 0.4 M parameters, for clips of 16 frames of about 88x64."""

    features: tuple[int, ...] = (16, 32, 64, 128)
    """Features of the stages; each after the first halves frames, height and width."""
    drop_rate: float = 0.2
    """Dropout before the classifier, in [0, 1)."""

    def __post_init__(self) -> None:
        if not self.features or min(self.features) < 1:
            raise ConfigError(f"features needs a number from 1 up for each stage, got {self.features}")
        _check_rate("drop_rate", self.drop_rate)


@dataclass(frozen=True, kw_only=True, slots=True)
class CnnLstmConfig:
    """Sizes of a `CnnLstm`."""

    encoder: str = "tf_efficientnetv2_b0.in1k"
    """Name of a timm model with feature maps, followed by a dot and its weights tag."""
    num_features: int = 192
    """Features of a stack after the 1x1 projection and the mean over the picture; the LSTM's input."""
    num_hidden: int = 256
    """Features of the LSTM's state; the classifier's input."""
    drop_rate: float = 0.2
    """Dropout before the classifier, in [0, 1)."""
    encoder_drop_path_rate: float = 0.0
    """Probability that the encoder's last block is skipped in training (rising from 0 at the first), in [0, 1)."""

    def __post_init__(self) -> None:
        if not self.encoder:
            raise ConfigError("encoder is empty; name a timm model, e.g. 'tf_efficientnetv2_b0.in1k'")
        for name in ("num_features", "num_hidden"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("drop_rate", "encoder_drop_path_rate"):
            _check_rate(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoModelConfig:
    """A network that sees a whole clip, and its starting weights."""

    network: str
    """A published network (`VIDEO_MODELS`) with a new last layer, `small_r2plus1d` or `cnn_lstm`."""
    pretrained: bool = False
    """Start training from published weights instead of random ones: Kinetics-400 of a published network, timm's of the
    encoder of `cnn_lstm`."""
    weights_file: str | None = None
    """Local file of the published weights; None: download."""
    small_r2plus1d: SmallR2plus1dConfig | None = None
    """Sizes of `small_r2plus1d`; None: its defaults."""
    cnn_lstm: CnnLstmConfig | None = None
    """Sizes of `cnn_lstm`; None: its defaults."""

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ConfigError(f"no network named {self.network!r}; known: {', '.join(NETWORKS)}")
        for name in (SMALL_R2PLUS1D, CNN_LSTM):
            if getattr(self, name) is not None and self.network != name:
                raise ConfigError(
                    f"{name} has the sizes of the network {name!r}, and the network is {self.network!r}; leave it out"
                )
        if self.pretrained and self.network == SMALL_R2PLUS1D:
            raise ConfigError(
                f"no weights of {SMALL_R2PLUS1D} are published; set pretrained to False, or name weights of "
                "your own in train.start_from"
            )
        if self.weights_file is not None and not self.pretrained:
            raise ConfigError(
                f"weights_file {self.weights_file!r} is used with pretrained=True only; set both or none"
            )

    @property
    def backbone(self) -> str:
        """What pre-trained weights are of: the network, and the encoder of `cnn_lstm`."""
        if self.network == CNN_LSTM:
            return f"{CNN_LSTM} with {(self.cnn_lstm or CnnLstmConfig()).encoder}"
        return self.network

    @property
    def sizes(self) -> "VideoModelConfig":
        """What decides whether weights fit: sizes written out, without starting weights and dropout."""
        small, lstm = self.small_r2plus1d or SmallR2plus1dConfig(), self.cnn_lstm or CnnLstmConfig()
        return VideoModelConfig(
            network=self.network,
            small_r2plus1d=replace(small, drop_rate=0.0) if self.network == SMALL_R2PLUS1D else None,
            cnn_lstm=replace(lstm, drop_rate=0.0, encoder_drop_path_rate=0.0)
            if self.network == CNN_LSTM
            else None,
        )


def _check_rate(name: str, rate: float) -> None:
    if not 0.0 <= rate < 1.0:
        raise ConfigError(f"{name} must lie in [0, 1), got {rate}")
