"""Luma of a decoded frame as stored, and which frames of a video are mapped from HDR to SDR."""

import logging
import re
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.values.luma import ColorRange
from bvas.video.container.color_tags import BT709, BT2020, UNSPECIFIED, Hdr, hdr_of, tags_of
from bvas.video.container.read_options import Tone
from bvas.video.index.frame_table import VideoInfo
from bvas.video.index.tone_curve import tone_table

logger = logging.getLogger(__name__)

_HLG = 18
# Planar and half-planar YUV (nv12, p010) and gray: plane 0 is the luma and nothing else.
_LUMA_PLANE = re.compile(r"(yuvj?\d{3}p|yuva\d{3}p|nv(12|16|21|24|20)|p[024]1[0-6]|gray)(9|1[0-6])?(le|be)?")
# These hold their bits at the top of 16, all others at the bottom.
_HIGH_BITS = re.compile(r"(p[024]1[0-6]|nv20)(le|be)?")
SEMI_PLANAR = re.compile(r"(nv(12|16|21|24|20)|p[024]1[0-6])(le|be)?")
"""Formats with both chroma planes in one, their samples in turn."""


@lru_cache(maxsize=64)
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
    color_range: ColorRange = "limited" if hdr is None else color_range_of(frame)
    if not has_luma_plane(frame.format.name):
        # swscale weighs red, green and blue by the matrix that it is given.
        wide = {} if hdr is None else {"dst_colorspace": BT2020}
        frame = frame.reformat(format="gray12le" if wide else "gray", dst_color_range="JPEG", **wide)
    if hdr is None:
        return eight_bits(frame, 0)
    name = frame.format.name
    bits = _bits(name)
    table = tone_table(hdr, bits, color_range)
    if bits == 8:
        mapped: NDArray[np.uint8] = cv2.LUT(samples_of(frame.planes[0]), table)
        return mapped
    shift = 16 - bits if _HIGH_BITS.fullmatch(name) else 0
    codes = samples_of(frame.planes[0], ">u2" if name.endswith("be") else "<u2")
    # A code beyond the table has a bit that the format does not: it is clipped to the last entry.
    return table.take(codes >> shift if shift else codes, mode="clip")


def eight_bits(frame: Any, number: int) -> NDArray[np.uint8]:
    """Return the samples of a plane, more than 8 bits shifted down to 8: uint8 [h, w].

    In formats with both chroma planes in one (nv12, p010), these take turns in a row of twice the width.

    Args:
        frame: A frame of PyAV's, of a format with a luma plane.
        number: Of the plane.
    """
    name = frame.format.name
    bits = _bits(name)
    pairs = 2 if number == 1 and SEMI_PLANAR.fullmatch(name) else 1
    if bits == 8:
        return samples_of(frame.planes[number], pairs=pairs)
    codes = samples_of(frame.planes[number], ">u2" if name.endswith("be") else "<u2", pairs)
    shift = 16 - bits if _HIGH_BITS.fullmatch(name) else 0
    shifted: NDArray[np.uint8] = (codes >> (shift + bits - 8)).astype(np.uint8)
    return shifted


@lru_cache(maxsize=64)
def _bits(pixel_format: str) -> int:
    """Return the bits of a sample."""
    from av import VideoFormat

    return int(VideoFormat(pixel_format, 64, 64).components[0].bits)


def samples_of(plane: Any, kind: str = "u1", pairs: int = 1) -> NDArray[Any]:
    """Return the samples of a plane of PyAV's as a view, [h, pairs * w] of a NumPy type."""
    dtype = np.dtype(kind)
    rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, : pairs * plane.width]


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


class ToneMap:
    """Finds the HDR system of each frame by its own tags, so that joined SDR and HDR are both right.

    Args:
        info: The video.
        tone: Whether HDR is mapped to SDR.
    """

    def __init__(self, info: VideoInfo, tone: Tone) -> None:
        self._info = info
        self._is_mapping = tone == "sdr"
        self._others: set[int] = {info.color.transfer}

    def hdr_of(self, frame: Any, index: int) -> Hdr | None:
        """Return the system that a frame is mapped from; None where its bits are only shifted to 8.

        A transfer characteristic that differs from the first frame's is logged once.

        Args:
            frame: A frame of PyAV's.
            index: Its number.
        """
        # The bitstream decides. HEVC and ProRes without tags of their own have those of the container.
        container, first = self._info.container_color, self._info.color
        transfer = int(frame.color_trc) or UNSPECIFIED
        if transfer == UNSPECIFIED:
            transfer = container.transfer
        if transfer == _HLG == first.transfer and self._info.codec == "hevc":
            # An SEI with HLG ahead of a joint is kept by libav for the SDR that follows.
            if tags_of(frame).or_else(container).primaries != first.primaries:
                transfer = BT709
        if transfer not in self._others:
            self._note(transfer, index)
        return hdr_of(transfer) if self._is_mapping else None

    def _note(self, transfer: int, index: int) -> None:
        self._others.add(transfer)
        before, now = self._info.color.hdr or "SDR", hdr_of(transfer) or "SDR"
        if before == now:
            return
        done = (
            "is mapped to SDR by its own tag" if self._is_mapping else "is taken as stored, shifted to 8 bits"
        )
        logger.warning(
            "%s: its picture is %s at the start and %s from frame %d on; each frame %s",
            self._info.path.name,
            before,
            now,
            index,
            done,
        )


def changes_system(info: VideoInfo) -> bool:
    """Return whether later headers name another system (SDR, PQ, HLG) than the first frame."""
    return any(hdr_of(code) != info.color.hdr for code in info.later_transfers)


def table_of_video(info: VideoInfo, tone: Tone) -> NDArray[np.uint8] | None:
    """Return the table from luma codes to SDR of a whole video, uint8 [2 ** bit_depth]; None where codes are shifted.

    For decoders that do not return a frame's tags. Those refuse videos that change their system.
    """
    if tone == "none" or info.color.hdr is None:
        return None
    return tone_table(info.color.hdr, info.bit_depth, info.color_range)


def hdr_text(info: VideoInfo, tone: Tone) -> str | None:
    """Return one line on an HDR video: its system, how it is read, and the other option; None for SDR."""
    codes = info.color.transfer, *info.later_transfers
    systems = sorted({system for code in codes if (system := hdr_of(code))})
    dolby = info.dolby_vision
    if not systems and dolby is None:
        return None
    said = " and ".join(systems) or "SDR"
    if info.color.hdr is None and systems:
        said += " in later frames"
    elif systems and any(hdr_of(code) is None for code in info.later_transfers):
        said += ", SDR in later frames"
    what = f"HDR ({said})" if dolby is None else f"Dolby Vision {dolby.name}, read as its base layer ({said})"
    if not systems:
        return f"{what}; nothing is mapped"
    if tone == "sdr":
        return f"{what}; mapped to SDR (203 cd/m2 is white); --tone none takes the stored bits, shifted to 8"
    return f"{what}; the stored bits are taken, shifted to 8; --tone sdr maps them to SDR"


def contradiction_text(info: VideoInfo) -> str | None:
    """Return a line where container and bitstream name different systems; None where they agree."""
    container, stream = info.container_color.hdr, info.color.hdr
    named = info.container_color.transfer
    # HLG may be named as BT.2020 SDR, for displays that know no HDR, with HLG as the alternative (H.265, D.2.38).
    if named == 2 or container == stream or (stream == "HLG" and named in (1, 14, 15)):
        return None
    return (
        f"the container says {container or 'SDR'} ({info.container_color.names['transfer']}) and the bitstream "
        f"{stream or 'SDR'} ({info.color.names['transfer']}); the bitstream counts"
    )
