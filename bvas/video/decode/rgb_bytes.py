"""Color frames to RGB bytes on the CPU, in 16-bit integers: an eighth of the time of float32."""

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

# Rows at a time: what is computed for them stays in the processor's cache.
_STRIP = 180


def to_rgb_bytes(
    frame: NDArray[np.uint8], layout: PlaneLayout, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Return a frame as RGB on the CPU, uint8 [H, W, 3], within 0.6 of 255 times `to_rgb`.

    Chroma is upsampled in sixteenths of a code, which is exact: the weights are quarters. OpenCV applies the matrix to
    16-bit integers in float32, and clips; the upper byte of its result is RGB.

    Args:
        frame: Planes as stored, uint8 [bytes].
        layout: What the bytes mean.
        out: Where it goes; None for a new array.
    """
    luma, chroma = split_planes(frame, layout.size)
    height, width = layout.size
    if out is None:
        out = np.empty((height, width, 3), np.uint8)
    matrix = _byte_matrix(layout.matrix, layout.color_range)
    rows, columns = _phases(layout.rows), _phases(layout.columns)
    first, last = layout.rows.samples
    left, right = layout.columns.samples
    num_columns = layout.chroma_size[1]
    for top in range(0, height, _STRIP):
        count = min(_STRIP, height - top)
        num = -(-count // 2)
        # One sample more on each side, and one row above and below: edges repeat.
        samples = np.clip(np.arange(top // 2 - 1, top // 2 + num + 1), first, last)
        taken = np.empty((2, num + 2, num_columns + 2), np.uint16)
        taken[:, :, 1:-1] = chroma[:, samples]
        taken[:, :, : left + 1] = taken[:, :, left + 1 : left + 2]
        taken[:, :, right + 2 :] = taken[:, :, right + 1 : right + 2]
        channels = [luma[top : top + count].astype(np.uint16)]
        for plane in taken:
            tall = np.empty((2 * num, num_columns + 2), np.uint16)
            for parity, (shift, quarters) in enumerate(rows):
                tall[parity::2] = _between(plane[1 + shift :][:num], plane[2 + shift :][:num], quarters)
            halves = [
                _between(
                    tall[:, 1 + shift :][:, :num_columns], tall[:, 2 + shift :][:, :num_columns], quarters
                )
                for shift, quarters in columns
            ]
            wide = cv2.merge(halves).reshape(2 * num, -1)
            channels.append(np.ascontiguousarray(wide[:count, :width]))
        rgb = cv2.transform(cv2.merge(channels), matrix)
        np.right_shift(rgb, 8, out=rgb)
        out[top : top + count] = rgb
    if (layout.rows.length, layout.columns.length) != layout.size:
        inside_rows, inside_columns = picture_area(layout)
        out[: inside_rows.start] = out[inside_rows.stop :] = 0
        out[:, : inside_columns.start] = out[:, inside_columns.stop :] = 0
    return out


def _between(before: NDArray[np.uint16], behind: NDArray[np.uint16], quarters: int) -> NDArray[np.uint16]:
    """Return four times what lies so many quarters of the way from one to the other, C-contiguous."""
    if quarters == 0:
        return before * np.uint16(4)
    if quarters == 2:
        mean = before + behind
        mean += mean
        return mean
    near, far = (before, behind) if quarters == 1 else (behind, before)
    mixed = near * np.uint16(3)
    mixed += far
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
def _byte_matrix(matrix: Matrix, color_range: ColorRange) -> NDArray[np.float32]:
    """Return the affine map from luma codes and sixteenths of chroma codes to 256 times RGB bytes, float32 [3, 4]."""
    offset, scale = offset_and_scale(color_range, "range")
    shares = chroma_matrix(matrix, color_range)
    one = 256 * 255
    # Half a byte more, so that the upper byte rounds.
    constant = 128 - one * (offset / scale + 128 * shares.sum(axis=1))
    return np.column_stack([np.full(3, one / scale), one / 16 * shares, constant]).astype(np.float32)


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
        self.frame_shape: tuple[int, ...] = (*planes.size, 3)

    def apply(
        self,
        index: int,
        planes: Planes,
        out: NDArray[np.uint8],
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> None:
        """Write frame `index` into `out`, uint8 [H, W, 3]; see `ColorFit.apply`."""
        self._planes.apply(index, planes, self._scratch, aspect, cut)
        to_rgb_bytes(self._scratch, self.layout, out)

    def apply_tensor(
        self,
        index: int,
        planes: "tuple[Tensor, Tensor, Tensor]",
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> "Tensor":
        """Return frame `index` as uint8 [H, W, 3] on the device of its planes; see `ColorFit.apply_tensor`."""
        import torch

        rgb = to_rgb(self._planes.apply_tensor(index, planes, aspect, cut), self.layout)
        return rgb.mul_(255).round_().to(torch.uint8).permute(1, 2, 0)


def color_fit(
    luma: UprightFit, info: VideoInfo, stored: StoredColor, channels: ReaderChannels
) -> ColorFit | RgbFit:
    """Return the fit of a video's planes, or of the RGB made of them."""
    planes = ColorFit(info, stored, luma)
    return planes if channels == "planes" else RgbFit(planes)
