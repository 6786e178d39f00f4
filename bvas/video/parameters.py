"""Whether a file's picture may change in mid-stream, as its keyframes say."""

from typing import Any

import av

from bvas.video.bitstream import annex_b, nal_units, parameter_sets
from bvas.video.container import open_indexed, read_packets
from bvas.video.index import VideoIndex


def picture_may_change(index: VideoIndex) -> bool:
    """Return whether keyframes of a file have other parameters than those before them, by one pass over it.

    H.264 and HEVC are told by their sequence parameter sets, without decoding. Of other codecs the keyframes
    are decoded; VP9 and AV1 may also change the size between keyframes, which only video calls do.

    Raises:
        DecodeError: the file cannot be opened.
    """
    container, stream = open_indexed(index)
    decoder = stream.codec_context
    codec, seen = str(decoder.codec.canonical_name), set()
    with container:
        if codec not in ("h264", "hevc"):
            decoder.skip_frame = "NONKEY"
        else:
            seen = _sequences(codec, parameter_sets(codec, decoder.extradata))
        for packet in read_packets(container, stream):
            if packet.is_keyframe:
                seen |= _of_packet(codec, decoder, packet)
            if len(seen) > 1:
                return True
    return False


def _of_packet(codec: str, decoder: Any, packet: Any) -> set[Any]:
    if codec in ("h264", "hevc"):
        return _sequences(codec, annex_b(codec, decoder.extradata, bytes(packet)))
    try:
        return {(picture.height, picture.width) for picture in decoder.decode(packet)}
    except av.FFmpegError:
        # Whoever reads it says what is damaged.
        return set()


def _sequences(codec: str, coded: bytes) -> set[bytes]:
    # ITU-T H.264, table 7-1: type 7; H.265, table 7-1: type 33.
    is_h264 = codec == "h264"
    return {
        unit.rstrip(b"\x00")
        for unit in nal_units(codec, None, coded)
        if (unit[0] & 31 == 7 if is_h264 else unit[0] >> 1 & 63 == 33)
    }
