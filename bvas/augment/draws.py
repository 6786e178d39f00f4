"""Random numbers of each clip, from the clip's own seed.

All numbers that any augmentation may need are drawn for every clip. So a clip's changes depend neither on its batch
nor on the device, and the probability of one augmentation does not affect the draws of another.
"""

# Dimension letters in this file: B clips.

import torch
from torch import Tensor

from bvas.augment.config import AugmentConfig

_POSE = ("degrees", "shift_x", "shift_y", "scale")
# Append only: the position of a name decides its value.
_NAMES = (
    "camera_move",
    *(f"camera_start_{part}" for part in _POSE),
    *(f"camera_end_{part}" for part in _POSE),
    *("rotation", "rotation_degrees"),
    *("crop", "crop_area", "crop_aspect", "crop_x", "crop_y"),
    "flip",
    *("sharpness", "sharpness_factor"),
    *("motion_blur", "motion_blur_degrees", "motion_blur_direction"),
    *("brightness", "brightness_factor"),
    *("contrast", "contrast_factor"),
    *("posterize", "posterize_bits"),
    *("noise", "noise_key"),
    *("saturation", "saturation_factor"),
    *("hue", "hue_degrees"),
    *("translation", "translation_x", "translation_y"),
)


class Draws:
    """Numbers of B clips by name, float64 [B] on the CPU."""

    def __init__(self, seeds: Tensor) -> None:
        """Draw for clips of the given seeds, int64 [B] on any device."""
        rows = [
            torch.rand(len(_NAMES), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            for seed in seeds.tolist()
        ]
        self._unit = torch.stack(rows, dim=1) if rows else torch.empty(len(_NAMES), 0, dtype=torch.float64)

    def __len__(self) -> int:
        return self._unit.shape[1]

    def uniform(self, name: str, low: float, high: float) -> Tensor:
        """Return numbers in [low, high)."""
        return low + (high - low) * self._unit[_NAMES.index(name)]

    def either_side(self, name: str, most: float) -> Tensor:
        """Return numbers in [-most, most)."""
        return self.uniform(name, -most, most)

    def integers(self, name: str, low: int, high: int) -> Tensor:
        """Return int64 numbers in low..high, both included, all equally likely."""
        return self.uniform(name, low, high + 1).floor().long()

    def chosen(self, name: str, config: AugmentConfig) -> Tensor:
        """Return whether each clip undergoes the change, bool [B], by the config's `NAME_probability`."""
        probability: float = getattr(config, f"{name}_probability")
        return self._unit[_NAMES.index(name)] < probability
