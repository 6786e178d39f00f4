"""Configuration of augmentation: probabilities and ranges."""

from dataclasses import dataclass, fields
from typing import Any, Self

from bvas.errors import ConfigError

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentConfig:
    """Probabilities per clip, and ranges of uniform draws. The defaults are those of the reference system.

    Applied in this order: camera move, rotation, translation, crop, flip (one resampling for the five), sharpness,
    motion blur, brightness, contrast, saturation, hue, posterize, noise.
    """

    camera_move_probability: float = 0.2
    """The picture moves linearly from a start pose to an end pose over the clip."""
    camera_move_degrees: float = 2.5
    """Largest rotation of both poses about the center, to either side."""
    camera_move_translation: Range = (0.1, 0.05)
    """Largest shift of both poses, as a share of width and height, to either side."""
    camera_move_scale: Range = (0.95, 1.05)
    """Zoom of both poses about the center."""
    rotation_probability: float = 0.3
    rotation_degrees: float = 2.5
    """Largest rotation about the center, to either side, the same for all frames."""
    translation_probability: float = 0.0
    translation: Range = (0.25, 0.25)
    """Largest shift, as a share of width and height, to either side, the same for all frames."""
    crop_probability: float = 0.8
    """A rectangle of the picture is scaled to fill it."""
    crop_area: Range = (0.9, 1.0)
    """Area of the rectangle, as a share of the picture's."""
    crop_aspect_jitter: float = 0.1
    """Largest difference of the rectangle's width over height from the picture's."""
    flip_probability: float = 0.5
    """Left and right are swapped."""
    sharpness_probability: float = 0.2
    sharpness_factor: Range = (0.0, 1.0)
    """0 is smoothed by 3x3, 1 unchanged, above 1 sharpened (kornia.enhance.sharpness)."""
    motion_blur_probability: float = 0.2
    motion_blur_size: int = 11
    """Length of the blur in pixels, odd."""
    motion_blur_degrees: float = 7.5
    """Largest angle of the blur to the horizontal, to either side."""
    brightness_probability: float = 0.3
    brightness_factor: Range = (0.8, 1.2)
    """factor - 1 is added to every pixel (as kornia's RandomBrightness, which the reference system uses)."""
    contrast_probability: float = 0.3
    contrast_factor: Range = (0.8, 1.2)
    """Every pixel is multiplied by it."""
    saturation_probability: float = 0.0
    """RGB only, as hue."""
    saturation_factor: Range = (0.5, 1.5)
    """0 is gray, 1 unchanged (kornia.enhance.adjust_saturation_with_gray_subtraction)."""
    hue_probability: float = 0.0
    hue_degrees: float = 30.0
    """Largest turn of the hue, to either side; 180 makes any color of any other (kornia.enhance.adjust_hue)."""
    posterize_probability: float = 0.2
    posterize_bits: tuple[int, int] = (3, 8)
    """Fewest and most bits that are kept of 8 (kornia's RandomPosterize(bits=3), which the reference
    system uses, draws from 3 to 8)."""
    noise_probability: float = 0.2
    noise_deviation: float = 0.05
    """Standard deviation of Gaussian noise, drawn for every pixel of every frame."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_probability") and not 0 <= value <= 1:
                raise ConfigError(f"{field.name} must lie in [0, 1], got {value}")
            if field.name.endswith(("_degrees", "_jitter", "_deviation")) and value < 0:
                raise ConfigError(f"{field.name} must be at least 0, got {value}; it counts to either side")
            if field.name.endswith(("_scale", "_area", "_factor", "_bits")) and value[0] > value[1]:
                raise ConfigError(f"{field.name} is (lowest, highest), got {value}")
        for name in ("camera_move_translation", "translation"):
            if min(getattr(self, name)) < 0:
                raise ConfigError(
                    f"{name} is (part of the width, part of the height), each at least 0, got {getattr(self, name)}"
                )
        if self.camera_move_scale[0] <= 0:
            raise ConfigError(f"camera_move_scale must be above 0, got {self.camera_move_scale}")
        if not 0 < self.crop_area[0] <= self.crop_area[1] <= 1:
            raise ConfigError(f"crop_area must lie in (0, 1], got {self.crop_area}")
        for name in ("sharpness_factor", "brightness_factor", "contrast_factor", "saturation_factor"):
            if getattr(self, name)[0] < 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.motion_blur_size < 3 or self.motion_blur_size % 2 == 0:
            raise ConfigError(f"motion_blur_size must be odd and at least 3, got {self.motion_blur_size}")
        if not 1 <= self.posterize_bits[0] <= self.posterize_bits[1] <= 8:
            raise ConfigError(f"posterize_bits must lie in 1..8, got {self.posterize_bits}")

    @property
    def changes_colors(self) -> bool:
        """Whether a change needs RGB."""
        return self.saturation_probability > 0 or self.hue_probability > 0

    @classmethod
    def none(cls) -> Self:
        """Return the config without any change; `replace` turns single changes on."""
        never: dict[str, Any] = {
            field.name: 0.0 for field in fields(cls) if field.name.endswith("_probability")
        }
        return cls(**never)
