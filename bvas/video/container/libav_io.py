"""Bytes of addresses and of HLS pieces, fetched on libav's behalf.

libav reads here what it would fetch by itself, so that joints of transport streams can be hidden from its demuxers.
"""

import logging
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import av

from bvas.errors import DecodeError
from bvas.system.notices import warn_once
from bvas.video.container.http_bytes import HttpBytes, NotPlainError
from bvas.video.container.joined_bytes import JoinedBytes, JoinState

logger = logging.getLogger(__name__)

_PIECE_BYTES = 1 << 15
_PLAYLIST = b"#EXTM3U"
_PLAYLIST_SUFFIXES = (".m3u8", ".m3u")
_TRANSPORT_SUFFIXES = (".ts", ".m2ts", ".mts", ".m2t", ".mpegts")
_TRANSPORT_SCHEMES = ("udp", "tcp", "srt")

# Seconds to wait for an answer, and from byte to byte, by default.
_TIMEOUT = (20.0, 15.0)
# Connections that libav keeps open between pieces would not pass through here.
PLAYLIST_OPTIONS = {"http_persistent": "0", "http_multiple": "0"}


def is_playlist(source: Any) -> bool:
    """Return whether a path or URL names an HLS playlist by its ending."""
    return isinstance(source, str) and urlsplit(source).path.lower().endswith(_PLAYLIST_SUFFIXES)


def lacks_end(path: Path) -> bool:
    """Return whether a file is a playlist of pieces without an end mark; logs that once."""
    if not is_playlist(str(path)):
        return False
    with path.open("rb") as file:
        if file.read(len(_PLAYLIST)) != _PLAYLIST:
            return False
        text = file.read()
    if b"#EXT-X-ENDLIST" in text or b"#EXT-X-STREAM-INF" in text:
        return False
    warn_once(str(path), "this playlist does not say that it ends; what it lists now is read")
    return True


def is_transport_address(source: Any) -> bool:
    """Return whether a URL names a transport stream, by its ending or its protocol."""
    if not isinstance(source, str):
        return False
    parts = urlsplit(source)
    if parts.scheme.lower() in ("http", "https"):
        return parts.path.lower().endswith(_TRANSPORT_SUFFIXES)
    return parts.scheme.lower() in _TRANSPORT_SCHEMES


class FetchedBytes:
    """Bytes behind an address of any protocol that libav knows, from front to back.

    Args:
        location: The address.
        options: For libav's protocol.
        timeout: Seconds to wait for opening, and for each piece.

    Raises:
        FFmpegError, OSError: it cannot be opened.
    """

    def __init__(self, location: str, options: dict[str, str], timeout: tuple[float, float] | None) -> None:
        self.name = location
        options = {**options, "raw_packet_size": str(_PIECE_BYTES)}
        self._container = av.open(location, format="data", options=options, timeout=timeout)
        self._packets: Iterator[Any] = self._container.demux()
        self.failure: av.FFmpegError | OSError | None = None
        """Why the bytes ended before the source did; None where they did not."""
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end, or where the connection breaks (see `failure`)."""
        if not self._rest and self.failure is None:
            try:
                packet = next(self._packets, None)
            except (av.FFmpegError, OSError) as error:
                # Raised here, it would make libav drop the packets that it holds.
                self.failure, packet = error, None
            self._rest = b"" if packet is None or not packet.size else bytes(packet)
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def close(self) -> None:
        """Close the connection."""
        self._packets = iter(())
        self._container.close()


class PlaylistFetcher:
    """Opens what an HLS playlist is made of for libav: `io_open` of `av.open`.

    Args:
        timeout: Seconds to wait for opening a piece, and from byte to byte; None: the playlist is a file and read as
            it is. Without an end mark, libav would wait for more pieces.
    """

    def __init__(self, timeout: tuple[float, float] | None) -> None:
        self._timeout = timeout
        # Pieces of one playlist are one transport stream.
        self._playlist_of: dict[str, str] = {}
        self._states: dict[str, JoinState] = {}
        self._missing: list[str] = []

    @property
    def lost_codec(self) -> str:
        """The codec that the video of a playlist changed to and is not followed in; empty while it is followed."""
        return next((one.lost_codec for one in self._states.values() if one.lost_codec), "")

    @property
    def is_joined(self) -> bool:
        """Whether a joint was hidden."""
        return any(one.joiner is not None and one.joiner.joints for one in self._states.values())

    def __call__(self, location: str, flags: int, options: dict[str, str]) -> "_Piece":
        """Open one playlist or piece."""
        try:
            return _Piece(self, location, self._opened(location, options))
        except (av.FFmpegError, OSError, DecodeError, NotPlainError) as error:
            if not self.may_miss(location):
                raise OSError(reason_text(error)) from error
            # libav would skip it silently.
            self.miss(location, reason_text(error))
            return _Piece(self, location, BytesIO())

    def _opened(self, location: str, options: dict[str, str]) -> Any:
        path = Path(location.removeprefix("file:"))
        if path.is_file():
            if is_playlist(str(path)):
                # Read whole: libav does not close some playlists.
                end = b"\n#EXT-X-ENDLIST\n" if self._timeout is None and lacks_end(path) else b""
                return BytesIO(path.read_bytes() + end)
            return path.open("rb")
        if location.lower().startswith(("http://", "https://")) and self.may_miss(location):
            connect, stall = self._timeout or _TIMEOUT
            stop = options.get("end_offset")
            span = int(options.get("offset") or 0), int(stop) if stop else None
            # The name leaves out host and query, which may hold secrets.
            name = urlsplit(location).path
            return HttpBytes(location, name, connect=connect, stall=stall, span=span)
        return FetchedBytes(location, options, self._timeout)

    def may_miss(self, location: str) -> bool:
        """Return whether a playlist lists a location as a piece of video, so that the others can be read without it."""
        return not is_playlist(location) and _plain(location) in self._playlist_of

    def miss(self, location: str, reason: str) -> None:
        """Note a piece that is missing, in whole or in part."""
        # Host and query are left out: they may hold secrets.
        place = urlsplit(_plain(location)).path
        logger.warning("the piece %s of a playlist is not complete: %s", place, reason)
        self._missing.append(f"the piece {place} of the playlist is not complete: {reason}")

    def take_missing(self) -> str:
        """Return a text on the pieces missed since the last call; empty for none."""
        missing, self._missing = self._missing, []
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        return missing[0] + more if missing else ""

    def note_playlist(self, location: str, text: str) -> None:
        """Note which pieces a playlist lists."""
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                self._playlist_of[urljoin(location, line.strip())] = location

    def join_state_of(self, location: str) -> JoinState:
        """Return the state of the transport stream that a piece belongs to."""
        plain = _plain(location)
        return self._states.setdefault(self._playlist_of.get(plain, plain), JoinState())


class _Piece:
    """One playlist or piece, open."""

    def __init__(self, fetcher: PlaylistFetcher, location: str, source: Any) -> None:
        self.name = location
        self._fetcher = fetcher
        self._source = source
        self._text: bytes | None = None
        """That of a playlist so far; empty of other sources; None before the first bytes."""
        self._ended = False
        self.read = JoinedBytes(self._read_on, location, fetcher.join_state_of(location)).read
        """Returns up to some bytes; none at the end."""

    def close(self) -> None:
        """Close it."""
        self._source.close()

    def _read_on(self, size: int) -> bytes:
        data: bytes = b"" if self._ended else self._source.read(size)
        if data:
            is_playlist = data.startswith(_PLAYLIST) if self._text is None else self._text
            self._text = (self._text or b"") + data if is_playlist else b""
        elif not self._ended:
            self._ended = True
            # PyAV does not close what libav has read to its end.
            self._source.close()
            failure = getattr(self._source, "failure", None)
            if failure is not None and not self._fetcher.may_miss(self.name):
                raise failure
            if failure is not None:
                self._fetcher.miss(self.name, reason_text(failure))
            if self._text:
                self._fetcher.note_playlist(self.name, self._text.decode(errors="replace"))
        return data


def _plain(location: str) -> str:
    # libav's crypto protocol decrypts; the address behind it is the piece's own.
    return location.removeprefix("crypto+").removeprefix("crypto:")


def reason_text(error: BaseException) -> str:
    """Return why a piece is missing."""
    cause = error.__cause__ or error
    return getattr(cause, "strerror", None) or str(cause)
