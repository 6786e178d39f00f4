"""Choice among the video streams of a container: the one that a player would show."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from av.stream import Discard, Disposition

from bvas.errors import DecodeError
from bvas.video.container.read_options import ReadOptions

# Still pictures beside a video: album art, previews at intervals, a cover.
_STILLS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
# Codecs of single pictures, of which cameras and download tools add a track as a thumbnail.
_PICTURE_CODECS = ("mjpeg", "png", "apng", "bmp", "webp", "tiff", "gif", "jpeg2000")
# A track of pictures with fewer frames per second is a row of thumbnails.
_LEAST_RATE = 0.5
_LENGTH = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
# Containers that hold one video in several sizes, of which one is fetched.
_ADAPTIVE = ("hls", "dash")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream:
    """One video stream of a container, as the container describes it."""

    number: int
    """In the container, as ffprobe counts all its streams."""
    codec: str
    """libav's name; empty where libav has no decoder."""
    height: int
    """Rows of the stored picture; 0 where it is not known."""
    width: int
    is_default: bool
    bit_rate: int = field(default=0, compare=False)
    """Bits per second by the container, or by libav's estimate from the file size; 0 where both are missing."""
    may_be_thumbnail: bool = False
    """Coded as single pictures, of unknown number."""

    def __str__(self) -> str:
        size = f"{self.width}x{self.height}" if self.height else "size unknown"
        rate = f", {self.bit_rate / 1000:.0f} kbit/s" if self.bit_rate else ""
        mark = ", default" if self.is_default else ""
        return f"{self.number} ({self.codec or 'no decoder'}, {size}{rate}{mark})"


def video_streams(container: Any) -> tuple[VideoStream, ...]:
    """Return the video streams of an open container of PyAV, without still pictures beside them."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _STILLS]
    moving = [stream for stream in streams if not _is_thumbnail(container, stream)]
    # A recording of one picture is a video, if nothing else is.
    return tuple(_described(stream) for stream in moving or streams)


def choose_stream(
    streams: Sequence[VideoStream], reading: ReadOptions, container: str, name: str, reason: str = ""
) -> VideoStream:
    """Return the stream to read.

    The order is that of FFmpeg: those with a decoder, those that the file marks as default, the largest, that of
    the most bits, the first. Of the variants of an adaptive stream it is the smallest that fills `size`.

    Args:
        streams: What there is.
        reading: Which one is asked for, and the size that frames are fitted into.
        container: libav's short name.
        name: The source's name in messages.
        reason: libav's reason, to follow a message.

    Raises:
        DecodeError: no video stream was found, none has this number, or libav decodes none.
    """
    if not streams:
        raise DecodeError(f"{name} holds no video stream{reason}", path=name)
    if reading.stream is not None:
        for stream in streams:
            if stream.number == reading.stream:
                return stream
        numbers = ", ".join(str(stream.number) for stream in streams)
        raise DecodeError(
            f"stream {reading.stream} of {name} is not a video stream; those are {numbers}", path=name
        )
    decodable = [stream for stream in streams if stream.codec]
    if not decodable:
        raise DecodeError(f"{name}: this build of libav has no decoder for its codec{reason}", path=name)
    size = reading.fit
    if container.partition(",")[0] in _ADAPTIVE and size is not None:
        enough = [stream for stream in decodable if stream.height >= size[0] or stream.width >= size[1]]
        if enough:
            return min(enough, key=lambda stream: (_area(stream), -stream.bit_rate, stream.number))
    return max(decodable, key=_rank)


def _rank(stream: VideoStream) -> tuple[bool, bool, int, int, int]:
    """Return the key by which the stream that a player would show is the largest."""
    shows = not stream.may_be_thumbnail
    return shows, stream.is_default, _area(stream), stream.bit_rate, -stream.number


def choice_text(number: int, streams: Sequence[VideoStream]) -> str | None:
    """Return a text on the chosen stream and the others; None where there was no choice."""
    others = [stream for stream in streams if stream.number != number]
    chosen = next((stream for stream in streams if stream.number == number), None)
    if chosen is None or not others:
        return None
    rest = "; ".join(map(str, others))
    return f"video stream {chosen} is read; there is also {rest}; --stream N (stream=N) takes another"


def discard_others(container: Any, chosen: Any) -> None:
    """Let the demuxer skip all streams but one: those of an adaptive stream are then not fetched."""
    for stream in container.streams:
        if stream.index != chosen.index:
            stream.discard = Discard.all


def _area(stream: VideoStream) -> int:
    return stream.height * stream.width


def _described(stream: Any) -> VideoStream:
    decoder = stream.codec_context
    codec = "" if decoder is None else str(decoder.codec.canonical_name)
    bit_rate = 0
    with suppress(ValueError):
        bit_rate = int(stream.metadata.get("variant_bitrate", 0)) or int(getattr(decoder, "bit_rate", 0) or 0)
    return VideoStream(
        number=stream.index,
        codec=codec,
        height=0 if decoder is None else decoder.height,
        width=0 if decoder is None else decoder.width,
        is_default=bool(stream.disposition & Disposition.default),
        bit_rate=bit_rate,
        may_be_thumbnail=codec in _PICTURE_CODECS and not _num_frames(stream),
    )


def _is_thumbnail(container: Any, stream: Any) -> bool:
    """Return whether a stream shows one picture, or one every few seconds, beside streams that show more."""
    num_frames = _num_frames(stream)
    others = [other for other in container.streams.video if other.index != stream.index]
    if not num_frames or all(other.disposition & _STILLS for other in others):
        return False
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else ""
    rate = stream.average_rate
    # Unknown is None in PyAV 18 and zero in PyAV 19.
    is_slow = codec in _PICTURE_CODECS and bool(rate) and rate < _LEAST_RATE
    return num_frames == 1 or is_slow


def _num_frames(stream: Any) -> int:
    """Return how many frames a stream claims to hold; 0 where it claims none."""
    if stream.frames:
        return int(stream.frames)
    # Matroska's statistics, behind whose names some files have a language.
    tags = {name.upper().partition("-")[0]: value for name, value in stream.metadata.items()}
    if tags.get("NUMBER_OF_FRAMES", "").isdecimal():
        return int(tags["NUMBER_OF_FRAMES"])
    length = _LENGTH.fullmatch(tags.get("DURATION", ""))
    if length is None or not stream.average_rate:
        return 0
    hours, minutes, seconds = length.groups()
    return int((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * stream.average_rate + 0.5)
