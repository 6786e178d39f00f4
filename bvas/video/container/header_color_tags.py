"""Color tags of the headers inside a stream, for recordings that change from one picture system to another."""

from typing import Any

import av

from bvas.video.container.coded_packets import nal_kind, nal_units, new_extradata, parameter_sets
from bvas.video.container.color_tags import ColorTags, color_tags_of

# ITU-T H.264, table 7-1: SEI and sequence parameter set. ITU-T H.265, table 7-1: the same.
_H264_SEI, _H264_SPS = 6, 7
_HEVC_SEI, _HEVC_SPS = 39, 33
# Payload type of the alternative transfer characteristics SEI (H.265, D.2.38).
_ALTERNATIVE_TRANSFER = 147
_MOST_HEADERS = 64
# Bytes of a packet in which its headers are found, ahead of the picture.
_HEAD = 8192


class HeaderColors:
    """Finds keyframes whose headers differ from all before, and decodes those to learn their tags.

    Args:
        codec: libav's name of the coding format.
        extradata: The headers beside the stream.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self._extradata = extradata
        beside = b"".join(_color_headers(codec, None, parameter_sets(codec, extradata)))
        self._seen: set[bytes] = {beside} if beside else set()
        self.found: set[ColorTags] = set()
        """Tags of all headers but the first."""

    def add(self, packet: Any) -> None:
        """Take the next packet of the stream."""
        if self._codec not in ("h264", "hevc") or not packet.is_keyframe:
            return
        # mp4 with several sample descriptions changes the extradata in mid-stream.
        beside = []
        if (changed := new_extradata(packet)) is not None:
            self._extradata = changed
            beside = _color_headers(self._codec, None, parameter_sets(self._codec, self._extradata))
        head = bytes(memoryview(packet)[:_HEAD])
        headers = b"".join(beside + _color_headers(self._codec, self._extradata, head))
        if not headers or headers in self._seen or len(self._seen) >= _MOST_HEADERS:
            return
        self._seen.add(headers)
        if len(self._seen) > 1:
            self.found.update(self._tags_of(packet))

    def _tags_of(self, packet: Any) -> list[ColorTags]:
        """Return the tags that a keyframe comes out with."""
        decoder = av.CodecContext.create(self._codec, "r")
        decoder.extradata = self._extradata
        try:
            frames = [*decoder.decode(packet), *decoder.decode(None)]
        except av.FFmpegError:
            # A keyframe that cannot be decoded alone is judged when its frames are read.
            return []
        return [color_tags_of(frame) for frame in frames]


def _color_headers(codec: str, extradata: bytes | None, coded: bytes) -> list[bytes]:
    """Return the NAL units of some coded data that decide about color tags."""
    is_h264 = codec == "h264"
    wanted_sps, wanted_sei = (_H264_SPS, _H264_SEI) if is_h264 else (_HEVC_SPS, _HEVC_SEI)
    found = []
    for unit in nal_units(codec, extradata, coded):
        kind = nal_kind(codec, unit)
        # The payload type follows a header of 1 byte, or 2.
        payload = unit[1:2] if is_h264 else unit[2:3]
        if kind == wanted_sps or (kind == wanted_sei and payload == bytes([_ALTERNATIVE_TRANSFER])):
            found.append(unit)
    return found
