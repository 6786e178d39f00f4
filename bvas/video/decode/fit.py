"""Fitting of a picture into the size that an experiment works at.

Aspect kept (that of the samples too), scaled down or up until one side touches, centered, the rest 0:

    720 x 1280 into 736 x 1280: unscaled, 8 rows of padding above and 8 below
    720 x 1280 into 224 x 224:  scaled to 126 x 224, 49 rows above and 49 below

`crop` and `stretch` fill the frame instead, from a window of the picture; so do the boxes of single frames.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.checks import checked_size
from bvas.values.input_format import Fit

if TYPE_CHECKING:
    import torch
    from torch import Tensor


Window: TypeAlias = tuple[int, int, int, int]
"""(top, left, height, width) in pixels of the upright picture; it may reach beyond the edges."""


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
    window: Window | None = None
    """Part of the picture that is taken; None for all of it."""

    @property
    def taken(self) -> Window:
        """The window, or the whole picture."""
        return self.window or (0, 0, *self.source)

    @property
    def is_resampled(self) -> bool:
        """Whether the picture changes size; if not, its pixels are kept as they are."""
        return self.content != self.taken[2:]

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
        if self.content != self.size:
            out[: rows.start] = out[rows.stop :] = padding
            out[rows, : columns.start] = out[rows, columns.stop :] = padding
        if self.window is not None:
            inside, around = inside_window(self.window, self.source)
            luma = np.pad(luma[inside], around, constant_values=padding)
        out[rows, columns] = _resize(luma, *self.content) if self.is_resampled else luma

    def apply_tensor(self, luma: "Tensor") -> "Tensor":
        """Do as `apply`, on the device of `luma`; the results differ by at most 1.

        Args:
            luma: uint8 [h, w], upright.

        Returns:
            uint8 [H, W] on the same device.
        """
        import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

        assert tuple(luma.shape) == self.source, (luma.shape, self)
        out = luma.new_zeros(self.size)
        height, width = self.content
        picture = luma
        if self.window is not None:
            inside, ((above, below), (before, behind)) = inside_window(self.window, self.source)
            picture = F.pad(luma[inside], (before, behind, above, below))
        if self.is_resampled:
            resized = resize_axis(picture, 0, fit_taps(picture.shape[0], height, luma.device))
            resized = resize_axis(resized, 1, fit_taps(picture.shape[1], width, luma.device))
            picture = resized.round_().clamp_(0, 255).to(luma.dtype)
        out[self.area] = picture
        return out


def inside_window(
    window: Window, source: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[tuple[int, int], tuple[int, int]]]:
    """Return the part of a window that lies in the picture, and the rows and columns around it."""
    parts, around = [], []
    for start, length, end in zip(window[:2], window[2:], source, strict=True):
        # A window beside the picture holds nothing of it.
        first, last = (min(max(place, 0), end) for place in (start, start + length))
        parts.append(slice(first, last))
        before = min(max(-start, 0), length)
        around.append((before, length - before - (last - first)))
    return (parts[0], parts[1]), (around[0], around[1])


def plan_fit(
    source: tuple[int, int],
    size: tuple[int, int] | None,
    sample_aspect: Fraction = Fraction(1),
    *,
    fit: Fit = "pad",
    resize: tuple[int, int] | None = None,
    place: tuple[float, float] = (0.5, 0.5),
) -> FitPlan:
    """Plan how an upright picture of `source` = (h, w) is fitted into `size` = (H, W).

    Args:
        source: Rows and columns of the upright picture.
        size: The size to fit into; None returns the picture as it is, samples not made square.
        sample_aspect: Width over height of a sample of the upright picture.
        fit: What happens where its shape differs from that of `size`.
        resize: As `InputFormat.resize`.
        place: Where `size` is cut out, as shares (down, right) of what remains beside it; by default the center.

    Raises:
        ConfigError: `size` is not a pair of integers from 1 on.
    """
    if size is None:
        return FitPlan(source=source, size=source, content=source, top=0, left=0)
    size = checked_size(size)
    if fit != "pad":
        scaled = scaled_size(source, sample_aspect, fit, resize or size)
        rows, columns = (
            _cut(length, whole, part, share)
            for length, whole, part, share in zip(source, scaled, size, place, strict=True)
        )
        return window_plan(source, (rows[0], columns[0], rows[1], columns[1]), size)
    height, width = source
    shown_width = width * sample_aspect
    scale = min(Fraction(size[0], height), Fraction(size[1]) / shown_width)
    rows_in, columns_in = round(height * scale), round(shown_width * scale)
    content = min(max(rows_in, 1), size[0]), min(max(columns_in, 1), size[1])
    return FitPlan(
        source=source,
        size=size,
        content=content,
        top=(size[0] - content[0]) // 2,
        left=(size[1] - content[1]) // 2,
    )


def window_plan(source: tuple[int, int], window: Window, size: tuple[int, int]) -> FitPlan:
    """Return the plan that scales a window of a picture of `source` = (h, w) to all of `size` = (H, W)."""
    whole = window == (0, 0, *source)
    return FitPlan(source=source, size=size, content=size, top=0, left=0, window=None if whole else window)


def scaled_size(
    source: tuple[int, int], sample_aspect: Fraction, fit: Fit, target: tuple[int, int]
) -> tuple[int, int]:
    """Return the (h, w) that a whole picture is scaled to: `target`, or for `crop` the smallest that covers it.

    The longer side is rounded down, as by torchvision's `Resize`.
    """
    if fit == "stretch":
        return target
    height, width = source[0], source[1] * sample_aspect
    scale = max(Fraction(target[0], height), Fraction(target[1]) / width)
    return max(int(height * scale), target[0]), max(int(width * scale), target[1])


def cut_start(whole: int, part: int, share: float) -> int:
    """Return where `part` of `whole` pixels begins; in the center rounded as by torchvision's `CenterCrop`."""
    return round((whole - part) * share)


def _cut(length: int, whole: int, part: int, share: float) -> tuple[int, int]:
    """Return start and length, in source pixels, of `part` pixels cut out of a side scaled from `length` to `whole`."""
    start = cut_start(whole, part, share)
    first, last = round(start * length / whole), round((start + part) * length / whole)
    return first, max(last - first, 1)


def box_window(
    box: tuple[float, float, float, float], size: tuple[int, int], sample_aspect: Fraction = Fraction(1)
) -> Window:
    """Return the window of a box, widened or heightened about its center to the aspect of a frame.

    Args:
        box: (x, y, width, height) in pixels of the upright picture.
        size: (H, W) of the frame.
        sample_aspect: Width over height of a sample of the upright picture.
    """
    x, y, width, height = box
    # Rows and columns of the picture that a pixel of the frame covers.
    columns_each = float(1 / sample_aspect)
    scale = max(height / size[0], width / (size[1] * columns_each))
    rows, columns = max(round(scale * size[0]), 1), max(round(scale * size[1] * columns_each), 1)
    return round(y + (height - rows) / 2), round(x + (width - columns) / 2), rows, columns


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


def resize_axis(picture: "Tensor", axis: int, taps: Taps) -> "Tensor":
    """Return the picture, float64, with rows (axis 0) or columns (axis 1) resized."""
    resized = None
    for indices, weights in taps:
        part = picture.index_select(axis, indices) * (weights[:, None] if axis == 0 else weights)
        resized = part if resized is None else resized.add_(part)
    assert resized is not None
    return resized


@lru_cache(maxsize=64)
def fit_taps(source: int, target: int, device: "torch.device") -> Taps:
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
