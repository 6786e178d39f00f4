"""Frames of the source's size to the model's form, on the device: RGB, boxes, resampling, cut.

As torchvision's `VideoClassification` transform, bilinear without antialias, so that its models see what they were
trained on.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from bvas.values.color import FrameForm, PlaneLayout, to_unit_frames
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
        if cuts is None or len(set(cuts)) <= 1:
            cut = WHOLE_PICTURE if not cuts else cuts[0]
            return self._fitted(unit, cut, sample_aspect)
        parts = [self._fitted(one[None], cut, sample_aspect) for one, cut in zip(unit, cuts, strict=True)]
        return torch.cat(parts)

    def _fitted(self, frames: "Tensor", cut: Cut, sample_aspect: Fraction) -> "Tensor":
        """Return frames [n, ..., h, w] brought to the size."""
        import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

        form = self._form
        source = frames.shape[-2], frames.shape[-1]
        if cut.box is not None:
            inside, (rows, columns) = inside_window(box_window(cut.box, form.size, sample_aspect), source)
            return resized(F.pad(frames[..., inside[0], inside[1]], (*columns, *rows)), form.size)
        if form.fit == "pad":
            plan = plan_fit(source, form.size, sample_aspect)
            around = (
                plan.left,
                form.size[1] - plan.left - plan.content[1],
                plan.top,
                form.size[0] - plan.top - plan.content[0],
            )
            return F.pad(resized(frames, plan.content), around)
        scaled = scaled_size(source, sample_aspect, form.fit, form.scaled)
        top, left = (
            cut_start(whole, part, share)
            for whole, part, share in zip(scaled, form.size, cut.place, strict=True)
        )
        return resized(frames, scaled)[..., top : top + form.size[0], left : left + form.size[1]]


def resized(frames: "Tensor", size: tuple[int, int]) -> "Tensor":
    """Return frames, float [n, h, w] or [n, C, h, w], resampled to (H, W): bilinear, no antialias."""
    import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

    if tuple(frames.shape[-2:]) == size:
        return frames
    pictures = frames if frames.ndim == 4 else frames[:, None]
    scaled = F.interpolate(pictures, size=size, mode="bilinear", align_corners=False, antialias=False)
    return scaled if frames.ndim == 4 else scaled[:, 0]


def source_shape(stored: FrameForm, size: tuple[int, int]) -> tuple[int, ...]:
    """Return the shape of a frame as a reader delivers it, of a picture of (h, w)."""
    return (stored.num_bytes,) if isinstance(stored, PlaneLayout) else size
