"""Remedies for awkward video files: their traits, and the command that makes a plain copy."""

import re
import shlex
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from bvas.video.container.frame_rate import nominal_rate
from bvas.video.index.frame_table import VideoIndex, VideoInfo, frames_per_clip, start_frames
from bvas.video.index.stored_picture import has_luma_plane

_PLAIN_CONTAINERS = ("mov", "matroska")
_PLAIN_CODECS = ("h264", "hevc")
_PLAIN_FORMATS = ("yuv420p", "yuvj420p", "nv12")
_COPY_INTERVAL = 12
# A copy that saves less is not worth its disk space.
_WORTHWHILE_GAIN = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Remedy for a file that some backends refuse, or read slowly."""

    traits: tuple[str, ...]
    """Its awkward traits, one clause each."""
    ffmpeg: str
    """FFmpeg's command line for a file that every backend reads; frame numbers may change."""
    prepare: str | None
    """The command for a copy with the same frames and times, where that removes all traits; else None."""


def find_remedy(index: VideoIndex, info: VideoInfo) -> Remedy | None:
    """Return the awkward traits of a file and their remedy; None for a plain file."""
    # Traits that a copy by `bvas video prepare` removes, and those that it keeps.
    settled, kept = _settled_by_a_copy(index, info), _kept_by_a_copy(info)
    if not settled and not kept:
        return None
    source = _shell_name(info.path)
    only_container = not kept and settled == _awkward_container(index) and info.codec in _PLAIN_CODECS
    coding = "-c copy" if only_container else f"-vf {shlex.quote(','.join(_filters(index, info)))} {_CODING}"
    # The first that is not a cover, where it is the only one.
    chosen = "0:V:0" if len(info.streams) < 2 else f"0:{index.stream}"
    return Remedy(
        traits=(*settled, *kept),
        ffmpeg=f"ffmpeg -i {source} -map {chosen} {coding} {_shell_name(Path(f'{info.path.stem}_plain.mp4'))}",
        prepare=None if kept else f"bvas video prepare {source} --out prepared",
    )


_CODING = f"-c:v libx264 -crf 18 -g {_COPY_INTERVAL}"


def _settled_by_a_copy(index: VideoIndex, info: VideoInfo) -> list[str]:
    traits = _awkward_container(index)
    if index.decode_order:
        traits.append("its packets carry no reliable times, so frames are counted and every read starts over")
    if index.gradual_refresh:
        traits.append("its picture is refreshed bit by bit instead of by keyframes")
    if info.codec not in _PLAIN_CODECS:
        traits.append(f"it is coded as {info.codec}, which OpenCV or a GPU may not decode")
    if info.color.hdr is not None and index.reading.tone == "sdr":
        traits.append(
            f"it is HDR ({info.color.hdr}) of {info.bit_depth} bits, and 8 bits of SDR are handed out"
        )
    elif info.bit_depth > 8:
        traits.append(f"it has {info.bit_depth} bits, of which 8 are handed out")
    elif info.pixel_format not in _PLAIN_FORMATS:
        kind = "another chroma layout" if has_luma_plane(info.pixel_format) else "no luma of its own"
        traits.append(f"it stores {info.pixel_format}, {kind}")
    if info.rotation or info.mirrored:
        first = "mirrored, then " if info.mirrored else ""
        traits.append(f"its picture is to be {first}turned by {info.rotation} degrees clockwise")
    before = frames_per_clip(start_frames(index), index.num_frames)
    after = frames_per_clip(np.arange(0, index.num_frames, _COPY_INTERVAL), index.num_frames)
    if before >= _WORTHWHILE_GAIN * after and not index.decode_order:
        traits.append(
            f"its keyframes are up to {info.keyframe_intervals.longest} frames apart, so a random clip takes "
            f"{before:.0f} decoded frames; {after:.0f} with one every {_COPY_INTERVAL}"
        )
    return traits


def _kept_by_a_copy(info: VideoInfo) -> list[str]:
    traits = (
        (info.interlaced, "it is interlaced: each frame weaves two moments"),
        (info.variable_rate, "its frame rate varies"),
        (info.sample_aspect != 1, f"its samples are not square ({info.sample_aspect})"),
    )
    return [text for applies, text in traits if applies]


def _awkward_container(index: VideoIndex) -> list[str]:
    if index.container in _PLAIN_CONTAINERS or index.decode_order:
        return []
    return [f"it is in a container of the kind {index.container}, in which OpenCV seeks wrongly"]


def _filters(index: VideoIndex, info: VideoInfo) -> list[str]:
    """Return FFmpeg's filters; it turns pictures upright by itself, before the first of them."""
    filters = []
    if info.interlaced:
        filters.append("bwdif=mode=send_frame")
    if info.variable_rate or index.decode_order:
        filters.append(f"fps={_even_rate(index)}")
    shown_width = info.width * info.sample_aspect
    height, width = (2 * max(round(side / 2), 1) for side in (info.height, shown_width))
    if info.sample_aspect != 1 or (height, width) != (info.height, info.width):
        filters += [f"scale={width}:{height}", "setsar=1"]
    if info.color.hdr is not None:
        # HDR is only right with its tags.
        return [*filters, "format=yuv420p10le"]
    is_full_yuv = info.color_range == "full" and has_luma_plane(info.pixel_format)
    # Without a color matrix: OpenCV 5 changes the luma of files that name BT.709.
    unnamed = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown"
    return [*filters, f"format={'yuvj420p' if is_full_yuv else 'yuv420p'}", unnamed]


def _even_rate(index: VideoIndex) -> str:
    """Return the rate of the median interval."""
    if not index.variable_rate:
        return str(index.rate)
    rate = 1 / (Fraction(int(np.median(np.diff(index.pts)))) * index.time_base)
    return str(nominal_rate(rate, tolerance=0.02) or rate.limit_denominator(1001))


def _shell_name(path: Path) -> str:
    """Return a path for a shell and for FFmpeg, which takes `-x` for an option and `a:b` for a protocol."""
    name = str(path)
    if re.match(r"-|[\w+.-]+:", name):
        name = f"./{name}"
    return shlex.quote(name)
