"""One pass over a video file that finds its shown frames, their times and its keyframes.

Where packets carry trustworthy times nothing but the first few frames is decoded: a packet is a frame,
its time says which. What the decoder outputs at the start is compared with that. Where it disagrees, or
where times are missing, repeated or guessed by libav (AVI), the whole file is decoded once and its frames
are counted.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.luma import ColorRange
from bvas.video.bitstream import annex_b, parameter_sets, starts_afresh
from bvas.video.container import open_container, read_packets
from bvas.video.fields import may_hold_fields
from bvas.video.mp4 import check_sample_counts
from bvas.video.picture import color_range_of, has_luma_plane, sample_aspect_of, turn_of
from bvas.video.times import ascending_times, is_one_recording, usual_rates

logger = logging.getLogger(__name__)

# Containers that store presentation times; in all others libav makes them up.
_TIMED_CONTAINERS = ("mov", "matroska", "mpegts", "flv")
# Codecs of which a packet may hold no frame, or one of another packet's time: compared to the end.
_UNTIMED_CODECS = ("mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "vc1", "wmv3")
# Shown frames decoded to compare with the packets.
_NUM_HEAD_FRAMES = 12
_NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the first decoded frames and the stream say of the picture."""

    height: int
    width: int
    sample_aspect: Fraction
    pixel_format: str
    bit_depth: int
    color_range: ColorRange
    rotation: int
    mirrored: bool
    interlaced: bool
    codec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Times of the shown frames and the keyframes, in ticks of `time_base`."""

    time_base: Fraction
    pts: NDArray[np.int64]
    last_duration: int
    keyframe_pts: NDArray[np.int64]
    keyframe_dts: NDArray[np.int64]
    decode_order: bool
    gradual_refresh: bool
    container: str
    claimed_rates: tuple[Fraction, ...]
    picture: Picture


@dataclass(frozen=True, slots=True)
class _Packets:
    """Packets of the file in decode order; a missing time is `_NO_TIME`."""

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    is_keyframe: NDArray[np.bool_]
    is_shown: NDArray[np.bool_]
    last_duration: int
    refreshes: bool
    """A packet flagged as a keyframe only begins a gradual refresh, or is none at all."""
    may_hold_fields: bool


@dataclass(frozen=True, slots=True)
class _Decoded:
    """What the decoder output, in its order."""

    pts: list[int | None]
    is_keyframe: list[bool]
    num_errors: int
    interlaced: bool
    first: Any


def scan_file(path: Path) -> Scan:
    """Scan a video file.

    Raises:
        DecodeError: not a video, or no frame of it can be decoded.
    """
    check_sample_counts(path)
    container, stream = open_container(path)
    with container:
        packets = _read_packet_table(container, stream)
        container_name = container.format.name.split(",")[0]
        codec = _codec_name(stream)
        time_base = Fraction(stream.time_base)
        rates = usual_rates((stream.average_rate, stream.guessed_rate, stream.base_rate))
        sample_aspect = sample_aspect_of(stream)
    timed = container_name in _TIMED_CONTAINERS
    head = _decode(path, stop_after=_head_stop(packets) if timed and codec not in _UNTIMED_CODECS else None)
    if head.first is None:
        head = _decode(path, stop_after=None)
    if head.first is None:
        raise DecodeError(
            f"no frame of {path} can be decoded; it holds {len(packets.pts)} packets", path=path
        )
    picture = _picture(head, codec, sample_aspect, interlaced=head.interlaced or packets.may_hold_fields)
    shown = _shown_times(packets, head) if timed else None
    if shown is None and timed and codec == "hevc":
        # Its decoder passes over damaged packets and says nothing, unless it is told to fail.
        errors = _decode(path, stop_after=_head_stop(packets), is_strict=True).num_errors
        shown = _shown_times(packets, replace(head, num_errors=errors)) if errors else None
    if shown is not None and is_one_recording(int(shown[0]), int(shown[-1]), time_base):
        keys = _keyframes(packets)
        last_duration = max(packets.last_duration, 0)
        if not is_one_recording(int(shown[0]), int(shown[-1]) + last_duration, time_base):
            last_duration = 0
        return Scan(
            time_base=time_base,
            pts=shown,
            last_duration=last_duration,
            keyframe_pts=packets.pts[keys],
            keyframe_dts=packets.dts[keys],
            decode_order=False,
            gradual_refresh=packets.refreshes,
            container=container_name,
            claimed_rates=rates,
            picture=picture,
        )
    logger.warning(
        "%s: its packets carry no reliable presentation times, so its frames are counted by decoding it once "
        "and reads go through it in order; a copy reads faster: ffmpeg -i IN -c copy OUT.mp4, or -c:v libx264",
        path.name,
    )
    decoded = _decode(path, stop_after=None)
    times, time_base = ascending_times(decoded.pts, time_base, rates)
    keyframes = np.array(decoded.is_keyframe, dtype=bool)
    return Scan(
        time_base=time_base,
        pts=times,
        last_duration=0,
        keyframe_pts=times[keyframes],
        keyframe_dts=times[keyframes],
        decode_order=True,
        gradual_refresh=packets.refreshes,
        container=container_name,
        claimed_rates=rates,
        picture=picture,
    )


def _read_packet_table(container: Any, stream: Any) -> _Packets:
    pts, dts, is_keyframe, is_shown = [], [], [], []
    durations: dict[int, int] = {}
    refreshes = False
    codec, extradata = _codec_name(stream), stream.codec_context.extradata
    fields = may_hold_fields(codec, parameter_sets(codec, extradata))
    for packet in read_packets(container, stream):
        pts.append(_NO_TIME if packet.pts is None else packet.pts)
        dts.append(_NO_TIME if packet.dts is None else packet.dts)
        coded = bytes(packet) if packet.is_keyframe else b""
        is_start = packet.is_keyframe and starts_afresh(codec, extradata, coded)
        fields = fields or may_hold_fields(codec, annex_b(codec, extradata, coded))
        refreshes |= packet.is_keyframe and not is_start
        is_keyframe.append(is_start)
        # RFC 6386, 9.1: bit 4 of a VP8 frame is show_frame; a hidden one has a packet of its own.
        hidden = codec == "vp8" and packet.size > 0 and not bytes(packet)[0] & 0x10
        is_shown.append(not packet.is_discard and not hidden)
        durations[pts[-1]] = packet.duration or 0
    return _Packets(
        np.array(pts, dtype=np.int64),
        np.array(dts, dtype=np.int64),
        np.array(is_keyframe, dtype=bool),
        np.array(is_shown, dtype=bool),
        durations[max(durations)] if durations else 0,
        refreshes,
        fields,
    )


def _keyframes(packets: _Packets) -> NDArray[np.bool_]:
    # A file without a marked keyframe is read from its first packet.
    keys: NDArray[np.bool_] = packets.is_keyframe & (packets.pts != _NO_TIME)
    if not keys.any() and len(keys):
        keys[0] = True
    return keys


def _head_stop(packets: _Packets) -> int | None:
    """Return the time up to which the start must be decoded: some shown frames behind the first keyframe."""
    usable = packets.is_shown & (packets.pts != _NO_TIME)
    if not usable.any():
        return None
    first = packets.pts[packets.is_keyframe & (packets.pts != _NO_TIME)]
    times = np.unique(packets.pts[usable])
    start = int(np.searchsorted(times, first[0])) if len(first) else 0
    return int(times[min(start + _NUM_HEAD_FRAMES, len(times) - 1)])


def _decode(path: Path, *, stop_after: int | None, is_strict: bool = False) -> _Decoded:
    """Decode from the start; with `stop_after`, until a frame of that time or later is output.

    With `is_strict` errors count that the decoder would make up for, and output frames may be fewer.
    """
    container, stream = open_container(path)
    pts: list[int | None] = []
    is_keyframe: list[bool] = []
    num_errors = 0
    first = None
    with container:
        decoder = stream.codec_context
        if is_strict:
            decoder.options = {"err_detect": "explode"}
        # libav's field orders: 0 unknown, 1 progressive, from 2 on interlaced.
        interlaced = decoder.field_order > 1
        for packet in _then_flush(read_packets(container, stream)):
            try:
                frames = decoder.decode(packet)
            except av.FFmpegError:
                num_errors += 1
                continue
            for frame in frames:
                first = first or frame
                pts.append(frame.pts)
                is_keyframe.append(frame.key_frame)
                interlaced |= bool(frame.interlaced_frame)
            if stop_after is not None and pts and pts[-1] is not None and pts[-1] >= stop_after:
                break
    return _Decoded(pts, is_keyframe, num_errors, interlaced, first)


def _then_flush(packets: Iterator[Any]) -> Iterator[Any]:
    yield from packets
    yield None


def _shown_times(packets: _Packets, head: _Decoded) -> NDArray[np.int64] | None:
    """Return the times of the shown frames by the packets, or None where packets do not tell."""
    shown = packets.pts[packets.is_shown]
    if not len(shown) or (shown == _NO_TIME).any():
        return None
    times = np.unique(shown)
    key_times = packets.pts[_keyframes(packets)]
    if len(times) != len(shown) or (np.diff(key_times) <= 0).any():
        return None
    output = [time for time in head.pts if time is not None]
    if len(output) != len(head.pts) or any(b <= a for a, b in pairwise(output)):
        return None
    # Pictures that lead the first keyframe, or came before it, are shown only if the decoder outputs them.
    lost_lead = np.setdiff1d(times[times < key_times[0]], output)
    # Packets ahead of the first keyframe in the file cannot be decoded either.
    first_key = int(np.argmax(_keyframes(packets)))
    lost_ahead = np.setdiff1d(shown[: int(packets.is_shown[:first_key].sum())], output)
    times = np.setdiff1d(times, np.concatenate([lost_lead, lost_ahead]))
    compared = times[times <= output[-1]]
    if not head.num_errors and not np.array_equal(compared, output):
        return None
    return times if len(times) else None


def _codec_name(stream: Any) -> str:
    # The name of the format, not of the library that decodes it (av1, not libdav1d).
    return str(stream.codec_context.codec.canonical_name)


def _picture(head: _Decoded, codec: str, sample_aspect: Fraction, *, interlaced: bool) -> Picture:
    frame = head.first
    rotation, mirrored = turn_of(frame)
    turned = rotation in (90, 270)
    pixel_format = frame.format.name
    return Picture(
        height=frame.width if turned else frame.height,
        width=frame.height if turned else frame.width,
        sample_aspect=1 / sample_aspect if turned else sample_aspect,
        pixel_format=pixel_format,
        bit_depth=frame.format.components[0].bits if has_luma_plane(pixel_format) else 8,
        color_range=color_range_of(frame),
        rotation=rotation,
        mirrored=mirrored,
        interlaced=interlaced,
        codec=codec,
    )
