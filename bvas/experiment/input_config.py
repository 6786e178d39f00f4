"""Configuration of the model's input: size, channels, geometry, frame rate and scaling."""

import math
from dataclasses import dataclass

from bvas.errors import ConfigError
from bvas.models.config import PixelConfig
from bvas.values.color import Channels
from bvas.values.input_format import Fit, InputFormat, Resample
from bvas.values.luma import LumaScaling


@dataclass(frozen=True, kw_only=True, slots=True)
class InputConfig:
    """Frames as the model sees them."""

    size: tuple[int, int] = (736, 1280)
    """(H, W) that frames are brought to."""
    rate: float = 25.0
    """Grid frames per second; rows of score curves, windows and distances count grid frames."""
    luma_scaling: LumaScaling = "range"
    """Scaling of stored luma to [0, 1]; RGB always follows the range tag."""
    channels: Channels = "luma"
    """`luma`: gray, as stored. `rgb`: three channels for each frame, in [0, 1]."""
    fit: Fit = "pad"
    """What happens where a picture has another shape than `size`: `pad` keeps the aspect, with black around; `crop`
    keeps it and cuts off what exceeds; `stretch` does not keep it."""
    resize: tuple[int, int] | None = None
    """(H, W) that `crop` and `stretch` scale to before `size` is cut out of it; None: `size`. `crop` scales until the
    picture covers it: (256, 256) is a short side of 256."""
    random_crop: bool = False
    """In training `crop` and `stretch` cut `size` out at random, for all frames of a clip alike; else in the center."""
    resample: Resample = "area"
    """`area`: each pixel is the mean of what it covers, scaled by the workers. `bilinear`: as torchvision without
    antialias; workers deliver frames of the source's size, and the device scales them."""
    mean: tuple[float, ...] = ()
    """Subtracted from frames in [0, 1], one for each channel; empty: nothing."""
    std: tuple[float, ...] = ()
    """Frames are divided by it after `mean`; empty: by 1."""

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ConfigError(f"input rate must be a positive number, got {self.rate!r}")
        form = self.form
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values and len(values) != form.num_channels:
                raise ConfigError(
                    f"{name} needs a number for each channel ({form.num_channels} of {self.channels}), got {values}"
                )
        if self.std and min(self.std) <= 0:
            raise ConfigError(f"std must be positive, got {self.std}")
        if self.random_crop and self.fit == "pad":
            raise ConfigError("random_crop needs fit 'crop' or 'stretch'; 'pad' cuts nothing off")
        if self.random_crop and self.fit == "stretch" and form.scaled == self.size:
            raise ConfigError(
                f"random_crop with fit 'stretch' needs a resize above size {self.size} to cut from"
            )

    @property
    def form(self) -> InputFormat:
        """Form that frames are brought to."""
        return InputFormat(
            size=self.size, channels=self.channels, fit=self.fit, resize=self.resize, resample=self.resample
        )

    @property
    def pixels(self) -> PixelConfig:
        """Channels and normalization, for the network."""
        return PixelConfig(num_channels=self.form.num_channels, mean=self.mean, std=self.std)
