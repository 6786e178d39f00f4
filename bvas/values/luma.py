"""Scaling of stored luma (uint8) to [0, 1].

Limited range ("tv", ITU-R BT.709 section 4.6, 8 bit) stores black as 16 and white as 235;
full range ("pc") stores them as 0 and 255.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ColorRange = Literal["limited", "full"]
LumaScaling = Literal["range", "stored"]
"""`range`: by the range tag of the file. `stored`: y / 255, as the weights of the reference system expect."""


def offset_and_scale(color_range: ColorRange, scaling: LumaScaling) -> tuple[float, float]:
    """Return (offset, scale) such that unit = clamp((y - offset) / scale, 0, 1).

    >>> offset_and_scale("limited", "range")
    (16.0, 219.0)

    Raises:
        ConfigError: an unknown range or scaling.
    """
    if color_range not in get_args(ColorRange) or scaling not in get_args(LumaScaling):
        raise ConfigError(
            f"unknown color range {color_range!r} or luma scaling {scaling!r}; "
            f"known are {get_args(ColorRange)} and {get_args(LumaScaling)}"
        )
    if scaling == "range" and color_range == "limited":
        return 16.0, 219.0
    return 0.0, 255.0


def to_unit(frames: "Tensor", color_ranges: Sequence[ColorRange], scaling: LumaScaling) -> "Tensor":
    """Return frames as float32 in [0, 1], on their device.

    Args:
        frames: uint8 [B, ...], luma as stored; padding of 0 becomes 0 in either scaling.
        color_ranges: The range tag of each of the B clips.
        scaling: Which rule applies.

    Raises:
        ConfigError: an unknown range or scaling.
    """
    assert len(color_ranges) == frames.shape[0], (len(color_ranges), frames.shape)
    rules = tuple(offset_and_scale(color_range, scaling) for color_range in color_ranges)
    unit = frames.float()
    shape = (-1, *[1] * (frames.ndim - 1))
    # Mostly all clips follow one rule.
    offsets, scales = _on_device(rules[:1] if len(set(rules)) == 1 else rules, frames.device)
    return ((unit - offsets.reshape(shape)) / scales.reshape(shape)).clamp_(0.0, 1.0)


@lru_cache(maxsize=256)
def _on_device(rules: tuple[tuple[float, float], ...], device: "torch.device") -> "tuple[Tensor, Tensor]":
    """Return offsets and scales as float32 tensors; kept, because copying them waits for the device."""
    import torch

    # Plain tensors, whatever mode the first frames come in.
    with torch.inference_mode(False):
        offsets, scales = torch.tensor(rules, dtype=torch.float32).reshape(-1, 2).unbind(dim=1)
        return offsets.contiguous().to(device), scales.contiguous().to(device)


def to_unit_array(
    frames: NDArray[np.uint8], color_range: ColorRange, scaling: LumaScaling
) -> NDArray[np.float32]:
    """Return frames of one video as float32 in [0, 1]: `to_unit` without PyTorch, bit for bit.

    Args:
        frames: uint8, luma as stored, of any shape.
        color_range: Their range tag.
        scaling: Which rule applies.

    Raises:
        ConfigError: an unknown range or scaling.
    """
    offset, scale = offset_and_scale(color_range, scaling)
    stored = np.arange(256, dtype=np.float32)
    table = np.clip((stored - np.float32(offset)) / np.float32(scale), 0.0, 1.0, dtype=np.float32)
    unit: NDArray[np.float32] = table[frames]
    return unit
