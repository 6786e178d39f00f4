"""Fitting of a picture into the size that an experiment works at.

Aspect kept (that of the samples too), scaled down or up until one side touches, centered, the rest 0:

    720 x 1280 into 736 x 1280: unscaled, 8 rows of padding above and 8 below
    720 x 1280 into 224 x 224:  scaled to 126 x 224, 49 rows above and 49 below
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.checks import checked_size

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """Place and size of an upright picture in the frame that is returned."""

    source: tuple[int, int]
    """(h, w) of the upright picture."""
    size: tuple[int, int]
    """(H, W) of the frame that is returned."""
    content: tuple[int, int]
    """(h, w) of the picture inside it."""
    top: int
    """Rows of padding above; where the padding is odd, the extra row is below."""
    left: int
    """Columns of padding on the left; where the padding is odd, the extra column is on the right."""

    @property
    def is_resampled(self) -> bool:
        """Whether the picture changes size; if not, its pixels are kept as they are."""
        return self.content != self.source

    @property
    def area(self) -> tuple[slice, slice]:
        """(rows, columns) of the frame that the picture covers."""
        height, width = self.content
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def apply(self, luma: NDArray[np.uint8], out: NDArray[np.uint8], padding: int = 0) -> None:
        """Fit one upright picture, uint8 [h, w], into `out`, uint8 [H, W], padding included."""
        assert luma.shape == self.source, (luma.shape, self)
        assert out.shape == self.size, (out.shape, self)
        rows, columns = self.area
        out[: rows.start] = out[rows.stop :] = padding
        out[rows, : columns.start] = out[rows, columns.stop :] = padding
        out[rows, columns] = _resize(luma, *self.content) if self.is_resampled else luma

    def apply_tensor(self, luma: "Tensor") -> "Tensor":
        """Do as `apply`, on the device of `luma`; the results differ by at most 1.

        Args:
            luma: uint8 [h, w], upright.

        Returns:
            uint8 [H, W] on the same device.
        """
        assert tuple(luma.shape) == self.source, (luma.shape, self)
        out = luma.new_zeros(self.size)
        height, width = self.content
        picture = luma
        if self.is_resampled:
            resized = _resize_axis(luma, 0, _taps(self.source[0], height, luma.device))
            resized = _resize_axis(resized, 1, _taps(self.source[1], width, luma.device))
            picture = resized.round_().clamp_(0, 255).to(luma.dtype)
        out[self.area] = picture
        return out


def plan_fit(
    source: tuple[int, int], size: tuple[int, int] | None, sample_aspect: Fraction = Fraction(1)
) -> FitPlan:
    """Plan how an upright picture of `source` = (h, w) is fitted into `size` = (H, W).

    Args:
        source: Rows and columns of the upright picture.
        size: The size to fit into; None returns the picture as it is, samples not made square.
        sample_aspect: Width over height of a sample of the upright picture.

    Raises:
        ConfigError: `size` is not a pair of integers from 1 on.
    """
    if size is None:
        return FitPlan(source=source, size=source, content=source, top=0, left=0)
    size = checked_size(size)
    height, width = source
    shown_width = width * sample_aspect
    scale = min(Fraction(size[0], height), Fraction(size[1]) / shown_width)
    rows, columns = round(height * scale), round(shown_width * scale)
    content = min(max(rows, 1), size[0]), min(max(columns, 1), size[1])
    return FitPlan(
        source=source,
        size=size,
        content=content,
        top=(size[0] - content[0]) // 2,
        left=(size[1] - content[1]) // 2,
    )


def _resize(luma: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Area filter where a side shrinks, bilinear where it grows; samples that are not square may need both."""
    shrunk = (min(height, luma.shape[0]), min(width, luma.shape[1]))
    if shrunk != luma.shape:
        luma = _cv2_resize(luma, shrunk, cv2.INTER_AREA)
    if shrunk != (height, width):
        luma = _cv2_resize(luma, (height, width), cv2.INTER_LINEAR)
    return luma


def _cv2_resize(luma: NDArray[np.uint8], size: tuple[int, int], interpolation: int) -> NDArray[np.uint8]:
    resized: NDArray[np.uint8] = cv2.resize(luma, (size[1], size[0]), interpolation=interpolation)
    return resized


Taps = tuple[tuple["Tensor", "Tensor"], ...]
"""For each tap: the source sample of each target sample, int64 [target], and its weight, float64 [target]."""


def _resize_axis(picture: "Tensor", axis: int, taps: Taps) -> "Tensor":
    """Return the picture, float64, with rows (axis 0) or columns (axis 1) resized."""
    resized = None
    for indices, weights in taps:
        part = picture.index_select(axis, indices) * (weights[:, None] if axis == 0 else weights)
        resized = part if resized is None else resized.add_(part)
    assert resized is not None
    return resized


@lru_cache(maxsize=64)
def _taps(source: int, target: int, device: "torch.device") -> Taps:
    """Return the weights of one axis on a device, made and copied there once for all frames.

    A target sample takes a few neighbors of many hundred, so the matrix is kept as its columns that are not 0.
    """
    # Imported here: readers on the CPU need no torch.
    import torch

    weights = _weights(source, target)
    firsts = (weights > 0).argmax(axis=1)
    num_taps = int((weights > 0).sum(axis=1).max())
    taps = []
    # Plain tensors, even where the first frame comes in inference mode: they are cached for all.
    with torch.inference_mode(False):
        for tap in range(num_taps):
            indices = np.minimum(firsts + tap, source - 1)
            # Taps behind the last source sample read that sample with weight 0.
            tap_weights = np.where(firsts + tap < source, weights[np.arange(target), indices], 0.0)
            # In double precision: the result is within rounding of the exact one on every device.
            taps.append((torch.from_numpy(indices).to(device), torch.from_numpy(tap_weights).to(device)))
    return tuple(taps)


def _weights(source: int, target: int) -> NDArray[np.float64]:
    """Return the [target, source] matrix of one axis: area when it shrinks, linear when it grows."""
    weights: NDArray[np.float64]
    if target <= source:
        edges = np.arange(target + 1) * (source / target)
        pixels = np.arange(source)
        covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        weights = np.clip(covered, 0.0, None) * (target / source)
    else:
        centers = np.clip((np.arange(target) + 0.5) * (source / target) - 0.5, 0.0, source - 1.0)
        weights = np.clip(1.0 - np.abs(centers[:, None] - np.arange(source)), 0.0, None)
    return weights
