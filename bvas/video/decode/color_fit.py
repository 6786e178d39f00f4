"""Stored color planes to the frame that a reader returns: upright, and fitted; its layout.

Luma is fitted as that of gray frames, with 0 around the picture. Chroma that is not resampled keeps its samples, at the
place that the layout states. Resampled chroma comes to lie there too: in the center of each block of 2 x 2 pixels.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.color import PlaneLayout, chroma_size, split_planes
from bvas.values.input_format import WHOLE_PICTURE, Cut
from bvas.video.decode.fit import FitPlan, fit_taps, resize_axis
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.stored_color import Place, Planes, StoredColor
from bvas.video.index.frame_table import VideoInfo
from bvas.video.index.stored_picture import upright

if TYPE_CHECKING:
    from torch import Tensor

_CENTER = 1.0
_NEUTRAL = 128


class ColorFit:
    """Turns and fits the color frames of one video.

    Args:
        info: The video.
        stored: What its planes mean.
        luma: Fit of its luma.
    """

    def __init__(
        self, info: VideoInfo, stored: StoredColor, luma: UprightFit, *, fills: bool = False
    ) -> None:
        self._info = info
        self._luma = luma
        self._stored_place = stored.place
        plan = luma.plan_of(0, info.stored_size, None)
        self._direct_plan = None if plan.is_resampled or plan.window is not None else plan
        chroma = (_CENTER, _CENTER)
        if self._direct_plan is not None:
            down, right = self._upright_place(info.stored_size)
            chroma = plan.top % 2 + down, plan.left % 2 + right
        self.size = plan.size
        """(H, W) of the returned frames."""
        self.layout = PlaneLayout(
            size=plan.size,
            matrix=stored.matrix,
            color_range=stored.color_range,
            chroma=chroma,
            is_padded=plan.content != plan.size,
        )
        """What the bytes of a returned frame mean."""

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(bytes,)."""
        return (self.layout.num_bytes,)

    def apply(
        self,
        index: int,
        planes: Planes,
        out: NDArray[np.uint8],
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> None:
        """Write frame `index` into `out`, uint8 [bytes]; see `UprightFit.apply`.

        Raises:
            DecodeError: the picture differs in size from the start of the video, and no size was requested.
        """
        luma, *chroma = planes
        plan = self._luma.plan_of(index, luma.shape, aspect, cut)
        luma_out, chroma_out = split_planes(out, self.size)
        self._luma.apply(index, luma, luma_out, aspect, cut)
        turned = [upright(plane, self._info.rotation, self._info.mirrored) for plane in chroma]
        if plan == self._direct_plan:
            around = _padding(plan)
            for plane, target in zip(turned, chroma_out, strict=True):
                target[...] = plane if around is None else np.pad(plane, around, mode="edge")
            return
        steps = self._steps(plan, self._upright_place(luma.shape))
        for plane, target in zip(turned, chroma_out, strict=True):
            _resample(np.ascontiguousarray(plane), target, steps, neutral=self._has_neutral(plan))

    def without_copy(
        self, index: int, planes: Planes, aspect: Fraction | None = None, cut: Cut = WHOLE_PICTURE
    ) -> Planes | None:
        """Return views of the planes upright, where they are what `apply` would write; else None."""
        plan = self._luma.plan_of(index, planes[0].shape, aspect, cut)
        if plan != self._direct_plan or plan.content != plan.size:
            return None
        luma, blue, red = (upright(plane, self._info.rotation, self._info.mirrored) for plane in planes)
        return luma, blue, red

    def apply_tensor(
        self,
        index: int,
        planes: "tuple[Tensor, Tensor, Tensor]",
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> "Tensor":
        """Return frame `index` as uint8 [bytes] on the device of its planes, within 2 of `apply`.

        Raises:
            DecodeError: as `apply`.
        """
        import torch
        import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

        luma, *chroma = planes
        plan = self._luma.plan_of(index, tuple(luma.shape), aspect, cut)
        parts = [self._luma.apply_tensor(index, luma, aspect, cut).flatten()]
        size = chroma_size(self.size)
        steps = self._steps(plan, self._upright_place(tuple(luma.shape)))
        for plane in chroma:
            turned = plane.flip(1) if self._info.mirrored else plane
            turned = torch.rot90(turned, -self._info.rotation // 90)
            if plan == self._direct_plan:
                (above, below), (before, behind) = _padding(plan) or ((0, 0), (0, 0))
                pad = F.pad(turned[None, None].float(), (before, behind, above, below), mode="replicate")
                target = pad[0, 0].to(torch.uint8)
            else:
                target = _resample_tensor(turned, size, steps, neutral=self._has_neutral(plan))
            parts.append(target.flatten())
        return torch.cat(parts)

    def _has_neutral(self, plan: FitPlan) -> bool:
        """Return whether chroma around the picture has to be neutral, since black is not told by luma of 0."""
        top, left, height, width = plan.taken
        reaches_beyond = min(top, left) < 0 or top + height > plan.source[0] or left + width > plan.source[1]
        return not self.layout.is_padded and (reaches_beyond or plan.content != plan.size)

    def _upright_place(self, shape: tuple[int, ...]) -> Place:
        """Return where the first chroma sample of an upright picture lies, stored as (h, w)."""

        def from_end(place: float, length: int) -> float:
            return length - place - 2 * (-(-length // 2) - 1)

        down, right = self._stored_place
        height, width = shape
        if self._info.mirrored:
            right = from_end(right, width)
        ends = from_end(down, height), from_end(right, width)
        return {0: (down, right), 90: (right, ends[0]), 180: ends, 270: (ends[1], down)}[self._info.rotation]

    def _steps(self, plan: FitPlan, place: Place) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return for rows and columns (first, step).

        Sample j of the frame's chroma lies `first + step * j` samples from the first of the upright picture.
        """
        found = []
        for own, start, length, taken, whole, first in zip(
            self.layout.chroma,
            (plan.top, plan.left),
            plan.content,
            plan.taken[:2],
            plan.taken[2:],
            place,
            strict=True,
        ):
            scale = whole / length
            found.append(((taken + (own - start) * scale - first) / 2, scale))
        return found[0], found[1]


def _padding(plan: FitPlan) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the chroma samples around those of a picture that is not resampled; None where there are none.

    They repeat its edges: a picture that begins at an odd row ends half a sample behind its own.
    """
    found = []
    for start, length, whole in zip((plan.top, plan.left), plan.content, chroma_size(plan.size), strict=True):
        before = start // 2
        found.append((before, whole - before - -(-length // 2)))
    return None if found == [(0, 0), (0, 0)] else (found[0], found[1])


def _shrunk(shape: Sequence[int], steps: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """Return the size to which a plane is averaged before samples are taken from it."""
    rows, columns = (
        min(length, max(1, round(length / step))) for length, (_, step) in zip(shape, steps, strict=True)
    )
    return rows, columns


def _in_shrunk(first: float, step: float, length: int, shrunk: int) -> tuple[float, float]:
    """Return (first, step) in samples of the averaged plane."""
    factor = shrunk / length
    return (first + 0.5) * factor - 0.5, step * factor


def _resample(
    plane: NDArray[np.uint8], out: NDArray[np.uint8], steps: Sequence[tuple[float, float]], *, neutral: bool
) -> None:
    """Write the chroma of a fitted picture into `out`: mean where it shrinks, bilinear in between.

    Args:
        plane: Of the upright picture.
        out: Of the frame.
        steps: From `ColorFit._steps`.
        neutral: Chroma beyond the picture is neutral; else its edges repeat.
    """
    shrunk = _shrunk(plane.shape, steps)
    rows, columns = (
        _in_shrunk(*step, length, short)
        for step, length, short in zip(steps, plane.shape, shrunk, strict=True)
    )
    if shrunk != plane.shape:
        plane = cv2.resize(plane, shrunk[::-1], interpolation=cv2.INTER_AREA)
    cv2.warpAffine(
        plane,
        np.array([[columns[1], 0, columns[0]], [0, rows[1], rows[0]]]),
        (out.shape[1], out.shape[0]),
        dst=out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT if neutral else cv2.BORDER_REPLICATE,
        borderValue=_NEUTRAL,
    )


def _resample_tensor(
    plane: "Tensor", size: tuple[int, int], steps: Sequence[tuple[float, float]], *, neutral: bool
) -> "Tensor":
    """Return what `_resample` writes, on the plane's device."""
    import torch

    shrunk = _shrunk(tuple(plane.shape), steps)
    picture = plane.double()
    for axis, (step, length, short) in enumerate(zip(steps, plane.shape, shrunk, strict=True)):
        if short != length:
            picture = resize_axis(picture, axis, fit_taps(length, short, plane.device))
        first, each = _in_shrunk(*step, length, short)
        places = torch.arange(size[axis], device=plane.device, dtype=torch.float64) * each + first
        below = places.floor()
        weight = (places - below).reshape((-1, 1) if axis == 0 else (-1,))
        sides = []
        for index in (below.long(), below.long() + 1):
            side = picture.index_select(axis, index.clamp(0, short - 1))
            if neutral:
                beyond = ((index < 0) | (index >= short)).reshape(weight.shape)
                side = side.masked_fill(beyond, _NEUTRAL)
            sides.append(side)
        picture = torch.lerp(sides[0], sides[1], weight)
    return picture.round_().clamp_(0, 255).to(torch.uint8)
