"""Spots of a source while it is received."""

import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from bvas.errors import DecodeError
from bvas.experiment.peak_config import PeakConfig
from bvas.inference.incremental_peaks import SpotStream
from bvas.inference.lag import DEFAULT_LAG_RULE, LagRule
from bvas.inference.live_rows import RowStream
from bvas.inference.spotter import VideoSpotter
from bvas.system.closing import Closing
from bvas.tasks.peaks import shown
from bvas.values.annotations import Spot
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.live.live_video import LiveVideo
from bvas.video.live.reconnect import ReconnectConfig


@dataclass(frozen=True, slots=True)
class LiveSpot:
    """A spot that no later frame can change."""

    spot: Spot
    latency_frames: int
    """Grid frames that had come behind its own when it was yielded."""
    latency_seconds: float
    """Time from the arrival of its frame until it was yielded."""


class LiveSpots(Closing):
    """The spots of a source, each as soon as it is final, in order of time, then of label: `for spot in ...`.

    They are those that `spot_video` finds in the saved file. A spot is yielded `bound_frames` grid frames behind its
    own. It comes later while a chain of peaks goes on (incremental_peaks.py), or an earlier spot of another label
    is undecided; and up to 15 frames later where frames come in bursts. Where the source has another rate than the
    experiment, a grid frame is known with the first frame behind it.

    >>> with LiveSpots(spotter, "rtsp://camera/1") as spots:  # doctest: +SKIP
    ...     for live in spots:
    ...         print(live.spot, live.latency_seconds)

    Args:
        spotter: The models.
        source: A file, a named pipe, `-` for standard input, or an address.
        candidates: Yield every candidate, from `min_height` up, instead of those from the operating point up.
        backend: Decoder of a finished file.
        growing: The file is still being written.
        idle_seconds: A growing file is complete when it has not grown for so long.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        lag_rule: Limits of the lag behind a broadcast; None skips no frames.
            reconnect: Timings by which an address that breaks off is reopened.
            reading: Stream, rate and tone.

    Raises:
        DecodeError: the source cannot be opened, or is not a video.
    """

    def __init__(
        self,
        spotter: VideoSpotter,
        source: Path | str,
        *,
        candidates: bool = False,
        backend: str = "auto",
        growing: bool = False,
        idle_seconds: float = 5.0,
        strict: bool = False,
        lag_rule: LagRule | None = DEFAULT_LAG_RULE,
        reconnect: ReconnectConfig | None = None,
        reading: ReadOptions = DEFAULT_READING,
    ) -> None:
        peaks = spotter.experiment.peaks
        self._all_candidates = candidates
        self._peaks: PeakConfig = peaks
        # Lower peaks decide about no higher ones, but would prolong chains.
        rules = peaks if candidates else peaks.from_operating_points()
        self._stream = SpotStream(spotter.experiment.task.labels, rules)
        self.bound_frames = spotter.experiment.clip.frames_after + self._stream.delay_rows
        """Grid frames from a spot's own until it is yielded, where no chain goes on."""
        self._video = LiveVideo(
            source,
            size=spotter.experiment.input.form,
            backend=backend,
            device=str(spotter.device),
            growing=growing,
            idle_seconds=idle_seconds,
            reconnect=reconnect,
            reading=reading,
        )
        self.rows = RowStream(self._video, spotter, strict=strict, lag_rule=lag_rule)
        """Source of the rows, with its gaps and its lag."""
        # (seconds, number, arrival) of the rows that a spot may still come from.
        self._open: deque[tuple[float, int, float]] = deque()
        self._num_rows = 0
        self._spots = self._yielded()

    @property
    def name(self) -> str:
        """Name of the source in messages."""
        return self._video.name

    @property
    def num_reopened(self) -> int:
        """Reconnects so far."""
        return self._video.num_reopened

    def __iter__(self) -> Iterator[LiveSpot]:
        return self._spots

    def __next__(self) -> LiveSpot:
        return next(self._spots)

    def close(self) -> None:
        """Close the source."""
        self._spots.close()
        self._video.close()

    def _yielded(self) -> Generator[LiveSpot]:
        try:
            for rows in self.rows:
                for facts in zip(rows.seconds.tolist(), rows.arrived.tolist(), strict=True):
                    self._open.append((facts[0], self._num_rows, facts[1]))
                    self._num_rows += 1
                yield from self._with_latency(self._stream.push(rows.scores, rows.seconds))
        except DecodeError:
            yield from self._with_latency(self._stream.finish())
            raise
        yield from self._with_latency(self._stream.finish())

    def _with_latency(self, spots: list[Spot]) -> Iterator[LiveSpot]:
        newest = self.rows.num_grid_frames - 1
        now = time.monotonic()
        # In the curve's float32 a height a little below the operating point is equal to it.
        for spot in spots if self._all_candidates else shown(spots, self._peaks):
            while self._open[0][0] < spot.seconds:
                self._open.popleft()
            _, row, arrived = self._open[0]
            yield LiveSpot(spot, newest - row, now - arrived)
        while self._open and self._open[0][1] < self._stream.first_open_row:
            self._open.popleft()
