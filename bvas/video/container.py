"""Opening a file with libav and reading the packets of its picture, past damage where there is some."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from bvas.errors import DecodeError

# PyAV 18 refuses titles that are not UTF-8 unless told otherwise. PyAV 19 escapes them and has no such argument.
_METADATA = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
# After so many failed reads in a row the rest of the file counts as missing.
_MAX_FAILED_READS = 1000


def open_media(source: Any, **options: Any) -> Any:
    """Open what libav can read with `av.open`; titles that are not UTF-8 are no error.

    Raises:
        FFmpegError, OSError: libav cannot open it.
    """
    return av.open(source, **_METADATA, **options)


def open_container(path: Path, *, stream: int | None = None, num_threads: int = 1) -> tuple[Any, Any]:
    """Open a video file; return (container, video stream) of PyAV.

    Args:
        path: The file.
        stream: Number of the video stream in the container; None: the best one.
        num_threads: Decoding threads. One is fastest per core, and lets packets be skipped singly.

    Raises:
        DecodeError: there is no such file, it is a folder or empty, or it holds no video.
    """
    if not path.exists():
        raise DecodeError(f"{path} does not exist; check the path", path=path)
    if path.is_dir():
        raise DecodeError(f"{path} is a folder, not a video file; name the file in it", path=path)
    if path.is_file() and path.stat().st_size == 0:
        raise DecodeError(f"{path} is empty (0 bytes); copy or download it again", path=path)
    # Absolute: libav takes `a:b.mp4` for a protocol.
    return open_input(str(path.absolute()), str(path), stream=stream, num_threads=num_threads)


def open_input(
    source: Any,
    name: str,
    *,
    stream: int | None = None,
    timeout: tuple[float, float] | None = None,
    num_threads: int = 1,
) -> tuple[Any, Any]:
    """Open what libav can read; return (container, video stream) of PyAV.

    Args:
        source: A path or URL as text, or an object with `read`.
        name: What messages call it.
        stream: Number of the video stream in the container; None: the best one.
        timeout: Seconds to wait for opening, and for each packet; None for as long as it takes.
        num_threads: Decoding threads.

    Raises:
        DecodeError: it is no video, or cannot be reached.
    """
    try:
        container = open_media(source, timeout=timeout)
    except PermissionError as error:
        raise DecodeError(f"{name} may not be read: permission denied", path=name) from error
    except (av.FFmpegError, OSError) as error:
        reason = reason_of(error)
        if isinstance(error, av.error.ExitError) and timeout is not None:
            reason = f"no answer for {timeout[0]:g} s"
        raise DecodeError(
            f"{name} is not a video that can be opened: {reason}; "
            "the file may be cut off or of another kind, `ffprobe` tells more",
            path=name,
        ) from error
    # The first picture that is not a cover: album art is a video stream to libav.
    cover = Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    # libav takes any text for ANSI art.
    if not streams or container.format.name == "tty":
        container.close()
        raise DecodeError(f"{name} holds no video stream", path=name)
    chosen = _choose_stream(container, streams, stream, name)
    try:
        chosen.codec_context.thread_count = num_threads
    except (AttributeError, RuntimeError) as error:
        container.close()
        raise DecodeError(f"{name}: this build of libav has no decoder for its codec", path=name) from error
    return container, chosen


def _choose_stream(container: Any, streams: list[Any], number: int | None, name: str) -> Any:
    """Return the video stream of a number, or the first one.

    Raises:
        DecodeError: no video stream has this number.
    """
    if number is None:
        return streams[0]
    for stream in streams:
        if stream.index == number:
            return stream
    container.close()
    numbers = ", ".join(str(stream.index) for stream in streams)
    raise DecodeError(f"stream {number} of {name} is not a video stream; those are {numbers}", path=name)


def read_packets(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets of `stream` from where the container stands, without the empty one at the end.

    A read that fails is followed by the next: behind a damaged stretch most containers go on.

    Raises:
        FFmpegError: a connection broke, or was silent for longer than the container's timeout.
    """
    num_failed = 0
    while num_failed < _MAX_FAILED_READS:
        try:
            for packet in container.demux(stream):
                if packet.size == 0 and packet.pts is None and packet.dts is None:
                    return
                num_failed = 0
                yield packet
        except av.FFmpegError as error:
            if is_connection_error(error):
                raise
            num_failed += 1
        else:
            return


def is_connection_error(error: BaseException) -> bool:
    """Return whether it is the way to the data that failed, and not the data."""
    return isinstance(error, av.error.ExitError | OSError)


def reason_of(error: BaseException) -> str:
    """Return what libav says went wrong, without its error number."""
    return getattr(error, "strerror", None) or str(error)
