"""Score rows of a source while it is received."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, islice

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.inference.lag import Lag, LagRule
from bvas.inference.spotter import VideoSpotter
from bvas.inference.video_remarks import LONG_STILL_SECONDS, log_adaptation
from bvas.system.cpu_cores import CoreWatch
from bvas.values.annotations import Gap
from bvas.values.color import FrameForm
from bvas.video.index.frame_grid import GrowingGrid
from bvas.video.live.live_video import Arrived, LiveVideo

logger = logging.getLogger(__name__)

# Where times jump, one picture fills thousands of grid frames: they are copied a few at a time.
_LARGEST_CHUNK = 16


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows of a score curve that are final."""

    scores: NDArray[np.float32]
    """[m, K]; NaN where the clip touches a gap."""
    seconds: NDArray[np.float64]
    """[m] from the first frame."""
    frames: NDArray[np.int64]
    """[m] number of the source's frame, counted over all reconnects, lost frames included."""
    arrived: NDArray[np.float64]
    """[m] when it came, by `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class _GridFrame:
    pixels: NDArray[np.uint8] | None
    form: FrameForm
    seconds: float
    frame: int
    arrived: float
    reason: str


class RowStream:
    """Scores the grid frames of a source as they arrive; a `for` over it gives `ScoredRows`.

    Args:
        video: The source, open.
        spotter: The models.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        lag_rule: Limits of the lag behind a broadcast. None: no frames are skipped, and the broadcast may overrun
            its buffers. Other sources wait for the models.
    """

    def __init__(
        self, video: LiveVideo, spotter: VideoSpotter, *, strict: bool, lag_rule: LagRule | None
    ) -> None:
        self._video = video
        self._strict = strict
        self._predictor = spotter.predictor()
        self._predictor.is_prompt = True
        self._stride = self._predictor.stride
        self._grid = GrowingGrid(spotter.experiment.input.rate, video.time_base)
        self.lag = Lag(lag_rule if video.is_broadcast else None, video.name)
        """Lag of the models behind a broadcast, and the frames that it has cost."""
        # The newest frame: grid frames before the next one may still show it.
        self._last: _GridFrame | None = None
        self._num_frames = 0
        # Number of the frame that was pushed last, to mark repeats.
        self._pushed = -1
        self._has_noted_still = False
        # Of grid frames whose rows are still to come.
        self._pending: deque[tuple[float, int, float]] = deque()
        self._gaps: list[Gap] = []
        self._gap_ends_at = -1
        self.num_grid_frames = 0
        """Grid frames that are certain so far, those of gaps included."""
        log_adaptation(video.name, video.info, spotter.experiment.input)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Gaps so far, in order; the last may still grow."""
        return tuple(self._gaps)

    def __iter__(self) -> Iterator[ScoredRows]:
        """Yield the rows in order, each once, as soon as they are final.

        Raises:
            DecodeError: the source ended early and could not be reopened, after all rows up to there; or `strict` and
                a frame is lost.
        """
        failure = None
        try:
            with CoreWatch() as cores:
                for arrived in self._video.arrivals():
                    yield from self._scored(self._on_grid(arrived))
                    cores.follow()
        except DecodeError as error:
            if self._strict and error.lost is not None:
                raise
            failure = error
        steps = self._grid.finish(self._video.duration_seconds, self._video.info.rate)
        if self._last is not None:
            yield from self._scored(_repeated(self._last, steps))
        yield self._rows(self._predictor.finish())
        if failure is not None:
            raise failure

    def _on_grid(self, arrived: Arrived) -> Iterator[_GridFrame]:
        """Yield the grid frames that are certain with new frames."""
        if self._strict and (arrived.frames is None or arrived.is_missing):
            reason = arrived.gap_before if arrived.is_missing else arrived.reason
            raise DecodeError(reason, path=self._video.info.path, lost=range(self._num_frames))
        now = time.monotonic()
        newest = float(Fraction(arrived.ticks[-1]) * self._video.time_base)
        skipped = self.lag.see(newest, now, num_frames=len(arrived.ticks), is_newest=arrived.is_newest)
        self._predictor.stride = self._stride * self.lag.stride
        for place, ticks in enumerate(arrived.ticks):
            pixels = None if arrived.frames is None or skipped else arrived.frames[place]
            reason = arrived.reason or skipped
            steps = self._grid.add(ticks, after_gap=place == 0 and bool(arrived.gap_before))
            if self._last is not None:
                self._note_still(len(steps.before))
                yield from _repeated(self._last, steps.before)
                yield from _repeated(replace(self._last, pixels=None, reason=arrived.gap_before), steps.lost)
            self._last = _GridFrame(pixels, arrived.form, 0.0, self._num_frames, now, reason)
            self._num_frames += 1
            yield from _repeated(self._last, steps.now)

    def _note_still(self, num_steps: int) -> None:
        """Log once that a frame is shown for long."""
        seconds = num_steps / float(self._grid.rate)
        if seconds < LONG_STILL_SECONDS or self._has_noted_still:
            return
        self._has_noted_still = True
        logger.info(
            "%s: frame %d stays for %.1f s, which is %d rows; such rows see one frame and repeat, here and later",
            self._video.name,
            self._num_frames - 1,
            seconds,
            num_steps,
        )

    def _scored(self, frames: Iterable[_GridFrame]) -> Iterator[ScoredRows]:
        """Push grid frames, and yield the rows that are final with them."""
        for (is_gap, form), run in groupby(frames, lambda frame: (frame.pixels is None, frame.form)):
            while chunk := list(islice(run, _LARGEST_CHUNK)):
                self._pending.extend((frame.seconds, frame.frame, frame.arrived) for frame in chunk)
                if is_gap:
                    scores = self._predictor.push_gap(len(chunk))
                    self._note_gap(chunk)
                else:
                    pictures = np.stack([frame.pixels for frame in chunk if frame.pixels is not None])
                    numbers = np.array([self._pushed, *(frame.frame for frame in chunk)])
                    scores = self._predictor.push(
                        pictures,
                        form,
                        np.diff(numbers) == 0,
                        sample_aspect=self._video.info.sample_aspect,
                    )
                    self._pushed = chunk[-1].frame
                self.num_grid_frames += len(chunk)
                yield self._rows(scores)

    def _rows(self, scores: NDArray[np.float32]) -> ScoredRows:
        facts = [self._pending.popleft() for _ in range(len(scores))]
        seconds, frames, arrived = np.array(facts, np.float64).reshape(-1, 3).T
        return ScoredRows(scores, seconds, frames.astype(np.int64), arrived)

    def _note_gap(self, frames: list[_GridFrame]) -> None:
        if self._gap_ends_at == self.num_grid_frames:
            gap = self._gaps[-1]
            self._gaps[-1] = replace(
                gap, end_seconds=frames[-1].seconds, num_frames=gap.num_frames + len(frames)
            )
        else:
            first = frames[0]
            self._gaps.append(Gap(first.seconds, frames[-1].seconds, len(frames), first.reason))
            logger.warning("%s: gap from %.1f s on: %s", self._video.name, first.seconds, first.reason)
        self._gap_ends_at = self.num_grid_frames + len(frames)


def _repeated(frame: _GridFrame, seconds: Iterable[float]) -> Iterator[_GridFrame]:
    """Yield a frame at each of these times."""
    return (replace(frame, seconds=time) for time in seconds)
