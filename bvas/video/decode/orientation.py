"""Stored luma to the frame that a reader returns: upright, and fitted into the requested size; in words, too."""

import logging
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.values.input_format import WHOLE_PICTURE, Cut, InputFormat
from bvas.video.decode.fit import FitPlan, box_window, plan_fit, window_plan
from bvas.video.index.frame_table import VideoInfo
from bvas.video.index.stored_picture import upright

if TYPE_CHECKING:
    from torch import Tensor

from bvas.video.container.frame_rate import as_rate, same_rate

logger = logging.getLogger(__name__)

_SQUARE = Fraction(1)


class UprightFit:
    """Turns and fits the frames of one video.

    A picture may change its size or sample aspect in mid-stream. Where a size is requested, each picture is fitted
    into it, and one log line names the first that differs from the start of the video.

    Args:
        info: The video.
        form: Size that each frame is fitted into, and how; None for the picture's own size.
        seconds_of: Time of a frame, for messages.
        target_aspect: Width over height of a sample of the frames that are made.
        is_said: Log where the picture changes.

    Raises:
        ConfigError: `size` is not a pair of integers from 1 on.
    """

    def __init__(
        self,
        info: VideoInfo,
        form: InputFormat | None,
        seconds_of: Callable[[int], float],
        *,
        target_aspect: Fraction = _SQUARE,
        is_said: bool = True,
    ) -> None:
        self._info = info
        self._seconds_of = seconds_of
        self._stored = info.stored_size
        self._target_aspect = target_aspect
        self._is_said = is_said
        self._form = form
        self._plan = self._planned((info.height, info.width), info.sample_aspect, WHOLE_PICTURE)
        self._is_noted = False
        self.size = self._plan.size
        """(H, W) of the returned frames."""
        self.frame_shape: tuple[int, ...] = self.size

    def apply(
        self,
        index: int,
        luma: NDArray[np.uint8],
        out: NDArray[np.uint8],
        aspect: Fraction | None = None,
        cut: Cut = WHOLE_PICTURE,
    ) -> None:
        """Write frame `index`, whose stored luma is uint8 [h, w], into `out`, uint8 [H, W].

        Args:
            index: Number of the frame.
            luma: As stored.
            out: Where it goes.
            aspect: Width over height of its stored samples; None: as `info` has it.
            cut: Part of the picture that is taken.

        Raises:
            DecodeError: the picture differs in size from the start of the video, and no size was requested.
        """
        plan = self.plan_of(index, luma.shape, aspect, cut)
        shown = upright(luma, self._info.rotation, self._info.mirrored)
        # cv2 wants rows that lie in memory as they are shown.
        if plan.is_resampled:
            shown = np.ascontiguousarray(shown)
        plan.apply(shown, out)

    def apply_tensor(
        self, index: int, luma: "Tensor", aspect: Fraction | None = None, cut: Cut = WHOLE_PICTURE
    ) -> "Tensor":
        """Return frame `index` from its stored luma on the same device, within 1 of `apply`.

        Raises:
            DecodeError: as `apply`.
        """
        import torch

        plan = self.plan_of(index, tuple(luma.shape), aspect, cut)
        shown = luma.flip(1) if self._info.mirrored else luma
        return plan.apply_tensor(torch.rot90(shown, -self._info.rotation // 90))

    def plan_of(
        self, index: int, shape: tuple[int, ...], aspect: Fraction | None, cut: Cut = WHOLE_PICTURE
    ) -> FitPlan:
        """Return how frame `index` is fitted.

        Args:
            index: Number of the frame.
            shape: (h, w) as stored.
            aspect: Width over height of its stored samples; None: as `info` has it.
            cut: Part of the picture that is taken.

        Raises:
            DecodeError: as `apply`.
        """
        if shape == self._stored and (aspect is None or self._form is None):
            if cut == WHOLE_PICTURE:
                return self._plan
            return self._planned(self._plan.source, self._info.sample_aspect, cut)
        if self._form is None:
            raise DecodeError(
                f"frame {index} ({self._seconds_of(index):.3f} s) of {self._info.path.name} is {_text(shape)}, the "
                f"video began with {_text(self._stored)}; give a size that all are fitted into, or re-encode it to "
                "one size: ffmpeg -i IN -vf scale=W:H OUT",
                path=self._info.path,
                lost=range(index, index + 1),
            )
        if self._is_said and not self._is_noted:
            self._is_noted = True
            self._say(index, shape, aspect)
        shown = self._info.sample_aspect
        if aspect is not None:
            shown = 1 / aspect if self._info.is_turned else aspect
        return self._planned(self._turned(shape), shown, cut)

    def _planned(self, source: tuple[int, int], aspect: Fraction, cut: Cut) -> FitPlan:
        """Return the plan of an upright picture of (h, w) with samples of an aspect."""
        form, aspect = self._form, aspect / self._target_aspect
        if cut.box is not None:
            size = source if form is None else form.size
            return window_plan(source, box_window(cut.box, size, aspect), size)
        if form is None:
            return plan_fit(source, None)
        return plan_fit(source, form.size, aspect, fit=form.fit, resize=form.resize, place=cut.place)

    def _say(self, index: int, shape: tuple[int, ...], aspect: Fraction | None) -> None:
        first = self._info.sample_aspect
        logger.warning(
            "%s changes its picture: frame %d (%.3f s) is %s, it began with %s; all are fitted into %s",
            self._info.path.name,
            index,
            self._seconds_of(index),
            _text(shape) if aspect is None else f"{_text(shape)} of samples {aspect}",
            _text(self._stored)
            if aspect is None
            else f"{_text(self._stored)} of samples {1 / first if self._info.is_turned else first}",
            _text(self.size),
        )

    def _turned(self, shape: tuple[int, ...]) -> tuple[int, int]:
        height, width = shape
        return (width, height) if self._info.is_turned else (height, width)


def _text(shape: tuple[int, ...]) -> str:
    """Return (height, width) as FFmpeg writes a size."""
    return f"{shape[1]}x{shape[0]}"


def adaptation(info: VideoInfo, form: InputFormat, rate: float) -> str:
    """Return a text on how a video is brought to a model's form and rate; empty where it has both.

    >>> adaptation(info, InputFormat(size=(736, 1280)), 25)  # doctest: +SKIP
    '50 frames per second are put on a grid of 25; 1080x1920 is turned upright by 90 degrees; ...'
    """
    parts = []
    if info.variable_rate or not same_rate(info.rate, as_rate(rate)):
        times = "variable times" if info.variable_rate else f"{float(info.rate):.5g} frames per second"
        parts.append(f"{times} are put on a grid of {rate:g} per second")
    if info.rotation or info.mirrored:
        mirrored = "mirrored" if info.mirrored else ""
        turned = f"turned by {info.rotation} degrees" if info.rotation else ""
        parts.append(" and ".join(filter(None, [mirrored, turned])) + " to be upright")
    plan = plan_fit(
        (info.height, info.width), form.size, info.sample_aspect, fit=form.fit, resize=form.resize
    )
    if plan.window is not None:
        parts.append(f"{_text(plan.window[2:])} of {_text(plan.source)} is scaled to {_text(form.size)}")
    elif plan.is_resampled:
        parts.append(f"{_text(plan.source)} is scaled to {_text(plan.content)} within {_text(form.size)}")
    return "; ".join(parts)
