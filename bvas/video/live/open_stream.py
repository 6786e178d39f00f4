"""`open_stream`: opens a running source, to be read once from front to back."""

from fractions import Fraction
from pathlib import Path
from typing import get_args

from bvas.errors import ConfigError, DecodeError
from bvas.video.container.read_options import ReadOptions, Tone
from bvas.video.container.sources import source_of
from bvas.video.decode.backends import OnDamage
from bvas.video.decode.protocol import FrameStream
from bvas.video.live.patience import Patience
from bvas.video.live.stream_reader import StreamReader


def open_stream(
    source: Path | str,
    *,
    size: tuple[int, int] | None = None,
    on_damage: OnDamage = "deliver",
    growing: bool = False,
    idle_seconds: float = 5.0,
    stream: int | None = None,
    rate: float | Fraction | None = None,
    tone: Tone = "sdr",
) -> FrameStream:
    """Open a running source, and wait for its first frame. It is decoded on the CPU.

    Args:
        source: A named pipe, `-` for standard input, a URL (http, https, HLS, RTSP, UDP, TCP and other protocols of
            the installed libav), or with `growing` a file.
        size: (H, W) that each frame is fitted into; None for the picture's own size.
        on_damage: Frames decoded after a reported error, up to the next keyframe: `deliver` hands them out, warns
            once and lists them in `info.damaged`; `raise` refuses them.
        growing: The file is still being written: at its end reading waits for more. This takes a container that can
            be read from front to back: mkv, ts, fragmented mp4.
        idle_seconds: A growing file is complete when it has not grown for so long.
        stream: Number of the video stream in the container, as ffprobe counts all its streams; None: the best one.
        rate: Frames per second of a source whose frames have no times of their own; None: what its headers say.
        tone: `sdr` maps HDR (PQ, HLG) to SDR; `none` only shifts its bits to 8. SDR is the same in both.

    Raises:
        DecodeError: the source cannot be opened, holds no video, ends before a frame can be decoded, or is a
            finished file.
        ConfigError: an unknown policy or tone, a size below 1 x 1, a stream below 0, or a rate or `idle_seconds`
            that is not positive.
    """
    if on_damage not in get_args(OnDamage):
        raise ConfigError(f"unknown on_damage {on_damage!r}; known are {', '.join(get_args(OnDamage))}")
    patience = Patience(idle=idle_seconds)
    reading = ReadOptions.of(stream, rate, tone)
    origin = source_of(source, growing=growing)
    if origin.is_indexable:
        raise DecodeError(
            f"{origin.name} is a finished file; open it with open_video, or with growing=True while it is written",
            path=origin.path,
        )
    return StreamReader(origin, size=size, on_damage=on_damage, patience=patience, reading=reading)
