"""Estimate of the size of a copy, before it is made."""

from collections.abc import Iterator, Sequence
from typing import Any

from bvas.errors import DecodeError
from bvas.video.decode.fit import FitPlan
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.encode.copied_frames import FrameCopier
from bvas.video.encode.encoder import Coding
from bvas.video.index.frame_table import VideoIndex, VideoInfo

_NUM_STRETCHES = 3
_STRETCH_FRAMES = 48


def expected_bytes(index: VideoIndex, info: VideoInfo, coding: Coding, fit: FitPlan) -> int:
    """Return the bytes of a copy: three stretches spread over the video are encoded, and extrapolated.

    Raises:
        DecodeError: no frame of the stretches can be decoded.
    """
    num_frames = num_bytes = 0
    # The copy itself will say where the picture changes.
    copier = FrameCopier(index, info, coding, fit, is_said=False)
    with open_backend(index, info) as source:
        for stretch in _stretches(index, coding.keyframe_interval):
            encoder = coding.new_encoder()
            try:
                for number, frame in source.pictures(stretch):
                    copied = copier.picture(frame, number, source.sample_aspect)
                    num_bytes += _size_of(encoder.encode(copied))
                    num_frames += 1
            except DecodeError as error:
                if error.lost is None:
                    raise
            if num_frames:
                num_bytes += _size_of(encoder.encode(None))
    if not num_frames:
        raise DecodeError(f"no frame of {info.path} can be decoded where it was tried", path=info.path)
    return round(num_bytes * index.num_frames / num_frames)


def _stretches(index: VideoIndex, keyframe_interval: int) -> Iterator[range]:
    length = -(-_STRETCH_FRAMES // keyframe_interval) * keyframe_interval
    if index.num_frames <= _NUM_STRETCHES * length or index.decode_order:
        # Where frames are counted, later ones are reached only by decoding all before them.
        yield range(min(index.num_frames, _NUM_STRETCHES * length))
        return
    for number in range(_NUM_STRETCHES):
        start = (2 * number + 1) * index.num_frames // (2 * _NUM_STRETCHES) - length // 2
        yield range(start, start + length)


def _size_of(packets: Sequence[Any]) -> int:
    return sum(packet.size for packet in packets)
