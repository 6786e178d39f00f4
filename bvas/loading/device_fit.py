"""Frames of the source's size to the model's form, on the device or in arrays: RGB, boxes, resampling, cut.

As torchvision's `VideoClassification` transform, bilinear without antialias, so that its models see what they were
trained on.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.color import FrameForm, PlaneLayout, to_unit_frames, to_unit_frames_array
from bvas.values.input_format import WHOLE_PICTURE, Cut, InputFormat
from bvas.values.luma import LumaScaling
from bvas.video.decode.fit import box_window, cut_start, inside_window, plan_fit, scaled_size

if TYPE_CHECKING:
    from torch import Tensor


class DeviceFit:
    """Brings frames as readers deliver them to float32 in [0, 1] of the model's size.

    Args:
        form: The model's form.
        luma_scaling: How luma becomes [0, 1].
    """

    def __init__(self, form: InputFormat, luma_scaling: LumaScaling) -> None:
        self._form = form
        self._luma_scaling = luma_scaling
        self.size = form.size
        """(H, W) of the frames that it makes."""

    def __call__(
        self,
        frames: "Tensor",
        stored: FrameForm,
        sample_aspect: Fraction = Fraction(1),
        cuts: Sequence[Cut] | None = None,
    ) -> "Tensor":
        """Return frames [n, H, W], of planes RGB [n, 3, H, W], on their device.

        Args:
            frames: Luma uint8 [n, h, w], or planes uint8 [n, bytes], upright.
            stored: What they are.
            sample_aspect: Width over height of a sample.
            cuts: Part of each picture that fills the frame; None: all of them by `fit`, cut in the center.
        """
        import torch

        unit = to_unit_frames(frames[None], [stored], self._luma_scaling)[0]
        parts = [self._fitted(part, cut, sample_aspect) for part, cut in _by_cut(unit, cuts)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def arrays(
        self,
        frames: NDArray[np.uint8],
        stored: FrameForm,
        sample_aspect: Fraction = Fraction(1),
        cuts: Sequence[Cut] | None = None,
    ) -> NDArray[np.float32]:
        """Return the same of arrays, within 1e-5, without PyTorch."""
        unit = to_unit_frames_array(frames, stored, self._luma_scaling)
        return np.concatenate([self._fitted(part, cut, sample_aspect) for part, cut in _by_cut(unit, cuts)])

    def _fitted(self, frames: Any, cut: Cut, sample_aspect: Fraction) -> Any:
        """Return frames, a tensor or an array [n, ..., h, w], brought to the size."""
        form = self._form
        source = frames.shape[-2], frames.shape[-1]
        if cut.box is not None:
            inside, (rows, columns) = inside_window(box_window(cut.box, form.size, sample_aspect), source)
            return resized(_padded(frames[..., inside[0], inside[1]], rows, columns), form.size)
        if form.fit == "pad":
            plan = plan_fit(source, form.size, sample_aspect)
            rows = plan.top, form.size[0] - plan.top - plan.content[0]
            columns = plan.left, form.size[1] - plan.left - plan.content[1]
            return _padded(resized(frames, plan.content), rows, columns)
        scaled = scaled_size(source, sample_aspect, form.fit, form.scaled)
        top, left = (
            cut_start(whole, part, share)
            for whole, part, share in zip(scaled, form.size, cut.place, strict=True)
        )
        return resized(frames, scaled)[..., top : top + form.size[0], left : left + form.size[1]]


def _by_cut(frames: Any, cuts: Sequence[Cut] | None) -> list[tuple[Any, Cut]]:
    """Return all frames with their common cut, or each with its own."""
    if cuts is None or len(set(cuts)) <= 1:
        return [(frames, WHOLE_PICTURE if not cuts else cuts[0])]
    return [(one[None], cut) for one, cut in zip(frames, cuts, strict=True)]


def _padded(frames: Any, rows: tuple[int, int], columns: tuple[int, int]) -> Any:
    """Return frames, a tensor or an array [n, ..., h, w], with black rows and columns around."""
    if isinstance(frames, np.ndarray):
        return np.pad(frames, (*((0, 0),) * (frames.ndim - 2), rows, columns))
    import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

    return F.pad(frames, (*columns, *rows))


def resized(frames: Any, size: tuple[int, int]) -> Any:
    """Return frames, a float tensor or array [n, h, w] or [n, C, h, w], resampled to (H, W): bilinear, no antialias."""
    if tuple(frames.shape[-2:]) == size:
        return frames
    if isinstance(frames, np.ndarray):
        planes = frames.reshape(-1, *frames.shape[-2:])
        resampled = [cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR) for plane in planes]
        return np.stack(resampled).reshape(*frames.shape[:-2], *size)
    import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

    pictures = frames if frames.ndim == 4 else frames[:, None]
    scaled = F.interpolate(pictures, size=size, mode="bilinear", align_corners=False, antialias=False)
    return scaled if frames.ndim == 4 else scaled[:, 0]


def source_shape(stored: FrameForm, size: tuple[int, int]) -> tuple[int, ...]:
    """Return the shape of a frame as a reader delivers it, of a picture of (h, w)."""
    return (stored.num_bytes,) if isinstance(stored, PlaneLayout) else size
