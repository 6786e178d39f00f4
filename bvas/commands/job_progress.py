"""How far a job over many videos is, and how long the rest takes."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bvas.values.progress import Progress
from bvas.values.units import duration_text

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 60.0


@dataclass(slots=True)
class _Match:
    unopened: dict[int, int]
    """Bytes of the videos that are not begun yet, by half."""
    left: dict[int, int] = field(default_factory=dict)
    """Frames left of those that are."""


class JobProgress:
    """Counts frames over all matches of a job.

    How many frames a video has is known once it is opened. Those of the videos before it are estimated from
    their bytes. Frames that an earlier try did count neither as done nor as left.
    """

    def __init__(self, sizes: Mapping[str, Mapping[int, int]], bar: Progress | None) -> None:
        """Take the matches that are not finished.

        Args:
            sizes: Bytes of each video by match and half.
            bar: Shows the frames; None where there is no terminal: a log line each minute does then.
        """
        self._matches = {name: _Match(dict(halves)) for name, halves in sizes.items()}
        self._bar = bar
        self._num_matches = len(sizes)
        self._num_failed = 0
        self._unopened_bytes = sum(sum(halves.values()) for halves in sizes.values())
        self._opened_bytes = self._opened_frames = 0
        self._done = self._left = 0
        self._first_report: tuple[float, int] | None = None
        self._said_at = time.monotonic()

    def video(self, name: str, half: int, begun_at: int, done: int, total: int) -> None:
        """Take how far a video is, in grid frames."""
        match = self._matches.get(name)
        if match is None:
            return
        if half not in match.left:
            size = match.unopened.pop(half, 0)
            self._unopened_bytes -= size
            self._opened_bytes += size
            self._opened_frames += total
            match.left[half] = total - begun_at
            self._left += total - begun_at
        step = match.left[half] - (total - done)
        match.left[half] -= step
        self._left -= step
        self._done += step
        if self._first_report is None:
            self._first_report = time.monotonic(), self._done
        self._show()

    def settle(self, name: str, *, failed: bool = False) -> None:
        """Take a match off, whatever became of it."""
        match = self._matches.pop(name, None)
        if match is not None:
            self._unopened_bytes -= sum(match.unopened.values())
            self._left -= sum(match.left.values())
            self._num_failed += failed
        self._show()

    @property
    def num_frames(self) -> int:
        """Frames of the whole job, as far as that is known."""
        per_byte = self._opened_frames / self._opened_bytes if self._opened_bytes else 0.0
        return self._done + self._left + round(self._unopened_bytes * per_byte)

    @property
    def note(self) -> str:
        """What became of the matches."""
        failed = f", {self._num_failed} failed" if self._num_failed else ""
        return f"{self._num_matches - len(self._matches)}/{self._num_matches} matches{failed}"

    def _show(self) -> None:
        if self._bar is not None:
            self._bar(self._done, self.num_frames, self.note)
            return
        now = time.monotonic()
        if self._first_report is None or now - self._said_at < _SECONDS_BETWEEN_LINES:
            return
        began, done_before = self._first_report
        rate = (self._done - done_before) / max(now - began, 1e-6)
        if rate > 0:
            self._said_at = now
            left = duration_text((self.num_frames - self._done) / rate)
            logger.info(
                "%s; %d of about %d frames, %.1f a second, about %s left",
                *(self.note, self._done, self.num_frames, rate, left),
            )
