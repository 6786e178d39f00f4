"""A decoded picture as three planes that stand upright and fit, for a file that is read without tags."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.video.fit import FitPlan
from bvas.video.picture import chroma_of, luma_of

_NEUTRAL = 128

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def upright_planes(frame: Any, rotation: int, plan: FitPlan) -> Planes:
    """Return luma, blue and red difference of a frame as 8-bit 4:2:0.

    The luma is what a reader gives: as stored, turned, and resampled only where `plan` changes its
    size. The chroma goes along. An odd side is made even by repeating its last row or column.

    Args:
        frame: A decoded frame of PyAV's.
        rotation: Degrees clockwise that it is turned by.
        plan: How the upright picture is fitted.

    Returns:
        uint8 [H, W], [H / 2, W / 2] and [H / 2, W / 2].
    """
    luma, *chroma = (np.rot90(plane, -rotation // 90) for plane in (luma_of(frame), *chroma_of(frame)))
    if plan.is_resampled or plan.size != plan.source:
        fitted = np.empty(plan.size, np.uint8)
        plan.apply(np.ascontiguousarray(luma), fitted)
        luma, chroma = fitted, [_fit_chroma(plane, plan) for plane in chroma]
    height, width = luma.shape
    luma = np.pad(luma, ((0, height % 2), (0, width % 2)), mode="edge")
    return luma, chroma[0], chroma[1]


def _fit_chroma(plane: NDArray[np.uint8], plan: FitPlan) -> NDArray[np.uint8]:
    """Do at half the size what `plan` does, to within half a sample, with neutral padding."""
    halved = FitPlan(
        source=(plane.shape[0], plane.shape[1]),
        size=(plan.size[0] // 2, plan.size[1] // 2),
        content=(-(-plan.content[0] // 2), -(-plan.content[1] // 2)),
        top=plan.top // 2,
        left=plan.left // 2,
    )
    fitted = np.empty(halved.size, np.uint8)
    halved.apply(np.ascontiguousarray(plane), fitted)
    bottom, right = halved.top + halved.content[0], halved.left + halved.content[1]
    fitted[: halved.top] = fitted[bottom:] = _NEUTRAL
    fitted[:, : halved.left] = fitted[:, right:] = _NEUTRAL
    return fitted
