"""Color frames to RGB bytes on the CPU, in 16-bit integers: an eighth of the time of float32."""

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.color import Matrix, PlaneLayout, ReaderChannels, chroma_matrix, split_planes, to_rgb
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


def to_rgb_bytes(frame: NDArray[np.uint8], layout: PlaneLayout) -> NDArray[np.uint8]:
    """Return a frame, planes uint8 [bytes], as RGB uint8 [H, W, 3]; see `fill_rgb`."""
    luma, (blue, red) = split_planes(frame, layout.size)
    out = np.empty((*layout.size, 3), np.uint8)
    fill_rgb((luma, blue, red), layout, out)
    return out


def fill_rgb(planes: Planes, layout: PlaneLayout, out: NDArray[np.uint8]) -> None:
    """Write a frame as RGB, on the CPU, within 0.6 of 255 times `to_rgb`.

    Chroma is upsampled in sixteenths of a code, which is exact: the weights are quarters. OpenCV applies the matrix to
    16-bit integers in float32, and clips; the upper byte of its result is RGB.

    Args:
        planes: Luma [H, W], blue and red difference [ceil(H / 2), ceil(W / 2)], uint8.
        layout: What they mean.
        out: Where it goes, uint8 [H, W, 3].
    """
    luma, *chroma = planes
    height, width = layout.size
    matrix = _byte_matrix(layout.matrix, layout.color_range)
    rows, columns = (_phases(place) for place in layout.chroma)
    num_rows, num_columns = layout.chroma_size
    for top in range(0, height, _STRIP):
        count = min(_STRIP, height - top)
        num = -(-count // 2)
        # One sample more on each side, and one row above and below: edges repeat.
        samples = np.clip(np.arange(top // 2 - 1, top // 2 + num + 1), 0, num_rows - 1)
        taken = np.empty((2, num + 2, num_columns + 2), np.uint16)
        for plane, target in zip(chroma, taken, strict=True):
            target[:, 1:-1] = plane[samples]
        taken[:, :, 0], taken[:, :, -1] = taken[:, :, 1], taken[:, :, -2]
        tall = np.empty((2, 2 * num, num_columns + 2), np.uint16)
        for parity, (shift, quarters) in enumerate(rows):
            before, behind = taken[:, 1 + shift :][:, :num], taken[:, 2 + shift :][:, :num]
            tall[:, parity::2] = _between(before, behind, quarters)
        halves = [
            _between(
                tall[..., 1 + shift :][..., :num_columns], tall[..., 2 + shift :][..., :num_columns], quarters
            )
            for shift, quarters in columns
        ]
        # Even and odd columns in turn.
        wide = cv2.merge([half.reshape(4 * num, num_columns) for half in halves]).reshape(2, 2 * num, -1)
        upsampled = (np.ascontiguousarray(plane[:count, :width]) for plane in wide)
        rgb = cv2.transform(cv2.merge([luma[top : top + count].astype(np.uint16), *upsampled]), matrix)
        np.right_shift(rgb, 8, out=rgb)
        out[top : top + count] = rgb
    if layout.is_padded:
        out[luma == 0] = 0


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


def _phases(first: float) -> list[tuple[int, int]]:
    """Return for even and odd pixels the chroma sample before, counted from pixel // 2, and the quarters behind it."""
    places = [(pixel + 0.5 - first) / 2 for pixel in (0, 1)]
    found = [(int(np.floor(place)), 4 * (place - np.floor(place))) for place in places]
    assert all(quarters == int(quarters) and -1 <= shift + quarters / 4 <= 1 for shift, quarters in found), (
        first
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
        ready = self._planes.without_copy(index, planes, aspect, cut)
        if ready is None:
            self._planes.apply(index, planes, self._scratch, aspect, cut)
            luma, (blue, red) = split_planes(self._scratch, self.size)
            ready = luma, blue, red
        fill_rgb(ready, self.layout, out)

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
