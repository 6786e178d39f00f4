"""Published video models by name: classes, geometry, normalization and clips.

What torchvision says about its weights is read from torchvision, when it is asked for.
"""

import re
from dataclasses import dataclass
from typing import Any

from bvas.errors import ConfigError
from bvas.models.config import PixelConfig
from bvas.values.clip_config import ClipConfig
from bvas.values.input_format import Fit, InputFormat

TORCHVISION_MODELS = ("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "mvit_v2_s", "swin3d_t")
"""Names in torchvision."""
SLOW_R50 = "slow_r50"
VIDEO_MODELS = (*TORCHVISION_MODELS, SLOW_R50)
"""All names."""

_NUM_FRAMES = 16
# Position encodings of MViT have one entry for each place of the input.
_FIXED_SIZE = ("mvit_v2_s",)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedModel:
    """What published weights were trained for."""

    name: str
    classes: tuple[str, ...]
    """Names of the classes in the order of the logits: Kinetics-400."""
    form: InputFormat
    """Size and geometry of its frames: RGB, scaled bilinearly."""
    pixels: PixelConfig
    """Mean and standard deviation of RGB in [0, 1]."""
    clip: ClipConfig
    """Frames of a clip, at `rate`; the network sees them all at once, as one stack."""
    rate: float
    """Frames per second that `clip` counts."""
    min_frames: int
    """Fewest frames of a clip that the network takes."""
    min_size: tuple[int, int]
    """Smallest (H, W) that the network takes."""
    has_fixed_size: bool
    """The network takes clips of exactly `min_frames` and `min_size`."""
    url: str
    """Address of the weights."""

    def checked_clip(self, num_frames: int, size: tuple[int, int]) -> None:
        """Check the frames of a clip and their size (H, W).

        Raises:
            ConfigError: the network does not take such clips.
        """
        given, least = (num_frames, *size), (self.min_frames, *self.min_size)
        fits = given == least if self.has_fixed_size else all(map(int.__ge__, given, least))
        if not fits:
            rule = "exactly" if self.has_fixed_size else "at least"
            raise ConfigError(
                f"{self.name} takes clips of {rule} {_sizes(least)} (frames x height x width), got {_sizes(given)}"
            )


def published_model(name: str) -> PublishedModel:
    """Return the description of a published model.

    Frames, their rate, classes, geometry and normalization are those of torchvision's default weights: `meta` and
    `transforms()`. `slow_r50` has the clips and the normalization of pytorchvideo's documentation (8 frames, every
    eighth at 30 per second, short side 256), and the classes in torchvision's order: of MViT, which was ported from the
    same package.

    Raises:
        ConfigError: the name is unknown.
    """
    if name not in VIDEO_MODELS:
        raise ConfigError(f"no video model named {name!r}; known: {', '.join(VIDEO_MODELS)}")
    return _slow_r50() if name == SLOW_R50 else _of_torchvision(name)


def _of_torchvision(name: str) -> PublishedModel:
    weights = _weights(name)
    geometry = weights.transforms()
    height, width = geometry.crop_size
    resize = tuple(geometry.resize_size)
    # One number is the short side.
    fit: Fit = "stretch" if len(resize) == 2 else "crop"
    min_frames = weights.meta.get("min_temporal_size", 1)
    num_frames = max(_NUM_FRAMES, min_frames)
    # torchvision says it in a sentence about the published accuracy only.
    rate = re.search(r"frame_rate=([\d.]+)`", weights.meta["_docs"])
    assert rate is not None, f"torchvision does not say the frame rate of {name}"
    assert geometry.interpolation.value == "bilinear", f"torchvision scales for {name} in another way"
    return PublishedModel(
        name=name,
        classes=tuple(weights.meta["categories"]),
        form=InputFormat(
            size=(height, width), channels="rgb", fit=fit, resize=(resize[0], resize[-1]), resample="bilinear"
        ),
        pixels=PixelConfig(num_channels=3, mean=tuple(geometry.mean), std=tuple(geometry.std)),
        clip=ClipConfig(num_frames=num_frames, frame_step=1, stack_size=num_frames),
        rate=float(rate[1]),
        min_frames=min_frames,
        min_size=tuple(weights.meta["min_size"]),
        has_fixed_size=name in _FIXED_SIZE,
        url=weights.url,
    )


def _slow_r50() -> PublishedModel:
    return PublishedModel(
        name=SLOW_R50,
        classes=tuple(_weights("mvit_v2_s").meta["categories"]),
        form=InputFormat(size=(256, 256), channels="rgb", fit="crop", resize=(256, 256), resample="bilinear"),
        pixels=PixelConfig(num_channels=3, mean=(0.45,) * 3, std=(0.225,) * 3),
        clip=ClipConfig(num_frames=8, frame_step=8, stack_size=8),
        rate=30.0,
        min_frames=1,
        min_size=(1, 1),
        has_fixed_size=False,
        url="https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOW_8x8_R50.pyth",
    )


def _weights(name: str) -> Any:
    # Imported here: the names are also read without torchvision.
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT


def _sizes(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
