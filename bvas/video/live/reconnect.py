"""Readers of `LiveVideo`, and reconnecting to a source that stalls or breaks off, with exponential backoff."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.system.closing import Closing
from bvas.values.color import ReaderChannels
from bvas.values.input_format import InputFormat
from bvas.video.container.read_options import ReadOptions, Source
from bvas.video.decode.backends import Batches
from bvas.video.decode.open_video import open_video
from bvas.video.decode.video_reader import FrameReader
from bvas.video.live.first_facts import is_pushed
from bvas.video.live.packet_feed import Patience
from bvas.video.live.stream_reader import StreamReader

logger = logging.getLogger(__name__)

# Packets of sources that send whether or not the receiver keeps up wait here, for as long as a slow model may need.
_NUM_AHEAD_PUSHED = 1024
# A file on a server that brings nothing new in so many tries is cut off there.
_MOST_TRIES = 5


class FileStream:
    """A finished file, read as a `StreamReader` is: it has an end, and no frame has to be waited for.

    Args:
        reader: The open file, which this closes.
    """

    has_end = True
    identity = None

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self.index = reader.index
        self.info = reader.info
        self.size = reader.size
        self.form = reader.form
        self.container = reader.index.container

    def times(self, start: int, stop: int) -> tuple[NDArray[np.int64], Fraction]:
        """Return (times in ticks, seconds of a tick); see `StreamReader.times`."""
        return self.index.pts[start:stop], self.index.time_base

    def stream(self, start: int = 0, *, batch_size: int = 16, at_once: bool = False) -> Batches:
        """Yield the frames in full batches; see `StreamReader.stream`."""
        return self._reader.stream(start, batch_size=batch_size)

    def must_wait(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


LiveReader = StreamReader | FileStream
"""Frames in order with their times, as soon as they are there."""


def open_live_reader(
    source: Source,
    form: InputFormat | None,
    backend: str,
    device: str,
    patience: Patience,
    reading: ReadOptions,
) -> LiveReader:
    """Open a source for `LiveVideo`.

    Args:
        source: Where the video comes from.
        form: Form that frames are brought to; None for gray of the picture's own size.
        backend: As `open_video` takes it.
        device: As `open_video` takes it, for finished files.
        patience: How long a running source may be silent.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: it cannot be opened, or is not a video.
        ConfigError: the backend reads finished files only.
    """
    if source.is_indexable:
        options = {} if form is None else form.reading
        return FileStream(open_video(source.location, backend, device=device, **options, **reading.keywords))
    if backend not in ("auto", StreamReader.backend):
        raise ConfigError(
            f"{source.name} is a {source.kind}, which backend {backend!r} does not read; take "
            f'backend="{StreamReader.backend}", or {source.remedy}'
        )
    if is_pushed(source):
        patience = replace(patience, num_ahead=_NUM_AHEAD_PUSHED)
    fitted = None if form is None or form.is_scaled_on_device else form
    channels: ReaderChannels = "planes" if form is not None and form.channels == "rgb" else "luma"
    return StreamReader(
        source, form=fitted, channels=channels, on_damage="deliver", patience=patience, reading=reading
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectConfig:
    """When a source counts as broken off, and how often it is opened again; in seconds."""

    connect: float = 20.0
    """For opening it."""
    stall: float = 15.0
    """Silence after which it counts as broken off."""
    first_wait: float = 0.5
    """Before it is opened again; doubled after each try that brings no new frame."""
    most_wait: float = 10.0
    give_up: float = 300.0
    """Without a new frame; then it is given up."""


class Reconnecting(Closing):
    """The connection to a source: its reader is replaced by a new one where the source breaks off.

    Args:
        source: What is read.
        open_reader: Opens it.
        config: How long to wait.

    Raises:
        DecodeError: it cannot be opened the first time.
    """

    def __init__(
        self, source: Source, open_reader: Callable[[], LiveReader], config: ReconnectConfig
    ) -> None:
        self._source = source
        self._open_reader = open_reader
        self._config = config
        self.reader = open_reader()
        """The present opening."""
        self.num_reopened = 0
        """How often the source was opened again."""
        self._identity = self.reader.identity
        self._is_whole_list = self.reader.container == "hls" and self.reader.has_end
        self._num_tries = 0
        self.note_frame()

    @property
    def is_broadcast(self) -> bool:
        """It runs on whether or not the receiver keeps up, and its end is indistinguishable from a break."""
        is_playlist = self.reader.container == "hls" and not self.reader.has_end
        return is_pushed(self._source) or (self._source.kind == "URL" and is_playlist)

    def note_frame(self) -> None:
        """Note a new frame, which starts waits and tries over."""
        self._new_at = time.monotonic()
        self._wait, self._num_tries = self._config.first_wait, 0

    def reopen(self, reason: str) -> None:
        """Close the source, wait, and open it again, up to the first success.

        Args:
            reason: Why the connection ended.

        Raises:
            DecodeError: it did not come back, brings nothing new, or is another file now.
        """
        logger.warning("%s; opening it again", reason)
        self.reader.close()
        while True:
            if time.monotonic() + self._wait > self._new_at + self._config.give_up:
                raise self._error(f"did not come back within {self._config.give_up:g} s ({reason})")
            if self._is_cut_off:
                raise self._error(f"brings nothing new in {_MOST_TRIES} tries ({reason})")
            self._num_tries += 1
            time.sleep(self._wait)
            self._wait = min(2 * self._wait, self._config.most_wait)
            try:
                self.reader = self._open_reader()
            except DecodeError as error:
                reason = str(error)
                continue
            self.num_reopened += 1
            # A server that states no version may be a camera, which starts again with another clock.
            before, now = (None if it is None else it[0] for it in (self._identity, self.reader.identity))
            if before is not None and now is not None and before != now:
                raise self._error("is another file now than the one that was begun")
            return

    def close(self) -> None:
        """Close the source."""
        self.reader.close()

    @property
    def _is_cut_off(self) -> bool:
        is_file = self._identity is not None and self._identity[1] is not None
        return (is_file or self._is_whole_list) and self._num_tries >= _MOST_TRIES

    def _error(self, what: str) -> DecodeError:
        return self._source.error(f"{self._source.name} {what}; what came before can be used")
