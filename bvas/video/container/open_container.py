"""Opening files with libav, its log messages, and reading the packets of their video past damage."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import av.logging

from bvas.errors import DecodeError, redacted, redacted_error
from bvas.system.interrupts import InterruptsDelayed
from bvas.video.container.joined_bytes import JoinedFile
from bvas.video.container.libav_io import PLAYLIST_OPTIONS, PlaylistFetcher, lacks_end
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.container.stream_choice import choose_stream, discard_others, video_streams
from bvas.video.container.transport_stream import Joints

# Words in libav's messages on media that it may not or cannot decrypt.
_PROTECTION = re.compile(r"encrypt|decrypt|\bDRM\b|\bkey ?file\b|\bprotected\b|\bcenc\b", re.IGNORECASE)
_lock = threading.Lock()
_num_listening = 0
_before: tuple[int | None, bool, int] = (None, True, logging.NOTSET)
# PyAV 18 refuses titles that are not UTF-8 unless told otherwise. PyAV 19 escapes them and has no such argument.
_METADATA = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
# After so many failed reads in a row, the rest of the file counts as missing.
_MAX_FAILED_READS = 1000


@contextmanager
def libav_messages(level: int = av.logging.WARNING) -> Iterator[list[tuple[int, str, str]]]:
    """Yield a list that fills with libav's messages in this thread: (level, component, text).

    Keep the block short: PyAV asks for Python's lock at each message, of whatever thread.

    Args:
        level: Of the least important messages.
    """
    _listen(1)
    try:
        if level > av.logging.WARNING:
            av.logging.set_level(level)
        with av.logging.Capture(local=True) as said:
            yield said
    finally:
        _listen(-1)


def last_message(said: list[tuple[int, str, str]]) -> str:
    """Return the last message on protection, else the last error, as one line; empty if there is neither."""
    texts = [(level, " ".join(text.split())) for level, _, text in said]
    protection = [text for _, text in texts if _PROTECTION.search(text)]
    errors = [text for level, text in texts if level <= av.logging.ERROR and text]
    return redacted((protection or errors or [""])[-1])


def _listen(change: int) -> None:
    """Switch PyAV's log on for the first listener and off behind the last."""
    global _num_listening, _before
    logger = logging.getLogger("libav")
    with _lock:
        _num_listening += change
        if change > 0 and _num_listening == 1:
            _before = av.logging.get_level(), av.logging.get_skip_repeated(), logger.level
            # Messages of other threads' decoders go to this logger meanwhile, and are dropped by default.
            logger.setLevel(logging.CRITICAL + 1)
            # Else a message equal to the last one of an earlier failure would be suppressed.
            av.logging.set_skip_repeated(False)
            av.logging.set_level(av.logging.WARNING)
        elif not _num_listening:
            level, skips, logger_level = _before
            av.logging.set_level(level)
            av.logging.set_skip_repeated(skips)
            logger.setLevel(logger_level)


def open_media(source: Any, **options: Any) -> Any:
    """Open a source with `av.open`; titles that are not UTF-8 are accepted.

    Raises:
        FFmpegError, OSError: libav cannot open it.
    """
    with InterruptsDelayed():
        return av.open(source, **_METADATA, **options)


def open_container(
    path: Path,
    *,
    reading: ReadOptions = DEFAULT_READING,
    joints: Joints | None = None,
    fetcher: PlaylistFetcher | None = None,
    is_fetched: bool = False,
) -> tuple[Any, Any]:
    """Open a video file; return (container, video stream) of PyAV. All other streams are skipped.

    Args:
        path: The file.
        reading: Which stream of it is read.
        joints: Those of a transport stream, which are hidden from libav.
        fetcher: Opens the pieces of a playlist. The container must then be closed, not left to the collector.
        is_fetched: The pieces of a playlist are joined outside libav, by a fetcher that is made here.

    Raises:
        DecodeError: the file does not exist, is a folder or empty, or it holds no video.
    """
    if not path.exists():
        raise DecodeError(f"{path} does not exist; check the path", path=path)
    if path.is_dir():
        raise DecodeError(f"{path} is a folder, not a video file; name the file in it", path=path)
    if path.is_file() and path.stat().st_size == 0:
        raise DecodeError(f"{path} is empty (0 bytes); copy or download it again", path=path)
    if fetcher is None and (is_fetched or lacks_end(path)):
        fetcher = PlaylistFetcher(None)
    # Absolute: libav takes `a:b.mp4` for a protocol.
    source = str(path.absolute()) if joints is None else JoinedFile(path, joints)
    return open_input(source, str(path), reading=reading, fetcher=fetcher)


def open_input(
    source: Any,
    name: str,
    *,
    reading: ReadOptions = DEFAULT_READING,
    timeout: tuple[float, float] | None = None,
    fetcher: PlaylistFetcher | None = None,
) -> tuple[Any, Any]:
    """Open a source with libav; return (container, video stream) of PyAV. All other streams are skipped.

    Args:
        source: A path or URL as text, or an object with `read`.
        name: Its name in messages.
        reading: Which stream of it is read.
        timeout: Seconds to wait for opening, and for each packet; None waits without limit.
        fetcher: Opens the pieces of a playlist. The container must then be closed, not left to the collector.

    Raises:
        DecodeError: it is not a video, or cannot be reached.
    """
    with libav_messages() as said:
        try:
            fetching = {} if fetcher is None else {"io_open": fetcher, "options": PLAYLIST_OPTIONS}
            container = open_media(source, timeout=timeout, **fetching)
        except PermissionError as error:
            cause = redacted_error(error)
            raise DecodeError(f"{name} may not be read: permission denied", path=name) from cause
        except (av.FFmpegError, OSError) as error:
            raise not_opened(name, error, timeout, last_message(said)) from redacted_error(error)
    try:
        # libav opens any text as ANSI art.
        is_text = container.format.name == "tty"
        streams = () if is_text else video_streams(container)
        reason = reason_said(said)
        chosen = container.streams[
            choose_stream(streams, reading, container.format.name, name, reason).number
        ]
        try:
            # One thread is the fastest per core, and lets packets be skipped singly.
            chosen.codec_context.thread_count = 1
        except (AttributeError, RuntimeError) as error:
            raise DecodeError(
                f"{name}: this build of libav has no decoder for its codec", path=name
            ) from error
        if key := chosen.metadata.get("enc_key_id"):
            raise encrypted(name, f"its key has the ID {key}")
    except DecodeError:
        container.close()
        raise
    discard_others(container, chosen)
    return container, chosen


def encrypted(name: str, detail: str) -> DecodeError:
    """Return the error of media that is encrypted."""
    return DecodeError(
        f"{name} is encrypted ({detail}), and its frames cannot be decoded; get a copy without protection, or "
        "decrypt it with its key first",
        path=name,
    )


def not_opened(
    name: str, error: BaseException, timeout: tuple[float, float] | None, message: str = ""
) -> DecodeError:
    """Return the error of a source that libav cannot open, with its last message."""
    if _PROTECTION.search(message):
        return encrypted(name, f"libav: {message}")
    reason = reason_of(error)
    if isinstance(error, av.error.ExitError) and timeout is not None:
        reason = f"no answer for {timeout[0]:g} s"
    return DecodeError(
        f"{name} is not a video that can be opened: {reason}{_because(message)}; "
        "the file may be cut off or of another kind, `ffprobe` shows more",
        path=name,
    )


def reason_said(said: list[tuple[int, str, str]]) -> str:
    """Return libav's last message, as `last_message` has it, to follow one of ours; empty where there is none."""
    return _because(last_message(said))


def _because(message: str) -> str:
    return f" (libav: {message})" if message else ""


def read_packets(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets of `stream` from where the container stands, without the empty one at the end.

    After a failed read the next one is tried: behind a damaged stretch most containers continue.

    Raises:
        FFmpegError: a connection broke, or was silent for longer than the container's timeout.
        DecodeError: a packet is encrypted.
    """
    num_failed = 0
    while num_failed < _MAX_FAILED_READS:
        try:
            for packet in _demuxed(container, stream):
                if packet.size == 0 and packet.pts is None and packet.dts is None:
                    return
                num_failed = 0
                if packet.has_sidedata("encryption_info"):
                    pts = packet.pts
                    at = "" if pts is None else f", from {float(pts * packet.time_base):.3f} s on"
                    raise encrypted(redacted(container.name), f"Common Encryption{at}")
                yield packet
        except IndexError:
            # PyAV flushes all streams at the end, and fails at those that appeared after the opening.
            return
        except av.FFmpegError as error:
            # The connection failed, and not the data.
            if isinstance(error, av.error.ExitError | OSError):
                raise
            num_failed += 1
        else:
            return


def _demuxed(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    if container.file is None and container.io_open is None:
        yield from packets
        return
    while True:
        # The bytes come through callbacks.
        with InterruptsDelayed():
            packet = next(packets, None)
        if packet is None:
            return
        yield packet


def reason_of(error: BaseException) -> str:
    """Return libav's reason for an error, without its number and without secrets of an address."""
    return redacted(getattr(error, "strerror", None) or str(error))
