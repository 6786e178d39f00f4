"""Luma and chroma of a decoded frame as stored, and its color tags."""

import re
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.luma import ColorRange
from bvas.video.container.color_tags import BT709, BT2020, Hdr
from bvas.video.index.tone_curve import tone_table

# Planar and half-planar YUV (nv12, p010) and gray: plane 0 is the luma and nothing else.
_LUMA_PLANE = re.compile(r"(yuvj?\d{3}p|yuva\d{3}p|nv(12|16|21|24|20)|p[024]1[0-6]|gray)(9|1[0-6])?(le|be)?")
# These hold their bits at the top of 16, all others at the bottom.
_HIGH_BITS = re.compile(r"(p[024]1[0-6]|nv20)(le|be)?")


def has_luma_plane(pixel_format: str) -> bool:
    """Return whether plane 0 of this format is the luma and nothing else."""
    return _LUMA_PLANE.fullmatch(pixel_format) is not None


def luma_of(frame: Any, hdr: Hdr | None = None) -> NDArray[np.uint8]:
    """Return the luma of a decoded frame, uint8 [h, w], as it is stored (not turned upright).

    More than 8 bits are shifted down to 8. A format without a luma plane (RGB, palette, packed)
    becomes full-range gray. The array may share the frame's memory; the frame stays alive with it.

    Args:
        frame: A frame of PyAV's.
        hdr: The system whose codes are mapped to SDR (tone_curve.py) instead of shifted; None for SDR.
    """
    color_range = color_range_of(frame)
    if not has_luma_plane(frame.format.name):
        # swscale weighs red, green and blue by the matrix that it is given.
        wide = {} if hdr is None else {"dst_colorspace": BT2020}
        frame = frame.reformat(format="gray12le" if wide else "gray", dst_color_range="JPEG", **wide)
    name, bits = frame.format.name, frame.format.components[0].bits
    if bits == 8:
        luma: NDArray[np.uint8] = samples_of(frame.planes[0])
        if hdr is not None:
            luma = cv2.LUT(luma, tone_table(hdr, bits, color_range))
        return luma
    codes = samples_of(frame.planes[0], ">u2" if name.endswith("be") else "<u2")
    shift = 16 - bits if _HIGH_BITS.fullmatch(name) else 0
    if hdr is None:
        shifted: NDArray[np.uint8] = (codes >> (shift + bits - 8)).astype(np.uint8)
        return shifted
    # A code beyond the table has a bit that the format does not: it is clipped to the last entry.
    return tone_table(hdr, bits, color_range).take(codes >> shift if shift else codes, mode="clip")


def chroma_of(frame: Any) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the blue and red difference that go with `luma_of`, uint8 [ceil(h / 2), ceil(w / 2)] each.

    8-bit 4:2:0 is returned as stored, other formats go through swscale; gray has neutral chroma.
    """
    name = frame.format.name
    if name.startswith("gray"):
        neutral = np.full((-(-frame.height // 2), -(-frame.width // 2)), 128, np.uint8)
        return neutral, neutral
    if name not in ("yuv420p", "yuvj420p"):
        # One range for both sides, or swscale would stretch the chroma too.
        full = color_range_of(frame) == "full"
        source = {}
        if has_luma_plane(name):
            # swscale refuses frames of a matrix that it lacks (ICtCp), though none is applied between YUV formats.
            matrices = {"src_colorspace": BT709, "dst_colorspace": BT709}
            source = {"src_color_range": 2 if full else 1, **matrices}
        frame = frame.reformat(format="yuv420p", dst_color_range=2 if full else 1, **source)
    return samples_of(frame.planes[1]), samples_of(frame.planes[2])


def samples_of(plane: Any, kind: str = "u1") -> NDArray[Any]:
    """Return the samples of a plane of PyAV's as a view, [h, w] of a NumPy type."""
    dtype = np.dtype(kind)
    rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, : plane.width]


def color_range_of(frame: Any) -> ColorRange:
    """Return the range of what `luma_of` gives: as tagged; limited where it is unspecified."""
    name = frame.format.name
    # Color range 2 is AVCOL_RANGE_JPEG, 1 AVCOL_RANGE_MPEG. Untagged gray is full, as swscale takes it.
    if not has_luma_plane(name) or name.startswith("yuvj") or int(frame.color_range) == 2:
        return "full"
    if name.startswith("gray") and int(frame.color_range) == 0:
        return "full"
    return "limited"


def upright(luma: NDArray[np.uint8], rotation: int, mirrored: bool) -> NDArray[np.uint8]:
    """Return a view of a stored picture as it is shown; see `turn_of`."""
    flipped = luma[:, ::-1] if mirrored else luma
    return np.rot90(flipped, -rotation // 90) if rotation else flipped
