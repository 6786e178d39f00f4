"""Write a video file frame by frame: gray or RGB in, H.264 or HEVC out, all of it or nothing."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

import av
import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DataError
from bvas.video.rate import as_rate

Codec = Literal["h264", "hevc"]

_ENCODERS: dict[str, str] = {"h264": "libx264", "hevc": "libx265"}
_CONTAINERS: dict[str, str] = {".mkv": "matroska", ".mp4": "mp4"}
_BT709 = 1  # the number of BT.709 for primaries, transfer and matrix (ITU-T H.273)
_NEUTRAL_CHROMA = 128


class VideoWriter:
    """An encoder and its file. Use it as a context manager.

    Frames go to a file `<name>.part` beside `path`, which takes its name when the writer is
    closed without an error; after an exception nothing is left. The stream is 8-bit 4:2:0 of
    limited range and constant rate. It is tagged BT.709 if its first frame is RGB: gray has no use of a
    matrix, and OpenCV 5 changes the luma of files that name one.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        size: tuple[int, int],
        rate: Fraction | float,
        codec: Codec = "h264",
        keyframe_interval: int = 250,
        max_b_frames: int = 3,
        crf: int = 23,
        preset: str = "veryfast",
        threads: int = 1,
    ) -> None:
        """Open the file.

        Args:
            path: Where the video goes; `.mkv` or `.mp4`.
            size: (H, W) of the frames, both even.
            rate: Frames per second.
            codec: The coding.
            keyframe_interval: Frames from one keyframe up to the next, at most.
            max_b_frames: B-frames in a row, at most.
            crf: Quality: 0 is the best, 51 the worst.
            preset: The encoder's speed, `ultrafast` to `veryslow`.
            threads: Encoder threads; 0 lets the encoder choose.

        Raises:
            ConfigError: a value that no encoder takes.
            DataError: the folder cannot be written.
        """
        self.path = Path(path)
        self.size = size
        self.num_frames = 0
        _check(self.path, size, codec, keyframe_interval, max_b_frames, crf, threads)
        self._part = part_path(self.path)
        self._closed = False
        exact_rate = as_rate(rate)
        try:
            self._file = _CheckedFile(self._part)
        except OSError as error:
            raise DataError(
                f"cannot write {self.path}: {error.strerror}; choose a folder that exists and is writable"
            ) from error
        self._container: Any = None
        try:
            # Without a date and random identifiers: the same frames give the same file.
            self._container = av.open(
                self._file,
                "w",
                format=_CONTAINERS[self.path.suffix.lower()],
                container_options={"fflags": "+bitexact"},
            )
            self._stream = self._container.add_stream(_ENCODERS[codec], rate=exact_rate)
            _configure(
                self._stream, size, exact_rate, codec, keyframe_interval, max_b_frames, crf, preset, threads
            )
        except BaseException:
            self.abort()
            raise

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add one frame.

        Args:
            frame: uint8 [H, W] of limited-range luma, stored as given, or uint8 [H, W, 3] of RGB.

        Raises:
            DataError: the disk is full, or the file cannot be written for another reason.
        """
        if self._closed:
            raise ValueError(f"the writer of {self.path.name} is closed")
        if frame.dtype != np.uint8 or frame.shape not in (self.size, (*self.size, 3)):
            raise ValueError(
                f"a frame must be uint8 of shape {self.size} or {(*self.size, 3)}, "
                f"got {frame.dtype} {frame.shape}"
            )
        if not self.num_frames and frame.ndim == 3:
            context = self._stream.codec_context
            context.color_primaries = context.color_trc = context.colorspace = _BT709
        # The encoder may still hold the last frame: each one travels in its own.
        picture = self._from_luma(frame) if frame.ndim == 2 else self._from_rgb(frame)
        picture.pts = self.num_frames
        self._encode(picture)
        self.num_frames += 1

    def close(self) -> None:
        """Finish the file and give it its name. A second call does nothing.

        Raises:
            DataError: the disk is full, or the file cannot be written; nothing is left of it then.
        """
        if self._closed:
            return
        self._encode(None)
        self._container.close()
        self._file.close()
        self._raise_if_full()
        self._part.replace(self.path)
        self._closed = True

    def abort(self) -> None:
        """Drop what was written."""
        self._closed = True
        if self._container is not None:
            self._container.close()
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif not self._closed:
            self.abort()

    def _encode(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except BaseException:
            self.abort()
            raise
        self._raise_if_full()

    def _raise_if_full(self) -> None:
        error = self._file.error
        if error is not None:
            self.abort()
            raise DataError(
                f"cannot write {self.path}: {error.strerror}; nothing of it was kept. "
                "Make room there, or choose a folder on another disk"
            ) from error

    def _from_luma(self, frame: NDArray[np.uint8]) -> Any:
        picture = _gray_frame(self.size)
        plane = picture.planes[0]
        rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
        rows[: self.size[0], : self.size[1]] = frame
        return picture

    def _from_rgb(self, frame: NDArray[np.uint8]) -> Any:
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(
            format="yuv420p",
            src_colorspace=_BT709,
            dst_colorspace=_BT709,
            src_color_range=2,
            dst_color_range=1,
        )


class _CheckedFile:
    """A file that keeps its first error instead of raising it.

    libavformat does not report the loss of the last bytes, and PyAV prints an error that meets
    another one on its way; so the file takes note, and the writer asks.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._file = path.open("wb")

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:  # A seek writes what is buffered.
            self.error = self.error or error
            return offset

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or error


def part_path(path: Path) -> Path:
    """Return where a writer keeps `path` until it is complete."""
    return path.with_name(f"{path.name}.part")


def _check(
    path: Path,
    size: tuple[int, int],
    codec: str,
    keyframe_interval: int,
    max_b_frames: int,
    crf: int,
    threads: int,
) -> None:
    if path.suffix.lower() not in _CONTAINERS:
        raise ConfigError(
            f"cannot write a video named {path.name}; it must end in {' or '.join(_CONTAINERS)}"
        )
    if codec not in get_args(Codec):
        raise ConfigError(f"unknown codec {codec!r}; known are {', '.join(get_args(Codec))}")
    if min(size) < 2 or size[0] % 2 or size[1] % 2:
        raise ConfigError(
            f"a video's height and width must be even and at least 2, got {size}; round them up"
        )
    if keyframe_interval < 1 or max_b_frames < 0 or threads < 0 or not 0 <= crf <= 51:
        raise ConfigError(
            f"keyframe_interval must be at least 1, max_b_frames and threads at least 0, crf 0 to 51; got "
            f"{keyframe_interval}, {max_b_frames}, {threads}, {crf}"
        )


def _configure(
    stream: Any,
    size: tuple[int, int],
    rate: Fraction,
    codec: Codec,
    keyframe_interval: int,
    max_b_frames: int,
    crf: int,
    preset: str,
    threads: int,
) -> None:
    context = stream.codec_context
    context.height, context.width = size
    context.pix_fmt = "yuv420p"
    context.time_base = 1 / rate
    context.gop_size = keyframe_interval
    context.max_b_frames = max_b_frames
    context.thread_count = threads
    context.color_range = 1  # limited
    options = {"crf": str(crf), "preset": preset}
    if codec == "hevc":
        pools = f":pools={threads}:frame-threads=1" if threads else ""
        options["x265-params"] = (
            f"log-level=none:keyint={keyframe_interval}:min-keyint=1:scenecut=0:open-gop=0:"
            f"bframes={max_b_frames}{pools}"
        )
    else:
        # Keyframes at fixed distances and nowhere else, so that the interval is what was asked for.
        # Without mbtree, whose assembly reads memory that x264 never wrote: with it, about one file
        # in five of the same frames differs (found with libx264 of PyAV at 64x112).
        options["x264-params"] = "scenecut=0:open-gop=0:mbtree=0"
    context.options = options


def _gray_frame(size: tuple[int, int]) -> Any:
    frame = av.VideoFrame(size[1], size[0], "yuv420p")
    for plane in frame.planes[1:]:
        np.frombuffer(plane, dtype=np.uint8)[:] = _NEUTRAL_CHROMA
    return frame
