"""Color of stored 4:2:0 planes: what their bytes mean, and the conversion to RGB.

A color frame travels as one row of bytes: luma [H, W], then blue and red difference [ceil(H / 2), ceil(W / 2)] each.
`PlaneLayout` says what they mean. The conversion follows ITU-R BT.601, BT.709 and BT.2020 (section "Signal format"):

    Y' = (y - 16) / 219, Pb = (cb - 128) / 224, Pr = (cr - 128) / 224        limited range, 8 bit
    Y' = y / 255, Pb = (cb - 128) / 255, Pr = (cr - 128) / 255               full range (ITU-T H.273, section 8.3)
    R = Y' + 2 (1 - Kr) Pr,  B = Y' + 2 (1 - Kb) Pb,  G = (Y' - Kr R - Kb B) / (1 - Kr - Kb)

Chroma is upsampled bilinearly between its samples, at the position that the layout states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bvas.values.luma import ColorRange, LumaScaling, offset_and_scale, to_unit, to_unit_array

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Channels = Literal["luma", "rgb"]
"""What a model sees: luma, or red, green and blue."""
ReaderChannels = Literal["luma", "planes", "rgb"]
"""What a reader gives: luma, or the 4:2:0 planes that RGB is made of, or RGB."""
Matrix = Literal["bt601", "bt709", "bt2020", "fcc", "smpte240m"]
WEIGHTS: dict[Matrix, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
    "fcc": (0.30, 0.11),
    "smpte240m": (0.212, 0.087),
}
"""Weights of red and blue in luma (Kr, Kb), by matrix (ITU-T H.273, table 4)."""
Taps: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""For each pixel of an axis: the chroma samples on its sides, and the weight of the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneLayout:
    """What the bytes of a color frame mean."""

    size: tuple[int, int]
    """(H, W) of the frame."""
    matrix: Matrix
    color_range: ColorRange
    chroma: tuple[float, float]
    """(down, right): where the center of the first chroma sample lies, in pixels from the frame's corner; the others
    follow at every second pixel. 1.0 lies between two pixels, 0.5 on the first."""
    is_padded: bool = False
    """Frames may be black around the picture: there, and only there, luma is 0."""

    @property
    def chroma_size(self) -> tuple[int, int]:
        """Rows and columns of a chroma plane."""
        return chroma_size(self.size)

    @property
    def num_bytes(self) -> int:
        """Bytes of a frame."""
        return plane_bytes(self.size)


FrameForm: TypeAlias = ColorRange | PlaneLayout
"""What the bytes of frames mean: the range tag of luma [H, W], or the layout of color planes [bytes]."""


def chroma_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the chroma planes of a frame of (H, W)."""
    return -(-size[0] // 2), -(-size[1] // 2)


def plane_bytes(size: tuple[int, int]) -> int:
    """Return the bytes of a color frame of (H, W): 1.5 a pixel for even sizes."""
    rows, columns = chroma_size(size)
    return size[0] * size[1] + 2 * rows * columns


def split_planes(
    frame: NDArray[np.uint8], size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return views of luma [H, W] and chroma [2, h, w] of one color frame, uint8 [bytes]."""
    num = size[0] * size[1]
    return frame[:num].reshape(size), frame[num:].reshape(2, *chroma_size(size))


def chroma_taps(place: float, length: int) -> Taps:
    """Return the chroma samples on both sides of each of `length` pixels, by bilinear weights.

    Args:
        place: Where the first sample lies, see `PlaneLayout.chroma`.
        length: Pixels of a row or column.
    """
    places = (np.arange(length) + 0.5 - place) / 2
    below = np.floor(places).astype(np.int64)
    last = -(-length // 2) - 1
    return np.clip(below, 0, last), np.clip(below + 1, 0, last), places - below


def to_unit_frames(frames: "Tensor", forms: Sequence[FrameForm], scaling: LumaScaling) -> "Tensor":
    """Return clips as float32 in [0, 1], on their device.

    Args:
        frames: Clips as they are stored: luma uint8 [B, T, H, W], or planes uint8 [B, T, bytes]. Frames that are
            float already are returned as they are.
        forms: Of each of the B clips, all luma or all planes of one size.
        scaling: Which rule applies to luma.

    Returns:
        [B, T, H, W], of planes RGB [B, T, 3, H, W].

    Raises:
        ConfigError: an unknown range or scaling.
    """
    import torch

    if frames.is_floating_point():
        return frames
    layouts = [form for form in forms if isinstance(form, PlaneLayout)]
    if not layouts:
        return to_unit(frames, [form for form in forms if not isinstance(form, PlaneLayout)], scaling)
    assert len(layouts) == len(forms) == len(frames), (len(layouts), len(forms), len(frames))
    if len(set(layouts)) == 1:
        return to_rgb(frames, layouts[0])
    return torch.stack([to_rgb(clip, layout) for clip, layout in zip(frames, layouts, strict=True)])


def to_rgb(frames: "Tensor", layout: PlaneLayout) -> "Tensor":
    """Return frames as RGB, float32 [..., 3, H, W] in [0, 1], on their device.

    Args:
        frames: Planes as stored, uint8 [..., bytes].
        layout: What the bytes mean: `form` of the reader.

    Raises:
        ValueError: the frames are not planes of this layout.
    """
    import torch

    if not isinstance(layout, PlaneLayout):
        raise ValueError(f'the frames are luma ({layout!r}); open the video with channels="planes"')
    if frames.dtype != torch.uint8 or not frames.ndim or frames.shape[-1] != layout.num_bytes:
        raise ValueError(
            f"planes of {layout.size} must be uint8 [..., {layout.num_bytes}], got {frames.dtype} "
            f'{list(frames.shape)}; read them with channels="planes"'
        )
    height, width = layout.size
    planes = _plane_tensors(layout, frames.device)
    luma = frames[..., : height * width].reshape(*frames.shape[:-1], 1, height, width).float()
    chroma = frames[..., height * width :].reshape(*frames.shape[:-1], 2, *layout.chroma_size).float()
    # The matrix first, at the chroma's size: it and the interpolation are linear.
    differences = torch.einsum("cd,...dhw->...chw", planes.matrix, chroma - 128)
    for axis, (first, second, weight) in ((-1, planes.columns), (-2, planes.rows)):
        differences = torch.lerp(
            differences.index_select(axis, first), differences.index_select(axis, second), weight
        )
    rgb = differences.add_((luma - planes.offset) / planes.scale).clamp_(0.0, 1.0)
    return rgb.mul_(luma > 0) if layout.is_padded else rgb


@dataclass(frozen=True, slots=True)
class _PlaneTensors:
    """What `to_rgb` computes with, on a device."""

    offset: float
    scale: float
    matrix: "Tensor"
    """float32 [3, 2]: (R, G, B) from the chroma codes."""
    rows: "tuple[Tensor, Tensor, Tensor]"
    columns: "tuple[Tensor, Tensor, Tensor]"


@lru_cache(maxsize=64)
def _plane_tensors(layout: PlaneLayout, device: "torch.device") -> _PlaneTensors:
    """Return the numbers of a layout on a device; kept, because copying them waits for the device."""
    import torch

    # Plain tensors, whatever mode the first frames come in.
    with torch.inference_mode(False):

        def taps(place: float, length: int, shape: tuple[int, ...]) -> "tuple[Tensor, Tensor, Tensor]":
            first, second, weight = chroma_taps(place, length)
            weights = torch.from_numpy(weight).float().reshape(shape)
            return torch.from_numpy(first).to(device), torch.from_numpy(second).to(device), weights.to(device)

        (down, right), (height, width) = layout.chroma, layout.size
        offset, scale = offset_and_scale(layout.color_range, "range")
        return _PlaneTensors(
            offset=offset,
            scale=scale,
            matrix=torch.from_numpy(chroma_matrix(layout.matrix, layout.color_range)).float().to(device),
            rows=taps(down, height, (-1, 1)),
            columns=taps(right, width, (-1,)),
        )


def chroma_matrix(matrix: Matrix, color_range: ColorRange) -> NDArray[np.float64]:
    """Return the share of the chroma codes in R, G, B, float64 [3, 2], for RGB in [0, 1]."""
    red, blue = WEIGHTS[matrix]
    green = 1 - red - blue
    differences = np.array(
        [
            [0, 2 - 2 * red],
            [-blue * (2 - 2 * blue) / green, -red * (2 - 2 * red) / green],
            [2 - 2 * blue, 0],
        ]
    )
    return differences / (224 if color_range == "limited" else 255)


def to_unit_frames_array(
    frames: NDArray[np.uint8], form: FrameForm, scaling: LumaScaling
) -> NDArray[np.float32]:
    """Return frames of one video as float32 in [0, 1]: `to_unit_frames` without PyTorch.

    Args:
        frames: Luma uint8 [n, H, W], or planes uint8 [n, bytes].
        form: What they are.
        scaling: Which rule applies to luma.

    Returns:
        [n, H, W]; of planes RGB [n, 3, H, W], within 1e-6.
    """
    if not isinstance(form, PlaneLayout):
        return to_unit_array(frames, form, scaling)
    rgb = np.empty((len(frames), 3, *form.size), np.float32)
    for out, frame in zip(rgb, frames, strict=True):
        luma, chroma = split_planes(frame, form.size)
        offset, scale = offset_and_scale(form.color_range, "range")
        differences = np.tensordot(
            chroma_matrix(form.matrix, form.color_range), chroma.astype(np.float64) - 128, 1
        ).astype(np.float32)
        for axis, place in ((2, form.chroma[1]), (1, form.chroma[0])):
            first, second, weight = chroma_taps(place, form.size[axis - 1])
            weights = weight.astype(np.float32).reshape((-1, 1) if axis == 1 else (-1,))
            before = differences.take(first, axis)
            differences = before + weights * (differences.take(second, axis) - before)
        out[...] = np.clip(differences + (luma - np.float32(offset)) / np.float32(scale), 0, 1)
        if form.is_padded:
            out *= luma > 0
    return rgb
