"""Packets of a running source, fetched by a thread.

libav does not return to Python before there is something to read. With a thread of its own, a consumer that waits for a
pipe or a connection can still be interrupted.
"""

import queue
import threading
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import av

from bvas.errors import ConfigError, DecodeError, redacted_error
from bvas.values.checks import checked_seconds
from bvas.video.container.chroma_location import stated_location
from bvas.video.container.completeness import PacketTally
from bvas.video.container.http_bytes import HttpBytes, NotPlainError
from bvas.video.container.joined_bytes import JoinedBytes
from bvas.video.container.libav_io import FetchedBytes, PlaylistFetcher, is_playlist, is_transport_address
from bvas.video.container.open_container import not_opened, open_input, read_packets, reason_of
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions, Source
from bvas.video.index.stream_facts import StreamFacts
from bvas.video.live.first_facts import arrival_stamp, first_facts
from bvas.video.live.waiting_bytes import GrowingBytes, PipeBytes, WaitingBytes

# Ends the messages of sources that broke off.
TO_CONTINUE = "; what came before can be used, open it again to continue"
_POLL_SECONDS = 0.1
# Seconds that `close` waits for a thread inside libav.
_PATIENCE = 0.5
# libav returns the part of a packet that it has as soon as it notices a failure. So a failure within so many seconds
# after a packet means that the packet is cut off.
_CUT_OFF = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits of a running source, in seconds, and its packet queue."""

    idle: float = 5.0
    """Silence after which a growing file counts as complete."""
    connect: float = 20.0
    """For opening a URL."""
    stall: float = 15.0
    """Silence after which the connection to a URL counts as broken."""
    num_ahead: int = 64
    """Packets in the queue ahead of the decoder."""
    is_resumed: bool = False
    """The source will be opened again where it breaks off: what may be cut off is dropped, see `GrowingVideo`."""

    def __post_init__(self) -> None:
        if not checked_seconds(self.idle, "idle_seconds") > 0:
            raise ConfigError(f"idle_seconds must be positive, got {self.idle}")


@dataclass(frozen=True, slots=True)
class _Item:
    """One item of the thread: that the source is open, then each packet, then the end."""

    packet: Any = None
    """None at the opening and at the end."""
    missing: str = ""
    """What is missing right before the packet."""
    error: BaseException | None = None
    """Of the end."""


class PacketFeed:
    """The packets of one pipe, growing file or URL.

    Args:
        source: Where they come from.
        patience: How long to wait for them.
        reading: Which stream is read, and how.

    Raises:
        DecodeError: the source cannot be opened, or is not a video.
    """

    def __init__(self, source: Source, patience: Patience, reading: ReadOptions = DEFAULT_READING) -> None:
        self._source = source
        self.reading = reading
        self._patience = patience
        self._bytes = _bytes_of(source, patience)
        self._fetched: FetchedBytes | None = None
        # A growing file can be read twice: its head is complete by the time libav opens it.
        self._file = Path(source.location) if source.kind not in ("URL", "pipe") else None
        self._items: queue.Queue[_Item] = queue.Queue(patience.num_ahead)
        self.chroma_location: int | None = None
        """As `stated_location` has it, of the first keyframe; looked for where color is read."""
        self._stopped = threading.Event()
        self._ended = False
        self._ahead: list[_Item] = []
        self.missing = ""
        """What is missing right before the packet that was returned last; empty for no gap."""
        self.decoder: Any = None
        """PyAV's codec context of the stream."""
        self.facts: StreamFacts
        self.failure: DecodeError | None = None
        """Why the packets ended before the video did; None where they did not."""
        # A daemon thread: one inside libav must not delay the end of the program.
        self._thread = threading.Thread(target=self._fetch, name=f"bvas {source.name}", daemon=True)
        self._thread.start()
        try:
            opened = self._take()
            if isinstance(opened.error, av.FFmpegError | OSError):
                raise self._broken(opened.error) from redacted_error(opened.error)
            if opened.error is not None:
                raise opened.error
        except BaseException:
            self.close()
            raise

    def next_packet(self) -> Any:
        """Return the next packet, as soon as there is one, or None at the end of the source."""
        if self._ended:
            return None
        item = self._ahead.pop() if self._ahead else self._take()
        if item.packet is not None and self._patience.is_resumed:
            following = self._peek(_CUT_OFF)
            if following is not None and isinstance(following.error, av.FFmpegError | OSError):
                item = self._ahead.pop()
        self.missing = item.missing
        if item.packet is not None:
            return item.packet
        self._ended = True
        if isinstance(item.error, DecodeError):
            self.failure = item.error
        elif isinstance(item.error, av.FFmpegError | OSError):
            redacted_error(item.error)
            self.failure = self._broken(item.error)
        elif item.error is not None:
            raise item.error
        return None

    def must_wait(self) -> bool:
        """Return whether the next packet, or the end, is still to come."""
        return not self._ended and not self._ahead and self._items.empty()

    def _peek(self, seconds: float) -> _Item | None:
        """Return the next item if it comes within some seconds, and keep it for `next_packet`."""
        if not self._ahead:
            try:
                self._ahead.append(self._items.get(timeout=seconds))
            except queue.Empty:
                return None
        return self._ahead[0]

    def close(self) -> None:
        """Close the source. A thread that waits for a connection closes it when libav returns."""
        self._stopped.set()
        if self._bytes is not None:
            self._bytes.stop()
        # The finalizer may run in any thread, even in the feed's own, which cannot join itself.
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE)

    @property
    def identity(self) -> tuple[str | None, int | None] | None:
        """(version, bytes) of a file on a web server; None for other sources."""
        return self._bytes.identity if isinstance(self._bytes, HttpBytes) else None

    @property
    def hint(self) -> str:
        """Likely cause for a source without a frame, to follow a message; empty where none is known."""
        # ISO/IEC 14496-12, 4.3: a file of this family begins with a box of this type.
        if self._bytes is None or self._bytes.head[4:8] != b"ftyp" or self._bytes.seekable():
            return ""
        return (
            "; an mp4 or mov whose description (moov) comes last can only be read as a finished file: write it "
            "with -movflags frag_keyframe+empty_moov, or as mkv or ts"
        )

    def _take(self) -> _Item:
        while True:
            try:
                item = self._items.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(item.error, DecodeError):
                raise DecodeError(f"{item.error}{self.hint}", path=self._source.name) from item.error
            return item

    def _put(self, item: _Item) -> None:
        while not self._stopped.is_set():
            try:
                self._items.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def _fetch(self) -> None:
        error: BaseException | None = None
        container = None
        try:
            timeout = (self._patience.connect, self._patience.stall) if self._bytes is None else None
            given, fetcher = self._given(timeout)
            container, stream = open_input(
                given, self._source.name, reading=self.reading, timeout=timeout, fetcher=fetcher
            )
            packets = read_packets(container, stream)
            facts, first = first_facts(container, stream, packets, self._source, self.reading, self._file)
            self.decoder, self.facts = stream.codec_context, facts
            self._put(_Item())
            stamp = arrival_stamp(facts.time_base) if facts.rate_origin == "arrival" else None
            tally = PacketTally()
            must_look = self.reading.is_color
            for packet in chain(first, packets):
                tally.see(packet)
                if stamp is not None:
                    stamp(packet)
                if must_look and packet.is_keyframe:
                    must_look = False
                    self.chroma_location = stated_location(stream, packet)
                # The demuxer returns the last packet of a piece when it reads the next piece.
                missing = fetcher.take_missing() if fetcher is not None and packet.is_keyframe else ""
                self._put(_Item(packet, missing))
                if self._stopped.is_set():
                    break
            if self._fetched is not None and self._fetched.failure is not None:
                raise self._fetched.failure
            joined = given.state if isinstance(given, JoinedBytes) else fetcher
            if joined is not None and joined.lost_codec:
                raise DecodeError(
                    f"the video of {self._source.name} changes to {joined.lost_codec}, which is not decoded "
                    f"with what came before{TO_CONTINUE}",
                    path=self._source.name,
                )
            missing = "" if fetcher is None else fetcher.take_missing()
            # A source without any packet has another fault, which is reported elsewhere.
            if not missing and tally.num_packets and not self._stopped.is_set():
                missing = tally.shortfall(container, stream)
            if missing:
                raise OSError(missing)
        except BaseException as caught:  # noqa: BLE001  (raised again in `next_packet`)
            error = caught
        # The connection's own error is more exact than what libav reports.
        failure: BaseException | None = self._bytes.failure if isinstance(self._bytes, HttpBytes) else None
        if failure is not None and container is None:
            failure = self._broken(failure)
        self._put(_Item(error=failure or error))
        # Packets and decoder are valid only while the container is open.
        self._stopped.wait()
        if container is not None:
            container.close()
        for opened in (self._bytes, self._fetched):
            if opened is not None:
                opened.close()

    def _given(self, timeout: tuple[float, float] | None) -> tuple[Any, PlaylistFetcher | None]:
        """Return the input of libav, and the fetcher of pieces for a playlist."""
        if self._bytes is not None and self._bytes.seekable():
            return self._bytes, None
        if self._bytes is not None:
            return JoinedBytes(self._bytes.read, self._bytes.name), None
        location = self._source.location
        if is_playlist(location):
            return location, PlaylistFetcher(timeout)
        if not is_transport_address(location):
            return location, None
        try:
            self._fetched = FetchedBytes(location, {}, timeout)
        except (av.FFmpegError, OSError) as error:
            raise not_opened(self._source.name, error, timeout) from redacted_error(error)
        return JoinedBytes(self._fetched.read, location), None

    def _broken(self, error: BaseException) -> DecodeError:
        name = self._source.name
        if isinstance(error, av.error.ExitError | TimeoutError):
            reason = f"nothing came from {name} for {self._patience.stall:g} s"
        else:
            reason = f"{name} broke off: {reason_of(error)}"
        return DecodeError(f"{reason}{TO_CONTINUE}", path=name)


def _bytes_of(source: Source, patience: Patience) -> WaitingBytes | HttpBytes | None:
    """Return the bytes of a source; None where libav reads an address itself."""
    if source.kind == "pipe":
        return PipeBytes(source.location)
    if source.kind != "URL":
        return GrowingBytes(source.location, patience.idle)
    if not source.location.lower().startswith(("http://", "https://")):
        return None
    try:
        return HttpBytes(source.location, source.name, connect=patience.connect, stall=patience.stall)
    except NotPlainError:
        return None
