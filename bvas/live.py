"""Score rows and spots of a source while it runs."""

import logging
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.experiment import InputConfig
from bvas.lag import DEFAULT_LAG_RULE, Lag, LagRule
from bvas.postprocess import PeakConfig, above
from bvas.spot_stream import SpotStream
from bvas.spots import Gap, Spot
from bvas.video.adapting import adaptation
from bvas.video.growing_grid import GrowingGrid
from bvas.video.live import Arrived, LiveVideo, Reopening
from bvas.video.protocol import VideoInfo

if TYPE_CHECKING:
    from bvas.spotter import Spotter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows of a score curve that are final."""

    scores: NDArray[np.float32]
    """[m, K]; NaN where the clip touches frames that are lost."""
    seconds: NDArray[np.float64]
    """[m] from the first frame."""
    frames: NDArray[np.int64]
    """[m] number of the source's frame, counted over all openings, lost ones included."""
    arrived: NDArray[np.float64]
    """[m] when it came, by `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class _GridFrame:
    luma: NDArray[np.uint8] | None
    seconds: float
    frame: int
    arrived: float
    reason: str


def note_adaptation(name: str, info: VideoInfo, settings: InputConfig) -> None:
    """Say how a video is brought to what the models were trained on, if it is not so already."""
    text = adaptation(info, settings.size, settings.rate)
    if text:
        logger.info("%s: %s", name, text)


class RowStream:
    """Scores the grid frames of a source as they arrive; a `for` over it gives `ScoredRows`.

    Args:
        video: The source, open.
        spotter: The models.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        lag_rule: What is done where the models are slower than a broadcast; None: nothing, so that it may
            overrun its buffers. Other sources wait.
    """

    def __init__(
        self, video: LiveVideo, spotter: "Spotter", *, strict: bool = False, lag_rule: LagRule | None = None
    ) -> None:
        self._video = video
        self._strict = strict
        self._labels = spotter.experiment.task.labels
        self._predictor = spotter.predictor()
        self._grid = GrowingGrid(spotter.experiment.input.rate, video.time_base)
        self._lag = Lag(lag_rule if video.is_broadcast else None, video.name)
        # The last frame: grid frames before the next one may still show it.
        self._last: _GridFrame | None = None
        self._num_frames = 0
        # Of grid frames whose rows are still to come.
        self._pending: deque[tuple[float, int, float]] = deque()
        self._gaps: list[Gap] = []
        self._gap_ends_at = -1
        self.num_grid_frames = 0
        """Grid frames that are certain so far, those that are lost included."""
        note_adaptation(video.name, video.info, spotter.experiment.input)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Stretches that could not be had, in order; the last may still grow."""
        return tuple(self._gaps)

    @property
    def lag(self) -> Lag:
        """How far the models are behind a broadcast, and what that has cost."""
        return self._lag

    def __iter__(self) -> Iterator[ScoredRows]:
        """Yield the rows in order, each once, as soon as they are final.

        Raises:
            DecodeError: the source broke off for good, after all rows up to there; or `strict` and a frame is lost.
        """
        failure = None
        try:
            for arrived in self._video.arrivals():
                yield self._rows(self._score(self._on_grid(arrived)))
        except DecodeError as error:
            if self._strict and error.lost is not None:
                raise
            failure = error
        steps = self._grid.finish(self._video.duration_seconds, self._video.info.rate)
        rest = [] if self._last is None else [replace(self._last, seconds=second) for second in steps]
        yield self._rows(np.concatenate([self._score(rest), self._predictor.finish()]))
        if failure is not None:
            raise failure

    def _on_grid(self, arrived: Arrived) -> list[_GridFrame]:
        """Return the grid frames that are certain with new frames."""
        if arrived.luma is None and self._strict:
            raise DecodeError(arrived.reason, path=self._video.info.path, lost=range(self._num_frames))
        now = time.monotonic()
        shown: list[_GridFrame] = []
        newest = float(Fraction(arrived.ticks[-1]) * self._video.time_base)
        skipped = self._lag.see(newest, now, num_frames=len(arrived.ticks), is_newest=arrived.is_newest)
        self._predictor.stride = self._lag.stride
        for place, ticks in enumerate(arrived.ticks):
            luma = None if arrived.luma is None or skipped else arrived.luma[place]
            reason = arrived.reason or skipped
            steps = self._grid.add(ticks, was_away=place == 0 and bool(arrived.was_away))
            if self._last is not None:
                shown += [replace(self._last, seconds=second) for second in steps.before]
                away = replace(self._last, luma=None, reason=arrived.was_away)
                shown += [replace(away, seconds=second) for second in steps.lost]
            self._last = _GridFrame(luma, 0.0, self._num_frames, now, reason)
            self._num_frames += 1
            shown += [replace(self._last, seconds=second) for second in steps.now]
        return shown

    def _score(self, shown: list[_GridFrame]) -> NDArray[np.float32]:
        """Push grid frames, and return the rows that are final with them."""
        rows = [np.empty((0, len(self._labels)), np.float32)]
        pictures: list[NDArray[np.uint8]] = []
        color_range = self._video.info.color_range
        for one in shown:
            self._pending.append((one.seconds, one.frame, one.arrived))
            if one.luma is not None:
                pictures.append(one.luma)
            else:
                if pictures:
                    rows.append(self._predictor.push(np.stack(pictures), color_range))
                    pictures = []
                rows.append(self._predictor.break_here(1))
                self._note_lost(one)
            self.num_grid_frames += 1
        if pictures:
            rows.append(self._predictor.push(np.stack(pictures), color_range))
        return np.concatenate(rows)

    def _rows(self, scores: NDArray[np.float32]) -> ScoredRows:
        facts = [self._pending.popleft() for _ in range(len(scores))]
        return ScoredRows(
            scores,
            np.array([seconds for seconds, _, _ in facts], np.float64),
            np.array([frame for _, frame, _ in facts], np.int64),
            np.array([at for _, _, at in facts], np.float64),
        )

    def _note_lost(self, one: _GridFrame) -> None:
        if self._gap_ends_at == self.num_grid_frames:
            gap = self._gaps[-1]
            self._gaps[-1] = replace(gap, end_seconds=one.seconds, num_frames=gap.num_frames + 1)
        else:
            self._gaps.append(Gap(one.seconds, one.seconds, 1, one.reason))
            logger.warning("%s: nothing from %.1f s on: %s", self._video.name, one.seconds, one.reason)
        self._gap_ends_at = self.num_grid_frames + 1


@dataclass(frozen=True, slots=True)
class LiveSpot:
    """A spot that no later frame can change."""

    spot: Spot
    latency_frames: int
    """Grid frames behind its own that had come when it was given out."""
    latency_seconds: float
    """Time from when its frame came to when it was given out."""


class LiveSpots:
    """The spots of a source, each as soon as it is final, in order of time, then of label: `for spot in ...`.

    They are those that `spot_video` finds in the saved file. A spot is given out `bound_frames` grid frames
    behind its own, unless a chain of peaks runs on (spot_stream.py), a spot of another label before it is open,
    or frames came together: up to 15 more. Where the source has another rate than the experiment, a grid frame is
    known with the first frame behind it.

    Args:
        spotter: The models.
        source: A file, a named pipe, `-` for standard input, or an address.
        candidates: Give every candidate, from `min_height` up, instead of those from the operating point up.
        backend: Decoder of a finished file.
        growing: The file is still being written.
        idle_seconds: A growing file is complete when it has not grown for so long.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        lag_rule: What is done where the models are slower than a broadcast; None: nothing.
        reopening: How an address that breaks off is opened again.

    Raises:
        DecodeError: the source cannot be opened, or is no video.
    """

    def __init__(
        self,
        spotter: "Spotter",
        source: Path | str,
        *,
        candidates: bool = False,
        backend: str = "auto",
        growing: bool = False,
        idle_seconds: float = 5.0,
        strict: bool = False,
        lag_rule: LagRule | None = DEFAULT_LAG_RULE,
        reopening: Reopening | None = None,
    ) -> None:
        peaks = spotter.experiment.peaks
        self._takes_all = candidates
        self._lowest = peaks.min_height if candidates else peaks.operating_point
        # What lies below decides about nothing above it, but would prolong chains.
        config: PeakConfig = replace(peaks, min_height=self._lowest)
        self._stream = SpotStream(spotter.experiment.task.labels, config)
        self.bound_frames = spotter.experiment.clip.frames_after + self._stream.delay_rows
        """Grid frames behind a spot's own after which it is given out where no chain runs on."""
        self._video = LiveVideo(
            source,
            size=spotter.experiment.input.size,
            backend=backend,
            device=str(spotter.device),
            growing=growing,
            idle_seconds=idle_seconds,
            reopening=reopening,
        )
        self.rows = RowStream(self._video, spotter, strict=strict, lag_rule=lag_rule)
        """Where the rows come from: gaps, lag."""
        # (seconds, number, arrival) of the rows that a spot may still come from.
        self._open: deque[tuple[float, int, float]] = deque()
        self._num_rows = 0
        self._spots = self._given()

    @property
    def name(self) -> str:
        """What messages call the source."""
        return self._video.name

    @property
    def num_reopened(self) -> int:
        """How often the source was opened again."""
        return self._video.num_reopened

    def __iter__(self) -> Iterator[LiveSpot]:
        return self._spots

    def __next__(self) -> LiveSpot:
        return next(self._spots)

    def close(self) -> None:
        """Let go of the source."""
        self._spots.close()
        self._video.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _given(self) -> Generator[LiveSpot]:
        failure = None
        try:
            for rows in self.rows:
                for facts in zip(rows.seconds.tolist(), rows.arrived.tolist(), strict=True):
                    self._open.append((facts[0], self._num_rows, facts[1]))
                    self._num_rows += 1
                yield from self._with_latency(self._stream.push(rows.scores, rows.seconds))
        except DecodeError as error:
            failure = error
        yield from self._with_latency(self._stream.finish())
        if failure is not None:
            raise failure

    def _with_latency(self, spots: list[Spot]) -> Iterator[LiveSpot]:
        newest = self.rows.num_grid_frames - 1
        now = time.monotonic()
        # In the curve's float32 a height a little below the lowest is equal to it.
        for spot in spots if self._takes_all else above(spots, self._lowest):
            while self._open[0][0] < spot.seconds:
                self._open.popleft()
            _, row, arrived = self._open[0]
            yield LiveSpot(spot, newest - row, now - arrived)
        while self._open and self._open[0][1] < self._stream.first_open_row:
            self._open.popleft()
