"""A video as it arrives: from a file, a pipe, or a broadcast that may break off and come back.

A broadcast is opened again when it stalls or breaks off. All its frames lie on one clock, that of its first
opening, and none is given twice. Where a new opening stands on that clock its own times tell, if they can be
believed (clock.py); else the time that passed here meanwhile.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.container.sources import source_of
from bvas.video.decode.open_video import open_video
from bvas.video.decode.protocol import FrameDecoder
from bvas.video.decode.reader_ownership import Ownership
from bvas.video.live.packet_feed import GO_ON, PUSHED, Patience
from bvas.video.live.reconnect_clock import SourceClock
from bvas.video.live.stream_reader import StreamReader

logger = logging.getLogger(__name__)

_BATCH_SIZE = 16
# Packets of sources that send whether or not anybody keeps up wait here, for as long as a slow model may need.
_NUM_AHEAD_PUSHED = 1024
# A file on a server that brings nothing new in so many tries is cut off there.
_MOST_TRIES = 5
# A broadcast whose times go on so much later has left something out.
_MOST_SECONDS_BETWEEN_FRAMES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """How a broadcast that stalls or breaks off is opened again, in seconds."""

    connect: float = 20.0
    """Until it is open."""
    stall: float = 15.0
    """Silence after which it counts as broken off."""
    first_wait: float = 0.5
    """Before it is opened again; doubled after each try that brings no new frame."""
    most_wait: float = 10.0
    give_up: float = 300.0
    """Without a new frame; then it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Frames that came together."""

    ticks: list[float]
    """Their times from the first frame of all, ascending."""
    luma: NDArray[np.uint8] | None
    """uint8 [n, H, W]; None where they are not to be had."""
    reason: str = ""
    """Why they are not to be had."""
    was_away: str = ""
    """Why the source was not to be had before the first of them; empty where it was."""
    is_missing: bool = False
    """Frames before the first of them are lost: what the source had there did not come."""
    is_newest: bool = False
    """The source has no further frame yet."""


@dataclass(slots=True)
class _Opening:
    was_away: str
    """Why there was another one before it; empty for the first."""
    is_placed: bool = False
    """On our clock."""
    has_given: bool = False
    """A frame of it was handed out."""
    missing: str = ""
    """Why frames are missing before the next one that it gives."""


class LiveVideo:
    """The frames of one source in order, each once, as soon as they are there.

    Args:
        source: As `open_video` takes it.
        size: (H, W) that each frame is fitted into; None for the picture's own size.
        backend: As `open_video` takes it.
        device: As `open_video` takes it, for finished files.
        growing: The file is still being written.
        idle_seconds: A growing file is complete when it has not grown for so long.
        reopening: For addresses.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: it cannot be opened, or is no video.
    """

    def __init__(
        self,
        source: Path | str,
        *,
        size: tuple[int, int] | None,
        backend: str = "auto",
        device: str = "cpu",
        growing: bool = False,
        idle_seconds: float = 5.0,
        reopening: Reopening | None = None,
        reading: ReadOptions = DEFAULT_READING,
    ) -> None:
        self._source = source_of(source, growing=growing)
        self._owner = Ownership(self._source.name)
        self._reopening = reopening or Reopening()
        self._size = size
        self._reading = replace(reading, fit=size)
        self._open_other: Callable[[], FrameDecoder] = lambda: open_video(
            source,
            backend,
            size=size,
            device=device,
            growing=growing,
            idle_seconds=idle_seconds,
            stream=reading.stream,
            rate=reading.rate,
            tone=reading.tone,
        )
        self._reader = self._open()
        self.info = self._reader.info
        """What is known of the video when it is opened."""
        self.size = self._reader.size
        pts, self.time_base = self._times(0, 1)
        self._clock = SourceClock(int(pts[0]), self.time_base)
        self.num_reopened = 0
        """How often the source was opened again."""
        self._new_at = time.monotonic()
        self._wait = self._reopening.first_wait
        self._num_tries = 0
        self._identity = self._reader.identity if isinstance(self._reader, StreamReader) else None
        self._is_whole_list = (
            isinstance(self._reader, StreamReader)
            and self._reader.container == "hls"
            and self._reader.has_end
        )

    @property
    def name(self) -> str:
        """What messages call the source."""
        return self._source.name

    @property
    def is_broadcast(self) -> bool:
        """It goes on whether or not anybody keeps up, and its end cannot be told from a break."""
        if self._source.kind != "URL" or not isinstance(self._reader, StreamReader):
            return False
        is_playlist = self._reader.container == "hls" and not self._reader.has_end
        return is_playlist or urlsplit(self._source.location).scheme.lower() in PUSHED

    @property
    def duration_seconds(self) -> float:
        """From the first frame to the end of the last, as far as known; an address: of the last that arrived."""
        index = self._reader.index
        if self._source.kind != "URL" or not self._clock.num_frames:
            return index.duration_seconds
        # The index may hold a damaged time that was refused, or end before what an earlier opening gave.
        shown = float(index.last_duration * index.time_base)
        if self.is_broadcast:
            shown = min(shown, _MOST_SECONDS_BETWEEN_FRAMES)
        return float(Fraction(self._clock.last) * self.time_base) + shown

    def arrivals(self) -> Iterator[Arrived]:
        """Yield what arrives, up to the end.

        Raises:
            DecodeError: a source that cannot be opened again broke off, or one that can did not come back.
        """
        return self._owner.steps(self._arrivals())

    def _arrivals(self) -> Iterator[Arrived]:
        was_away = ""
        while True:
            num_before = self._clock.num_frames
            try:
                yield from self._arrivals_of_reader(was_away)
                if self._ends_here(num_before):
                    return
                reason = f"{self.name} ended"
            except DecodeError as error:
                if error.lost is not None or self._source.kind != "URL":
                    raise
                reason = str(error).removesuffix(GO_ON)
            was_away = reason
            self._reopen(reason)

    def close(self) -> None:
        """Close the source.

        Raises:
            RuntimeError: another thread waits for what arrives; it stays open.
        """
        with self._owner.closing():
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> FrameDecoder:
        if self._source.kind != "URL":
            return self._open_other()
        is_pushed = urlsplit(self._source.location).scheme.lower() in PUSHED
        patience = Patience(connect=self._reopening.connect, stall=self._reopening.stall, is_resumed=True)
        if is_pushed:
            patience = replace(patience, num_ahead=_NUM_AHEAD_PUSHED)
        return StreamReader(
            self._source, size=self._size, on_damage="deliver", patience=patience, reading=self._reading
        )

    def _arrivals_of_reader(self, was_away: str) -> Iterator[Arrived]:
        """Yield what the present opening gives; `was_away` tells why there was another one before it."""
        opening = _Opening(was_away)
        start = 0
        while True:
            try:
                for index, luma in self._batches(start):
                    start = index + len(luma)
                    yield from self._give(opening, index, len(luma), luma, "")
            except DecodeError as error:
                if error.lost is None:
                    raise
                lost = range(max(error.lost.start, start), error.lost.stop)
                start = max(error.lost.stop, start)
                if not lost:
                    opening.missing = str(error)
                else:
                    yield from self._give(opening, lost.start, len(lost), None, str(error))
            else:
                return

    def _give(
        self, opening: _Opening, index: int, count: int, luma: NDArray[np.uint8] | None, reason: str
    ) -> Iterator[Arrived]:
        """Hand out frames from `index` on, but for those that were given before."""
        pts, time_base = self._times(index, index + count)
        if opening.was_away and not opening.is_placed:
            if luma is None:
                return
            self._place(opening, int(pts[0]), time_base, luma[0])
        ticks = self._clock.ticks(pts, time_base)
        first = 0
        while not opening.has_given and first < count and ticks[first] <= self._clock.last:
            first += 1
        if first == count:
            return
        ticks, luma = self._ascending(ticks[first:]), None if luma is None else luma[first:]
        for part in self._without_jumps(ticks):
            was_away = "" if opening.has_given else opening.was_away
            if opening.has_given and ticks[part.start] - self._clock.last > self._most_ticks_between:
                was_away = f"{self.name} left something out"
            was_away, is_missing = opening.missing or was_away, bool(opening.missing)
            opening.has_given, opening.missing = True, ""
            pictures = None if luma is None else luma[part]
            self._clock.give(ticks[part], pictures, remember=self._source.kind == "URL")
            self._new_at = time.monotonic()
            self._wait, self._num_tries = self._reopening.first_wait, 0
            yield Arrived(
                ticks=ticks[part],
                luma=pictures,
                reason=reason,
                was_away=was_away,
                is_missing=is_missing,
                is_newest=part.stop == len(ticks) and self._must_wait(),
            )

    def _place(self, opening: _Opening, pts: int, time_base: Fraction, luma: NDArray[np.uint8]) -> None:
        """Find out where a new opening stands on the clock."""
        opening.is_placed = True
        seconds = self._clock.reopen(pts, time_base, luma)
        if seconds is not None:
            logger.warning(
                "%s has another clock than before; its times go on %.1f s after the last, as long as it was away",
                self.name,
                seconds,
            )

    def _ascending(self, ticks: list[float]) -> list[float]:
        """Return times that ascend from the last one on.

        Raises:
            DecodeError: they go back, or far ahead, and the source can be opened again.
        """
        if self.is_broadcast and self._clock.num_frames and not self._clock.can_be(ticks[-1]):
            # A damaged time would be days of nothing.
            raise DecodeError(f"the clock of {self.name} jumped ahead", path=self._source.path)
        before = [self._clock.last, *ticks[:-1]]
        if all(late > early for early, late in zip(before, ticks, strict=True)):
            return ticks
        if self._source.kind == "URL":
            raise DecodeError(f"the clock of {self.name} went back", path=self._source.path)
        ascending = []
        last = self._clock.last
        for one in ticks:
            last = max(one, last + 1)
            ascending.append(last)
        return ascending

    @property
    def _most_ticks_between(self) -> float:
        seconds = _MOST_SECONDS_BETWEEN_FRAMES if self.is_broadcast else float("inf")
        return seconds / float(self.time_base)

    def _without_jumps(self, ticks: list[float]) -> list[slice]:
        """Return the stretches of frames between which a broadcast left nothing out."""
        if not self.is_broadcast:
            return [slice(0, len(ticks))]
        cuts = [i for i in range(1, len(ticks)) if ticks[i] - ticks[i - 1] > self._most_ticks_between]
        return [slice(start, stop) for start, stop in pairwise([0, *cuts, len(ticks)])]

    def _batches(self, start: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        if isinstance(self._reader, StreamReader):
            return self._reader.stream(start, batch_size=_BATCH_SIZE, at_once=True)
        return self._reader.stream(start, batch_size=_BATCH_SIZE)

    def _times(self, start: int, stop: int) -> tuple[NDArray[np.int64], Fraction]:
        if isinstance(self._reader, StreamReader):
            return self._reader.times(start, stop)
        return self._reader.index.pts[start:stop], self._reader.index.time_base

    def _must_wait(self) -> bool:
        return isinstance(self._reader, StreamReader) and self._reader.must_wait()

    def _ends_here(self, num_before: int) -> bool:
        """Return whether a source that ended without an error is over."""
        # One that was opened again and had nothing new is over whatever it is.
        return not self.is_broadcast or (self.num_reopened > 0 and self._clock.num_frames == num_before)

    def _reopen(self, reason: str) -> None:
        logger.warning("%s; opening it again", reason)
        self._reader.close()
        while True:
            if time.monotonic() + self._wait > self._new_at + self._reopening.give_up:
                raise DecodeError(
                    f"{self.name} did not come back within {self._reopening.give_up:g} s ({reason}); "
                    "what came before can be used",
                    path=self._source.path,
                )
            if self._is_cut_off:
                raise DecodeError(
                    f"{self.name} brings nothing new in {_MOST_TRIES} tries ({reason}); what came before can be used",
                    path=self._source.path,
                )
            self._num_tries += 1
            time.sleep(self._wait)
            self._wait = min(2 * self._wait, self._reopening.most_wait)
            try:
                self._reader = self._open()
            except DecodeError as error:
                reason = str(error)
                continue
            self.num_reopened += 1
            self._check_identity()
            return

    @property
    def _is_cut_off(self) -> bool:
        is_file = self._identity is not None and self._identity[1] is not None
        return (is_file or self._is_whole_list) and self._num_tries >= _MOST_TRIES

    def _check_identity(self) -> None:
        """Refuse to resume with another file.

        Raises:
            DecodeError: the server has another one under this name now.
        """
        found = self._reader.identity if isinstance(self._reader, StreamReader) else None
        # A server that names no version may be a camera, which starts again with another clock.
        before, now = (None if it is None else it[0] for it in (self._identity, found))
        if before is not None and now is not None and before != now:
            raise DecodeError(
                f"{self.name} is another file now than the one that was begun; what came before can be used",
                path=self._source.path,
            )
