"""`EncodedFile`: an encoder and its file, written whole or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self, get_args

import av
from av.codec.context import Flags

from bvas.errors import BusyError, ConfigError, DataError
from bvas.system.interrupts import InterruptsDelayed
from bvas.system.locks import open_alone
from bvas.values.checks import checked_size
from bvas.values.luma import ColorRange
from bvas.video.container.color_tags import NO_TAGS, ColorTags

Codec = Literal["h264", "hevc"]

_ENCODERS: dict[str, str] = {"h264": "libx264", "hevc": "libx265"}
_CONTAINERS: dict[str, str] = {".mkv": "matroska", ".mp4": "mp4"}
# Speed of the encoders, from `ultrafast` to `veryslow`.
_PRESET = "veryfast"
# libav's numbers of the ranges.
_RANGES: dict[str, int] = {"limited": 1, "full": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """Coding of pictures, as 8-bit 4:2:0."""

    size: tuple[int, int]
    """(H, W), both even."""
    rate: Fraction
    """Frames per second; their average where the rate varies."""
    time_base: Fraction
    """Seconds of a tick of the pictures' times."""
    codec: Codec = "h264"
    keyframe_interval: int = 250
    """Frames from one keyframe up to the next, at most."""
    max_b_frames: int = 3
    """B-frames in a row, at most."""
    crf: int = 23
    """Quality: 0 is the best, 51 the worst."""
    threads: int = 1
    """Encoder threads; 0 lets the encoder choose."""
    color_range: ColorRange = "limited"
    color: ColorTags = NO_TAGS
    """Color tags of the file."""
    sample_aspect: Fraction = Fraction(1)
    """Width of a sample over its height."""

    def __post_init__(self) -> None:
        if self.codec not in get_args(Codec):
            raise ConfigError(f"unknown codec {self.codec!r}; known are {', '.join(get_args(Codec))}")
        if min(checked_size(self.size)) < 2 or self.size[0] % 2 or self.size[1] % 2:
            raise ConfigError(
                f"a video's height and width must be even and at least 2, got {self.size}; round them up"
            )
        if not 0 <= self.crf <= 51:
            raise ConfigError(f"crf must lie in 0 (the best) to 51, got {self.crf}")
        if self.keyframe_interval < 1 or self.max_b_frames < 0 or self.threads < 0:
            raise ConfigError(
                f"keyframe_interval must be at least 1, max_b_frames and threads at least 0; got "
                f"{self.keyframe_interval}, {self.max_b_frames}, {self.threads}"
            )

    def configure(self, context: Any) -> None:
        """Set PyAV's codec context to this."""
        context.height, context.width = self.size
        context.pix_fmt = "yuv420p"
        context.time_base = self.time_base
        context.framerate = self.rate
        context.gop_size = self.keyframe_interval
        context.max_b_frames = self.max_b_frames
        context.thread_count = self.threads
        # So that the last picture keeps its duration.
        context.flags |= Flags.frame_duration
        context.color_range = _RANGES[self.color_range]
        color = self.color.known
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        context.colorspace = color.matrix
        if self.sample_aspect != 1:
            context.sample_aspect_ratio = self.sample_aspect
        options = {"crf": str(self.crf), "preset": _PRESET}
        if self.codec == "hevc":
            pools = f":pools={self.threads}:frame-threads=1" if self.threads else ""
            options["x265-params"] = (
                f"log-level=none:keyint={self.keyframe_interval}:min-keyint=1:scenecut=0:open-gop=0:"
                f"bframes={self.max_b_frames}{pools}"
            )
        else:
            # Keyframes only at fixed distances, so that the interval is the one requested. Without mbtree, whose
            # assembly reads memory that x264 never wrote: with it, about one file in five of the same frames
            # differs (found with libx264 of PyAV at 64x112).
            options["x264-params"] = "scenecut=0:open-gop=0:mbtree=0"
        context.options = options

    def new_encoder(self) -> Any:
        """Return an encoder without a file, PyAV's codec context."""
        context = av.CodecContext.create(_ENCODERS[self.codec], "w")
        self.configure(context)
        return context


class EncodedFile:
    """A file `<name>.part` that takes its name when it is published.

    Use it as a context manager: an error in the block aborts it, and then nothing of it is left.
    """

    def __init__(
        self,
        path: Path,
        coding: Coding | None,
        *,
        options: dict[str, str] | None = None,
        copied: Any = None,
        time_base: Fraction | None = None,
    ) -> None:
        """Open the file.

        Args:
            path: Where the video goes; `.mkv` or `.mp4`.
            coding: How its pictures are coded; None: those of `copied` are taken as they are.
            options: Of libav's muxer.
            copied: Stream of another file, whose packets are copied.
            time_base: Seconds of a tick of the copied packets' times.

        Raises:
            ConfigError: the name ends otherwise.
            DataError: the folder cannot be written.
        """
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        """Where it is kept until it is complete."""
        self.closed = False
        kind = _CONTAINERS.get(path.suffix.lower())
        if kind is None:
            raise ConfigError(
                f"cannot write a video named {path.name}; it must end in {' or '.join(_CONTAINERS)}"
            )
        try:
            self._file = _CheckedFile(self.part)
        except BlockingIOError as error:
            raise BusyError(
                f"another process writes {path}; wait until it is done, or choose another name"
            ) from error
        except OSError as error:
            raise DataError(
                f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
            ) from error
        self._container: Any = None
        self._sound: Any = None
        # bitexact writes no date and no random identifiers: the same frames give the same file.
        muxing = {"fflags": "+bitexact", **(options or {})}
        try:
            with InterruptsDelayed():
                self._container = av.open(self._file, "w", format=kind, container_options=muxing)
            self._coded: list[Any] = []
            if coding is None:
                self._stream = self._container.add_stream_from_template(copied)
                self._stream.time_base = time_base
            else:
                self._stream = self._container.add_stream(_ENCODERS[coding.codec], rate=coding.rate)
                self._coded.append(self._stream)
                coding.configure(self._stream.codec_context)
            if kind == "mp4" and self._stream.codec_context.codec.canonical_name == "hevc":
                # Apple's players refuse libav's default, hev1.
                self._stream.codec_context.codec_tag = "hvc1"
        except BaseException:
            self.abort()
            raise

    def add_sound(self, sample_rate: int) -> None:
        """Give the file stereo sound in AAC; before its first picture."""
        self._sound = self._container.add_stream("aac", rate=sample_rate)
        self._sound.layout = "stereo"
        self._coded.append(self._sound)

    def add_copied_sound(self, stream: Any) -> None:
        """Give the file the sound of another one without coding it again, by its stream; before its first picture."""
        self._sound = self._container.add_stream_from_template(stream)

    def add_piece(self, sound: Any) -> None:
        """Add a frame of sound, or a packet of the copied one, in order, not far from the pictures of its time.

        Raises:
            DataError: as `encode`.
        """
        if isinstance(sound, av.Packet):
            sound.stream = self._sound
            self._mux([sound])
        else:
            self._mux(self._sound.encode(sound))

    def add_packet(self, packet: Any) -> None:
        """Add a packet of copied pictures, with times of the file, in the order of decoding.

        Raises:
            DataError: as `encode`.
        """
        packet.stream = self._stream
        self._mux([packet])

    def encode(self, picture: Any) -> None:
        """Add a picture with a time, in the order of presentation.

        Raises:
            DataError: the disk is full, or the file cannot be written; nothing is left of it then.
        """
        self._mux(self._stream.encode(picture))

    def _mux(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            with InterruptsDelayed():
                self._container.mux(packet)
        self._raise_if_full()

    def finish(self) -> None:
        """Flush encoder and muxer, so that the part file is complete.

        Raises:
            DataError: as `encode`.
        """
        for stream in self._coded:
            self._mux(stream.encode(None))
        with InterruptsDelayed():
            self._container.close()
        self._file.close()
        self._raise_if_full()
        self.closed = True
        # An encoder holds the memory of many pictures.
        self._container = self._stream = self._sound = None
        self._coded = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.abort()

    def publish(self) -> None:
        """Give the finished file its name."""
        self.part.replace(self.path)

    def abort(self) -> None:
        """Remove what was written."""
        with InterruptsDelayed():
            if not self.closed:
                self.closed = True
                if self._container is not None:
                    self._container.close()
                self._file.close()
            self.part.unlink(missing_ok=True)

    def _raise_if_full(self) -> None:
        error = self._file.error
        if error is not None:
            self.abort()
            raise DataError(
                f"cannot write {self.path}: {error.strerror}; nothing of it was kept. "
                "Make room there, or choose a folder on another disk"
            ) from error


class _CheckedFile:
    """A file that keeps its first error instead of raising it.

    libavformat does not report that the last bytes were lost, and PyAV prints a second error that is raised while it
    handles a first. So the file keeps its error, and `EncodedFile` checks for it.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._file = open_alone(path)

    def write(self, data: bytes) -> int:
        if self.error is None:
            with self._keeping_errors():
                self._file.write(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        # A seek writes what is buffered.
        with self._keeping_errors():
            return self._file.seek(offset, whence)
        return offset

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        with self._keeping_errors():
            self._file.close()

    @contextmanager
    def _keeping_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = self.error or error
