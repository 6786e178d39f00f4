"""`open_stream` opens a running source, to be read once from front to back: a `FrameStream`."""

from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Protocol, get_args

from bvas.errors import ConfigError
from bvas.values.color import FrameForm, ReaderChannels
from bvas.values.input_format import Fit
from bvas.video.container.read_options import ReadOptions, Tone, source_of
from bvas.video.decode.backends import Batches, OnDamage
from bvas.video.decode.open_video import checked_form
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.live.packet_feed import Patience
from bvas.video.live.stream_reader import StreamReader


class FrameStream(AbstractContextManager["FrameStream"], Protocol):
    """The frames of one video, one after the other.

    Index 0 is the first shown frame. Frames are uint8, upright, `size` = (H, W): the picture's own size, or the
    one that was asked for when the video was opened. They are luma, RGB, or the planes that RGB is made of.

    A reader belongs to one process: it refuses to be pickled, and to be used after a fork. Any thread may use it,
    one at a time. What a second thread calls meanwhile (the next step of a stream, close) raises a RuntimeError and
    changes nothing. Threads that read at the same time need a reader each.

    `open_stream` returns one for a source that runs (pipe, growing file, URL). It gives each frame once; `index`
    and `info` cover the frames known so far, and equal those of the saved file at the end.
    """

    backend: str
    """`pyav`, `opencv` or `nvdec`."""
    size: tuple[int, int]
    """(H, W) of the frames it gives."""
    frame_shape: tuple[int, ...]
    """Shape of a frame: (H, W) of luma, (H, W, 3) of RGB, (bytes,) of planes."""
    form: FrameForm
    """What the bytes of luma or planes mean."""

    @property
    def index(self) -> VideoIndex:
        """The frames; those known so far while the source runs."""

    @property
    def info(self) -> VideoInfo:
        """Facts about the video; `damaged` grows with what is read."""

    @property
    def num_decoded(self) -> int:
        """Pictures that the decoder has output so far, those on the way to wanted ones included."""

    def seconds_of(self, index: int) -> float:
        """Return the time of a frame in seconds from the first one.

        Raises:
            IndexError: `index` lies outside [0, num_frames).
        """

    def stream(self, start: int = 0, stop: int | None = None, step: int = 1, batch_size: int = 16) -> Batches:
        """Yield (index of the first frame, uint8 `[n, *frame_shape]`) in order, n <= batch_size.

        Raises:
            DecodeError: the decoder does not output the frames `error.lost`. Those before them were yielded;
                `stream(error.lost.stop)` continues behind them.
        """

    def close(self) -> None:
        """Close the source. Closing twice is allowed; any read afterwards is an error.

        Raises:
            RuntimeError: another thread reads from it now; it stays open.
        """


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
    channels: ReaderChannels = "luma",
    fit: Fit = "pad",
    resize: tuple[int, int] | None = None,
) -> FrameStream:
    """Open a running source, and wait for its first frame. It is decoded on the CPU.

    Args:
        source: A named pipe, `-` for standard input, a URL (http, https, HLS, RTSP, UDP, TCP and other protocols of
            the installed libav), or with `growing` a file.
        size: (H, W) that each frame is brought to; None for the picture's own size.
        on_damage: Frames decoded after a reported error, up to the next keyframe: `deliver` hands them out, warns
            once and lists them in `info.damaged`; `raise` refuses them.
        growing: The file is still being written: at its end reading waits for more. This takes a container that can
            be read from front to back: mkv, ts, fragmented mp4.
        idle_seconds: A growing file is complete when it has not grown for so long.
        stream: Number of the video stream in the container, as ffprobe counts all its streams; None: the best one.
        rate: Frames per second of a source whose frames have no times of their own; None: what its headers say.
        tone: `sdr` maps HDR (PQ, HLG) to SDR; `none` only shifts its bits to 8. SDR is the same in both.
        channels: As `open_video` takes them, as are `fit` and `resize`.
        fit: What happens where a picture has another shape than `size`.
        resize: (H, W) that `crop` and `stretch` scale to first.

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
        raise origin.error(
            f"{origin.name} is a finished file; open it with open_video, or with growing=True while it is written",
        )
    form = checked_form(size, channels, fit, resize)
    return StreamReader(
        origin, form=form, channels=channels, on_damage=on_damage, patience=patience, reading=reading
    )
