"""Frames of a video as pictures of its copies: upright, fitted, 8-bit 4:2:0, and a check of the times of a copy."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.values.input_format import InputFormat
from bvas.values.plural import count_text
from bvas.video.container.color_tags import UNSPECIFIED, ColorTags, Hdr, color_tags_of
from bvas.video.container.read_options import Tone
from bvas.video.decode.fit import FitPlan
from bvas.video.decode.hdr_color import sdr_chroma, sdr_rgb
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.stored_color import assumed_matrix, chroma_planes
from bvas.video.encode.encoder import Coding
from bvas.video.encode.video_writer import rgb_picture, yuv_picture
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.stored_picture import ToneMap, color_range_of, has_luma_plane, luma_of, upright
from bvas.video.index.video_index import build_index

_NEUTRAL = 128


def copied_color(info: VideoInfo, tone: Tone, lines: int) -> ColorTags:
    """Return the color tags of a copy of so many lines: those of the video, or BT.709 where HDR is mapped to SDR.

    A matrix that the video does not state is stated where the copy's lines would let readers assume another.
    """
    tags = info.color.in_yuv().known
    assumed = assumed_matrix(info.stored_size[0])
    if tags.matrix == UNSPECIFIED and has_luma_plane(info.pixel_format) and assumed != assumed_matrix(lines):
        tags = replace(tags, matrix=assumed)
    return tags.in_sdr() if tone == "sdr" else tags


class FrameCopier:
    """Turns the decoded frames of one video into pictures for an encoder.

    The luma is that of a reader: as stored or mapped to SDR, turned upright, and resampled only where `fit` changes
    its size. The chroma goes along. Readers map luma as achromatic, which makes saturated colors paler.
    An odd side is made even by repeating its last row or column.

    Args:
        index: The video's frames.
        info: Facts about the video.
        coding: How the pictures will be coded.
        fit: How the upright picture that the video began with is fitted.
        for_people: Colors that are mapped to SDR are right, and the luma is not that of readers.
        is_said: Log where the picture changes.
    """

    def __init__(
        self,
        index: VideoIndex,
        info: VideoInfo,
        coding: Coding,
        fit: FitPlan,
        *,
        for_people: bool = False,
        is_said: bool = True,
    ) -> None:
        self._index = index
        self._info = info
        self._fit = fit
        self._for_people = for_people
        self._changed = UprightFit(
            info,
            InputFormat(size=coding.size),
            index.seconds_of,
            target_aspect=coding.sample_aspect,
            is_said=is_said,
        )
        self._tones = ToneMap(info, index.reading.tone)

    def picture(self, frame: Any, number: int, aspect: Fraction | None) -> Any:
        """Return a picture for the encoder.

        Args:
            frame: A decoded frame of PyAV.
            number: Its place in the video.
            aspect: Width over height of the frame's stored samples; None: as the video began.
        """
        info, index, fit = self._info, self._index, self._fit
        is_fitted = not fit.size == fit.source == fit.content
        stored = frame.height, frame.width
        if stored != info.stored_size or aspect is not None:
            fit, is_fitted = self._changed.plan_of(number, stored, aspect), True
        hdr = self._tones.hdr_of(frame, number)
        if hdr is not None and self._for_people:
            picture = self._mapped(frame, fit, hdr)
        else:
            picture = yuv_picture(*self._planes(frame, fit, hdr, is_fitted=is_fitted))
        # Players of mp4 show no frame before zero on the container's clock.
        picture.pts = int(index.pts[number]) - min(int(index.pts[0]), 0)
        picture.time_base = index.time_base
        picture.duration = index.ticks_of(number)
        return picture

    def _planes(self, frame: Any, fit: FitPlan, hdr: Hdr | None, is_fitted: bool) -> list[NDArray[np.uint8]]:
        """Return luma [H, W], blue and red difference [H / 2, W / 2] of a frame, uint8."""
        if hdr is None:
            stored = (luma_of(frame), *chroma_planes(frame))
        else:
            differences = sdr_chroma(frame, hdr, self._tags_of(frame), color_range_of(frame))
            stored = (luma_of(frame, hdr), *differences)
        luma, *chroma = (upright(plane, self._info.rotation, self._info.mirrored) for plane in stored)
        if is_fitted:
            fitted = np.empty(fit.size, np.uint8)
            fit.apply(np.ascontiguousarray(luma), fitted)
            return [fitted, *(_fit_chroma(plane, fit) for plane in chroma)]
        height, width = luma.shape
        return [np.pad(luma, ((0, height % 2), (0, width % 2)), mode="edge"), *chroma]

    def _mapped(self, frame: Any, fit: FitPlan, hdr: Hdr) -> Any:
        """Return an HDR frame as SDR, mapped in color, on black where it does not fill the size."""
        stored = fit.content[::-1] if self._info.is_turned else fit.content
        color_range = color_range_of(frame)
        canvas = np.zeros((*fit.size, 3), np.uint8)
        rgb = sdr_rgb(frame, hdr, self._tags_of(frame), color_range, stored)
        canvas[fit.area] = upright(rgb, self._info.rotation, self._info.mirrored)
        height, width = fit.size
        canvas = np.pad(canvas, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        return rgb_picture(canvas, color_range)

    def _tags_of(self, frame: Any) -> ColorTags:
        return color_tags_of(frame).or_else(self._info.container_color)


def _fit_chroma(plane: NDArray[np.uint8], plan: FitPlan) -> NDArray[np.uint8]:
    """Do as `plan` at half the size, to within half a sample, with neutral padding."""
    halved = FitPlan(
        source=(plane.shape[0], plane.shape[1]),
        size=(plan.size[0] // 2, plan.size[1] // 2),
        content=(-(-plan.content[0] // 2), -(-plan.content[1] // 2)),
        top=plan.top // 2,
        left=plan.left // 2,
    )
    fitted = np.empty(halved.size, np.uint8)
    halved.apply(np.ascontiguousarray(plane), fitted, padding=_NEUTRAL)
    return fitted


def check_times(
    part: Path, wanted: NDArray[np.float64], source: VideoIndex, what: str
) -> tuple[VideoIndex, VideoInfo]:
    """Refuse a copy whose frames have wrong times; return its frames and facts.

    Args:
        part: The finished copy.
        wanted: Seconds of each of its frames from the start of the file, which is what a player counts from.
        source: The original.
        what: Name of the copy in messages.

    Raises:
        DataError: names the first frame that is off.
    """
    found, info = build_index(part, cache=False)
    fault = ""
    if found.num_frames != len(wanted):
        fault = f"came out with {count_text(found.num_frames, 'frame')} instead of {len(wanted)}"
    else:
        seconds = found.seconds + info.start_seconds
        off = np.abs(seconds - wanted)
        worst = int(off.argmax())
        if off[worst] > float(source.time_base) / 2:
            fault = f"has frame {worst} at {seconds[worst]:.6f} s instead of {wanted[worst]:.6f} s"
    if fault:
        raise DataError(f"the {what} of {source.path} {fault}, and was not kept; please report this")
    return found, info
