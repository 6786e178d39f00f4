"""Color frames to RGB bytes on the CPU, in 16-bit integers: a quarter of the time of float32."""

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.color import (
    Matrix,
    PlaneLayout,
    ReaderChannels,
    Span,
    chroma_matrix,
    picture_area,
    split_planes,
    to_rgb,
)
from bvas.values.input_format import WHOLE_PICTURE, Cut
from bvas.values.luma import ColorRange, offset_and_scale
from bvas.video.decode.color_fit import ColorFit
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.stored_color import Planes, StoredColor
from bvas.video.index.frame_table import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor

# Fixed point of `to_rgb_bytes`: sixteenths. Chroma adds at most 290 to a channel; four times that fits into 16 bits.
_FRACTION = 4
# Rows at a time: what is computed for them stays in the processor's cache.
_STRIP = 72


def to_rgb_bytes(
    frame: NDArray[np.uint8], layout: PlaneLayout, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Return a frame as RGB on the CPU, uint8 [3, H, W], within 1 of 255 times `to_rgb`.

    It is computed in 16-bit integers, which takes a quarter of the time of float32.

    Args:
        frame: Planes as stored, uint8 [bytes].
        layout: What the bytes mean.
        out: Where it goes, uint8 [3, H, W]; None for a new array.
    """
    luma, chroma = split_planes(frame, layout.size)
    height, width = layout.size
    if out is None:
        out = np.empty((3, height, width), np.uint8)
    luma_table, chroma_tables = _byte_tables(layout.matrix, layout.color_range)
    first, last = layout.rows.samples
    left, right = layout.columns.samples
    columns = _phases(layout.columns)
    rows = _phases(layout.rows)
    num_columns = layout.chroma_size[1]
    # One sample more on each side, and one row: edges repeat.
    tall = np.empty((_STRIP, num_columns + 2), np.int16)
    wide = np.empty((_STRIP, 2 * num_columns), np.int16)
    taken = np.empty((2, _STRIP // 2 + 2, num_columns + 2), np.uint8)
    for top in range(0, height, _STRIP):
        count = min(_STRIP, height - top)
        num = -(-count // 2)
        samples = np.clip(np.arange(top // 2 - 1, top // 2 + num + 1), first, last)
        part = taken[:, : num + 2]
        part[:, :, 1:-1] = chroma[:, samples]
        part[:, :, : left + 1] = part[:, :, left + 1 : left + 2]
        part[:, :, right + 2 :] = part[:, :, right + 1 : right + 2]
        unit = cv2.LUT(luma[top : top + count], luma_table)
        for channel, tables in zip(out[:, top : top + count], chroma_tables, strict=True):
            coarse: NDArray[np.int16] | None = None
            for plane, table in zip(part, tables, strict=True):
                if table is not None:
                    share = cv2.LUT(plane, table)
                    coarse = share if coarse is None else cv2.add(coarse, share, dst=coarse)
            assert coarse is not None
            for parity, (shift, quarters) in enumerate(rows):
                before, behind = coarse[1 + shift : 1 + shift + num], coarse[2 + shift : 2 + shift + num]
                tall[parity : 2 * num : 2] = _between(before, behind, quarters)
            halves = [
                _between(
                    tall[:count, 1 + shift :][:, :num_columns],
                    tall[:count, 2 + shift :][:, :num_columns],
                    quarters,
                )
                for shift, quarters in columns
            ]
            full = cv2.merge(halves, dst=wide[:count].reshape(count, num_columns, 2)).reshape(count, -1)[
                :, :width
            ]
            full += unit
            full >>= _FRACTION
            np.clip(full, 0, 255, out=full)
            channel[...] = full
    if (layout.rows.length, layout.columns.length) != layout.size:
        inside_rows, inside_columns = picture_area(layout)
        out[:, : inside_rows.start] = out[:, inside_rows.stop :] = 0
        out[:, :, : inside_columns.start] = out[:, :, inside_columns.stop :] = 0
    return out


class RgbFit:
    """Turns and fits the color frames of one video, and returns RGB.

    Args:
        planes: Fit of its planes.
    """

    def __init__(self, planes: ColorFit) -> None:
        self._planes = planes
        self._scratch = np.empty(planes.frame_shape, np.uint8)
        self.size = planes.size
        """(H, W) of the returned frames."""
        self.layout = planes.layout
        self.frame_shape: tuple[int, ...] = (3, *planes.size)

    def apply(
        self,
        index: int,
        planes: Planes,
        out: NDArray[np.uint8],
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> None:
        """Write frame `index` into `out`, uint8 [3, H, W]; see `ColorFit.apply`."""
        self._planes.apply(index, planes, self._scratch, aspect, cut)
        to_rgb_bytes(self._scratch, self.layout, out)

    def apply_tensor(
        self,
        index: int,
        planes: "tuple[Tensor, Tensor, Tensor]",
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> "Tensor":
        """Return frame `index` as uint8 [3, H, W] on the device of its planes; see `ColorFit.apply_tensor`."""
        import torch

        rgb = to_rgb(self._planes.apply_tensor(index, planes, aspect, cut), self.layout)
        return rgb.mul_(255).round_().to(torch.uint8)


def color_fit(
    luma: UprightFit, info: VideoInfo, stored: StoredColor, channels: ReaderChannels
) -> ColorFit | RgbFit:
    """Return the fit of a video's planes, or of the RGB made of them."""
    planes = ColorFit(info, stored, luma)
    return planes if channels == "planes" else RgbFit(planes)


def _between(before: NDArray[np.int16], behind: NDArray[np.int16], quarters: int) -> NDArray[np.int16]:
    """Return what lies so many quarters of the way from one to the other, C-contiguous."""
    if quarters == 0:
        return np.ascontiguousarray(before)
    if quarters == 2:
        mean = before + behind
        mean += 1
        mean >>= 1
        return mean
    near, far = (before, behind) if quarters == 1 else (behind, before)
    mixed = near * np.int16(3)
    mixed += far
    mixed += 2
    mixed >>= 2
    return mixed


def _phases(span: Span) -> list[tuple[int, int]]:
    """Return for even and odd pixels the chroma sample before, counted from pixel // 2, and the quarters behind it."""
    places = [(pixel + 0.5 - span.chroma) / 2 for pixel in (0, 1)]
    found = [(int(np.floor(place)), 4 * (place - np.floor(place))) for place in places]
    assert all(quarters == int(quarters) and -1 <= shift + quarters / 4 <= 1 for shift, quarters in found), (
        span
    )
    return [(shift, int(quarters)) for shift, quarters in found]


@lru_cache(maxsize=16)
def _byte_tables(
    matrix: Matrix, color_range: ColorRange
) -> tuple[NDArray[np.int16], tuple[tuple[NDArray[np.int16] | None, ...], ...]]:
    """Return luma's share of a channel by code, int16 [256], and for R, G, B those of blue and red difference."""
    offset, scale = offset_and_scale(color_range, "range")
    one = 255 << _FRACTION
    codes = np.arange(256)
    # Half a code more, so that the shift at the end rounds.
    luma = np.rint((codes - offset) * (one / scale)) + (1 << (_FRACTION - 1))
    shares = chroma_matrix(matrix, color_range)[..., None] * (codes - 128) * one
    tables = tuple(
        tuple(np.rint(share).astype(np.int16) if share.any() else None for share in of_channel)
        for of_channel in shares
    )
    return luma.astype(np.int16), tables
