"""`LiveVideo`: frames as they arrive, from a file, a pipe, or a broadcast that may break off and return.

A broadcast is opened again when it stalls or breaks off. All its frames lie on one clock, that of the first connection,
and each is given once. The place of a new connection on that clock follows from its own times, if they are plausible
(reconnect_clock.py); else from the time that passed here meanwhile.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.closing import Closing
from bvas.values.color import FrameForm
from bvas.values.input_format import InputFormat
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions, source_of
from bvas.video.decode.reader_ownership import Ownership
from bvas.video.live.packet_feed import TO_CONTINUE, Patience
from bvas.video.live.reconnect import ReconnectConfig, Reconnecting, open_live_reader
from bvas.video.live.reconnect_clock import SourceClock

logger = logging.getLogger(__name__)

_BATCH_SIZE = 16
# A broadcast whose times jump ahead by more has left frames out.
_MOST_SECONDS_BETWEEN_FRAMES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Frames that arrived together."""

    ticks: list[float]
    """Their times from the first frame of all, ascending."""
    frames: NDArray[np.uint8] | None
    """uint8 [n, H, W], or color planes [n, bytes]; None where they cannot be decoded."""
    form: FrameForm
    """What they mean; another connection of a broadcast may bring another."""
    reason: str = ""
    """Why they cannot be decoded."""
    gap_before: str = ""
    """Why there may be a gap before the first of them; empty for none."""
    is_missing: bool = False
    """Frames before the first of them are missing: the source did not deliver them."""
    is_newest: bool = False
    """The source has no further frame yet."""


@dataclass(slots=True)
class _Opening:
    reason: str
    """Why the source was opened again; empty for the first opening."""
    is_placed: bool = False
    """Its place on our clock is known."""
    has_given: bool = False
    """A frame of it was given."""
    missing: str = ""
    """Why frames are missing before the next one that it gives."""


class LiveVideo(Closing):
    """The frames of one source in order, each once, as soon as they are there.

    Args:
        source: A file as `open_video` takes it, or a running source as `open_stream` does.
        size: Form that frames are brought to, (H, W) for gray ones padded to it; None for gray of the picture's size.
        backend: As `open_video` takes it.
        device: As `open_video` takes it, for finished files.
        growing: The file is still being written.
        idle_seconds: A growing file is complete when it has not grown for so long.
        reconnect: How an address that breaks off is opened again.
        reading: Which stream of it is read, and how.

    Raises:
        DecodeError: it cannot be opened, or is not a video.
    """

    def __init__(
        self,
        source: Path | str,
        *,
        size: tuple[int, int] | InputFormat | None,
        backend: str = "auto",
        device: str = "cpu",
        growing: bool = False,
        idle_seconds: float = 5.0,
        reconnect: ReconnectConfig | None = None,
        reading: ReadOptions = DEFAULT_READING,
    ) -> None:
        form = None if size is None else InputFormat.of(size)
        self._source = source_of(source, growing=growing)
        self._owner = Ownership(self._source.name)
        self._may_return = self._source.kind == "URL"
        config = reconnect or ReconnectConfig()
        patience = Patience(
            idle=idle_seconds, connect=config.connect, stall=config.stall, is_resumed=self._may_return
        )
        opener = partial(open_live_reader, self._source, form, backend, device, patience, reading)
        self._connection = Reconnecting(self._source, opener, config)
        self.info = self._connection.reader.info
        """Facts about the video at its opening."""
        self.size = self._connection.reader.size
        pts, self.time_base = self._connection.reader.times(0, 1)
        self._clock = SourceClock(int(pts[0]), self.time_base)

    @property
    def name(self) -> str:
        """Name of the source in messages."""
        return self._source.name

    @property
    def num_reopened(self) -> int:
        """How often the source was opened again."""
        return self._connection.num_reopened

    @property
    def is_broadcast(self) -> bool:
        """It runs on whether or not the receiver keeps up, and its end is indistinguishable from a break."""
        return self._connection.is_broadcast

    @property
    def duration_seconds(self) -> float:
        """From the first frame to the end of the last, as far as known; an address: of the last that arrived."""
        index = self._connection.reader.index
        if not self._may_return or not self._clock.num_frames:
            return index.duration_seconds
        # The index may hold a damaged time that was refused, or end before the frames of an earlier connection.
        shown = float(index.last_duration * index.time_base)
        if self.is_broadcast:
            shown = min(shown, _MOST_SECONDS_BETWEEN_FRAMES)
        return float(Fraction(self._clock.last) * self.time_base) + shown

    def arrivals(self) -> Iterator[Arrived]:
        """Yield frames as they arrive, up to the end.

        Raises:
            DecodeError: a source that cannot be opened again broke off, or one that can did not come back.
        """
        return self._owner.steps(self._arrivals())

    def _arrivals(self) -> Iterator[Arrived]:
        reason = ""
        while True:
            num_before = self._clock.num_frames
            try:
                yield from self._arrivals_of_opening(_Opening(reason))
                if self._ends_here(num_before):
                    return
                reason = f"{self.name} ended"
            except DecodeError as error:
                if error.lost is not None or not self._may_return:
                    raise
                reason = str(error).removesuffix(TO_CONTINUE)
            self._connection.reopen(reason)

    def close(self) -> None:
        """Close the source.

        Raises:
            RuntimeError: another thread waits for what arrives; it stays open.
        """
        with self._owner.closing():
            self._connection.close()

    def _arrivals_of_opening(self, opening: _Opening) -> Iterator[Arrived]:
        """Yield the frames of the present connection."""
        start = 0
        while True:
            try:
                reader = self._connection.reader
                for index, frames in reader.stream(start, batch_size=_BATCH_SIZE, at_once=True):
                    start = index + len(frames)
                    yield from self._give(opening, index, len(frames), frames, "")
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
        self, opening: _Opening, index: int, count: int, frames: NDArray[np.uint8] | None, reason: str
    ) -> Iterator[Arrived]:
        """Give frames from `index` on, except those that were given before."""
        pts, time_base = self._connection.reader.times(index, index + count)
        if opening.reason and not opening.is_placed:
            # A lost frame has no picture to recognize a repeat by: the first decoded one is placed.
            if frames is None:
                return
            self._place(opening, int(pts[0]), time_base, frames[0])
        ticks = self._clock.ticks(pts, time_base)
        # A new connection may repeat frames: those up to the last one given are dropped.
        first = 0
        while not opening.has_given and first < count and ticks[first] <= self._clock.last:
            first += 1
        if first == count:
            return
        ticks, frames = self._ascending(ticks[first:]), None if frames is None else frames[first:]
        for part in self._without_jumps(ticks):
            gap = "" if opening.has_given else opening.reason
            if opening.has_given and ticks[part.start] - self._clock.last > self._most_ticks_between:
                gap = f"{self.name} left frames out"
            gap, is_missing = opening.missing or gap, bool(opening.missing)
            opening.has_given, opening.missing = True, ""
            pictures = None if frames is None else frames[part]
            self._clock.give(ticks[part], pictures, remember=self._may_return)
            self._connection.note_frame()
            yield Arrived(
                ticks=ticks[part],
                frames=pictures,
                form=self._connection.reader.form,
                reason=reason,
                gap_before=gap,
                is_missing=is_missing,
                is_newest=part.stop == len(ticks) and self._connection.reader.must_wait(),
            )

    def _place(self, opening: _Opening, pts: int, time_base: Fraction, frame: NDArray[np.uint8]) -> None:
        """Find the place of a new connection on the clock."""
        opening.is_placed = True
        seconds = self._clock.reopen(pts, time_base, frame)
        if seconds is not None:
            logger.warning(
                "%s has another clock than before; its times continue %.1f s after the last, the length of the break",
                self.name,
                seconds,
            )

    def _ascending(self, ticks: list[float]) -> list[float]:
        """Return times that ascend from the last one on.

        Raises:
            DecodeError: they go back, or far ahead, and the source can be opened again.
        """
        if self.is_broadcast and self._clock.num_frames and not self._clock.can_be(ticks[-1]):
            # A damaged time would become a gap of days.
            raise self._source.error(f"the clock of {self.name} jumped ahead")
        if all(late > early for early, late in pairwise([self._clock.last, *ticks])):
            return ticks
        if self._may_return:
            raise self._source.error(f"the clock of {self.name} went back")
        # A pipe or file is read once: equal or descending times are moved a tick behind the last.
        later = accumulate(ticks, lambda last, one: max(one, last + 1), initial=self._clock.last)
        return list(later)[1:]

    @property
    def _most_ticks_between(self) -> float:
        seconds = _MOST_SECONDS_BETWEEN_FRAMES if self.is_broadcast else float("inf")
        return seconds / float(self.time_base)

    def _without_jumps(self, ticks: list[float]) -> list[slice]:
        """Return the stretches of frames without gaps of a broadcast inside."""
        if not self.is_broadcast:
            return [slice(0, len(ticks))]
        cuts = [i for i in range(1, len(ticks)) if ticks[i] - ticks[i - 1] > self._most_ticks_between]
        return [slice(start, stop) for start, stop in pairwise([0, *cuts, len(ticks)])]

    def _ends_here(self, num_before: int) -> bool:
        """Return whether a source that ended without an error is over."""
        # A source that was opened again and gave no new frame is over.
        return not self.is_broadcast or (self.num_reopened > 0 and self._clock.num_frames == num_before)
