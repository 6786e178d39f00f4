"""HDR frames of a video: which are mapped to SDR, and the log lines about it."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.video.container.color_tags import BT709, Hdr, hdr_of, tags_of
from bvas.video.container.read_options import Tone
from bvas.video.index.frame_table import VideoInfo
from bvas.video.index.tone_curve import tone_table

logger = logging.getLogger(__name__)

_HLG = 18


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
        tags = tags_of(frame).or_else(self._info.container_color)
        transfer, first = tags.transfer, self._info.color
        # An SEI with HLG ahead of a joint is kept by libav for the SDR that follows.
        if (
            transfer == _HLG == first.transfer
            and self._info.codec == "hevc"
            and tags.primaries != first.primaries
        ):
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
    systems = sorted(
        {system for code in (info.color.transfer, *info.later_transfers) if (system := hdr_of(code))}
    )
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
