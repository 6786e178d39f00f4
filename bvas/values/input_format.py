"""Form of a model's frames: size, channels, and how a picture is brought there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.values.checks import checked_size
from bvas.values.color import Channels

Fit = Literal["pad", "crop", "stretch"]
"""`pad`: aspect kept, black around. `crop`: aspect kept, what exceeds is cut off. `stretch`: aspect lost."""
Resample = Literal["area", "bilinear"]
"""`area`: mean over what a pixel covers, by the workers. `bilinear`: on the device, as torchvision, no antialias."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFormat:
    """Form of the frames that a model sees."""

    size: tuple[int, int]
    """(H, W)."""
    channels: Channels = "luma"
    fit: Fit = "pad"
    resize: tuple[int, int] | None = None
    """(H, W) that `crop` and `stretch` scale the picture to before `size` is cut out of it; None: `size`. `crop` scales
    until the picture covers it: (256, 256) is a short side of 256."""
    resample: Resample = "area"

    def __post_init__(self) -> None:
        checked_size(self.size, "input size")
        for name, value, known in (
            ("channels", self.channels, get_args(Channels)),
            ("fit", self.fit, get_args(Fit)),
            ("resample", self.resample, get_args(Resample)),
        ):
            if value not in known:
                raise ConfigError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        if self.resize is None:
            return
        if self.fit == "pad":
            raise ConfigError(
                f"resize {self.resize} needs fit 'crop' or 'stretch'; 'pad' scales to size itself"
            )
        checked_size(self.resize, "resize")
        if self.resize[0] < self.size[0] or self.resize[1] < self.size[1]:
            raise ConfigError(
                f"resize {self.resize} must be at least size {self.size}, which is cut out of it"
            )

    @staticmethod
    def of(form: "tuple[int, int] | InputFormat") -> "InputFormat":
        """Return a form, or that of gray frames padded to a size.

        Raises:
            ConfigError: a size below 1 x 1.
        """
        return form if isinstance(form, InputFormat) else InputFormat(size=form)

    @property
    def num_channels(self) -> int:
        """Channels of a frame."""
        return 3 if self.channels == "rgb" else 1

    @property
    def unit_shape(self) -> tuple[int, ...]:
        """Shape of a frame in [0, 1]: (H, W), of RGB (3, H, W)."""
        return self.size if self.channels == "luma" else (3, *self.size)

    @property
    def is_scaled_on_device(self) -> bool:
        """Readers deliver frames of the source's size."""
        return self.resample == "bilinear"

    @property
    def reading(self) -> dict[str, Any]:
        """Arguments of `open_video` by which a reader delivers what is computed further on the device."""
        channels = "planes" if self.channels == "rgb" else "luma"
        if self.is_scaled_on_device:
            return {"channels": channels}
        return {"size": self.size, "channels": channels, "fit": self.fit, "resize": self.resize}

    @property
    def scaled(self) -> tuple[int, int]:
        """(H, W) that `crop` and `stretch` scale to."""
        return self.resize or self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Part of a picture that fills the frame."""

    box: tuple[float, float, float, float] | None = None
    """(x, y, width, height) in pixels of the upright picture, widened to the frame's aspect; beyond the picture it is
    black. None: the whole picture, by `fit`."""
    place: tuple[float, float] = (0.5, 0.5)
    """Where `crop` and `stretch` cut the frame out, as shares (down, right) of what remains beside it."""


WHOLE_PICTURE = Cut()
"""Without a box, cut in the center."""


def box_cuts(boxes: "Sequence[Sequence[float]] | NDArray[np.float64]") -> tuple[Cut, ...]:
    """Return the cuts of boxes (x, y, width, height) [T, 4].

    Raises:
        ConfigError: the boxes have another shape, or one is not finite or without area.
    """
    rows = np.asarray(boxes, np.float64)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ConfigError(f"boxes must be [T, 4]: x, y, width, height; got shape {rows.shape}")
    wrong = ~(np.isfinite(rows).all(axis=1) & (rows[:, 2:] > 0).all(axis=1))
    if wrong.any():
        raise ConfigError(
            f"box {rows[wrong][0].tolist()} must be finite numbers (x, y, width, height), width and height above 0"
        )
    return tuple(Cut(box=(x, y, width, height)) for x, y, width, height in rows.tolist())
