"""Changes of a file's picture in mid-stream, by its headers or keyframes."""

from collections.abc import Iterator
from typing import Any

import av

from bvas.video.container.coded_packets import annex_b, parameter_sets
from bvas.video.container.open_container import read_packets
from bvas.video.container.sequence_tracking import HEADER_CODECS, SequenceHeaders
from bvas.video.index.frame_table import VideoIndex


def picture_may_change(index: VideoIndex) -> bool:
    """Return whether pictures of a file have other headers than those before them, by one pass over it.

    Headers of H.264, HEVC, VP9 and AV1 are read. Of other codecs the keyframes are decoded and their sizes compared.

    Raises:
        DecodeError: the file cannot be opened.
    """
    container, stream = index.open()
    with container:
        codec = str(stream.codec_context.codec.canonical_name)
        kinds = _headers(codec, container, stream) if codec in HEADER_CODECS else _sizes(container, stream)
        first = next(kinds, None)
        return any(kind != first for kind in kinds)


def _headers(codec: str, container: Any, stream: Any) -> Iterator[bytes]:
    extradata = stream.codec_context.extradata
    headers = SequenceHeaders(codec)
    is_coded_in_units = codec in ("h264", "hevc")
    if is_coded_in_units:
        headers.at(parameter_sets(codec, extradata))
    for packet in read_packets(container, stream):
        coded = annex_b(codec, extradata, bytes(packet)) if is_coded_in_units else bytes(packet)
        sequence = headers.at(coded)
        if sequence is not None:
            yield sequence.header


def _sizes(container: Any, stream: Any) -> Iterator[tuple[int, int]]:
    decoder = stream.codec_context
    decoder.skip_frame = "NONKEY"
    for packet in read_packets(container, stream):
        if not packet.is_keyframe:
            continue
        try:
            yield from ((picture.height, picture.width) for picture in decoder.decode(packet))
        except av.FFmpegError:
            # Damage is reported where the frames are read.
            continue
