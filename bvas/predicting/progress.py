"""Progress of a prediction in frames, over all of its videos."""

import logging
import time
from collections.abc import Callable, Mapping

from bvas.values.progress import Progress
from bvas.values.units import duration_text

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 60.0


class FrameCount:
    """Counts the frames of all matches.

    The number of frames of a video is known once it is opened; before, it is estimated from the file's size.
    Frames of an earlier run count neither as done nor as left.
    """

    def __init__(
        self,
        sizes: Mapping[str, Mapping[int, int]],
        progress: Progress | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the matches that are not finished.

        Args:
            sizes: Bytes of each video by match and half.
            progress: Receives the frames; None logs a line each minute instead.
            clock: Seconds, for the log lines.
        """
        self._unopened = {name: dict(halves) for name, halves in sizes.items()}
        """Bytes of each video that is not opened yet."""
        self._left: dict[str, int] = dict.fromkeys(sizes, 0)
        """Frames left of the opened videos, by match that has not ended."""
        self._progress = progress
        self._clock = clock
        self._num_failed = self._opened_bytes = self._opened_frames = self._done = 0
        self._began: tuple[float, int] | None = None
        self._logged_at = clock()

    def open(self, name: str, half: int, *, num_frames: int, num_left: int) -> None:
        """Take the number of frames of a video, and of those that have no rows yet."""
        self._opened_bytes += self._unopened[name].pop(half, 0)
        self._opened_frames += num_frames
        self._left[name] += num_left

    def add(self, name: str, num_frames: int) -> None:
        """Count more frames of a match as done; fewer, where a killed worker has lost some."""
        self._left[name] -= num_frames
        self._done += num_frames
        self._began = self._began or (self._clock(), self._done)
        self._report()

    def close(self, name: str) -> None:
        """Take no frames of a match as left, until its videos are opened again."""
        self._left[name] = 0

    def end(self, name: str, *, is_failed: bool = False) -> None:
        """Remove a match, finished or failed."""
        self._unopened[name] = {}
        del self._left[name]
        self._num_failed += is_failed
        self._report()

    @property
    def num_frames(self) -> int:
        """Frames of all matches, as far as known."""
        per_byte = self._opened_frames / self._opened_bytes if self._opened_bytes else 0.0
        unopened = sum(sum(halves.values()) for halves in self._unopened.values())
        return self._done + sum(self._left.values()) + round(unopened * per_byte)

    def _report(self) -> None:
        num_matches, total = len(self._unopened), self.num_frames
        failed = f", {self._num_failed} failed" if self._num_failed else ""
        note = f"{num_matches - len(self._left)}/{num_matches} matches{failed}"
        if self._progress is not None:
            self._progress(self._done, total, note)
            return
        now = self._clock()
        if self._began is None or now - self._logged_at < _SECONDS_BETWEEN_LINES:
            return
        rate = (self._done - self._began[1]) / max(now - self._began[0], 1e-6)
        if rate > 0:
            self._logged_at = now
            left = duration_text((total - self._done) / rate)
            logger.info(
                "%s; %d of about %d frames, %.1f a second, about %s left", note, self._done, total, rate, left
            )
