"""Incremental peak finding: spots of a score curve that still grows, each as soon as no later row can change it.

`find_spots` (tasks/peaks.py) finds the same spots in a finished curve: one pass of SciPy, short and fast. This form is
for sources that are still received, and is tested against it.

A row's spot is final after four waits, one behind the other (rows are grid frames):

    smoothing   a row is smoothed once `radius` rows behind it are there: 4 sigma, where the Gaussian is cut off
                (the largest sigma, where labels have their own)
    peak        a row is a peak once the curve has fallen behind it; a flat top counts when it has ended
    distance    a peak is kept or suppressed once all peaks nearer than the smallest distance are known ...
    chain       ... and the higher ones among them are decided, which may depend on still higher ones behind them

Only higher peaks decide about a peak: those below the lowest confidence asked for never prolong a chain. A
peak that nothing higher follows within the smallest distance is decided without a chain, `delay_rows` behind it.
"""

import math
import sys
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.tasks.peaks import check_scores, lowest_height, sigmas_of, smooth_scores, stretches
from bvas.values.annotations import LabelSet, Spot

_GAP = -math.inf
# A row behind all rows.
_NEVER = sys.maxsize


class SpotStream:
    """`find_spots` for rows that come in chunks: the same spots in the same order, whatever the chunks.

    Memory: `2 * radius` rows, the undecided peaks, and the times of the rows from the first of these on. It is
    bounded but for chains (ever higher peaks, each nearer than the smallest distance to the next) and for flat tops,
    which end where the curve falls. A gap does not end a chain.

    After `finish` it is ready for the next curve.
    """

    def __init__(self, labels: LabelSet, config: PeakConfig) -> None:
        """Take the rules.

        Args:
            labels: Names of the columns.
            config: Smoothing and peak rules; a higher `min_height` gives fewer spots, sooner.
        """
        self._labels = labels
        self._rules: list[PeakRule] = [config.rule(label) for label in labels]
        self._sigmas = sigmas_of(config, labels)
        # As `gaussian_filter1d` rounds it; labels that are smoothed less wait for the one that is most.
        self._radius = int(4.0 * max(self._sigmas) + 0.5)
        self._reset()

    @property
    def delay_rows(self) -> int:
        """Rows behind a spot's own after which it is given out, without a chain or a flat top near it.

        A spot waits besides for those of other labels that come before it.
        """
        return self._radius + max(max(rule.min_distance_frames for rule in self._rules) - 1, 1)

    def push(self, rows: NDArray[np.float32], seconds: NDArray[np.float64]) -> list[Spot]:
        """Take the next rows and return the spots that are final with them, in order of time, then of label.

        Args:
            rows: Raw scores [n, K] in [0, 1], n >= 0; a row with a NaN is a gap.
            seconds: Their times [n], ascending over all calls.

        Raises:
            ConfigError: the shapes do not match.
        """
        check_scores(rows, len(seconds), len(self._labels))
        self._seconds.extend(seconds.tolist())
        is_gap: NDArray[np.bool_] = np.asarray(np.isnan(rows).any(axis=1))
        end = 0
        for run in stretches(~is_gap):
            self._add_gap(run.start - end)
            self._add_run(rows[run])
            end = run.stop
        self._add_gap(len(rows) - end)
        return self._decided()

    def finish(self) -> list[Spot]:
        """End the curve, return the remaining spots, and be ready for the next one."""
        self._end_run()
        for column in self._columns:
            column.end()
        spots = self._decided()
        self._reset()
        return spots

    def _reset(self) -> None:
        self._columns = [_Column(rule.min_distance_frames, lowest_height(rule)) for rule in self._rules]
        # Rows of the stretch between gaps that is going on: those not smoothed yet, and `radius` before them.
        self._raw: NDArray[np.float32] = np.empty((0, len(self._labels)), dtype=np.float32)
        self._num_smoothed = 0
        # (row, label id, height) of the peaks that are certain, and wait for those of other labels before them.
        self._ready: list[tuple[int, int, float]] = []
        self._seconds: deque[float] = deque()
        self.first_open_row = 0
        """The first row, counted from 0, that a spot may still be given out for; `_seconds` begins with it."""

    def _add_run(self, rows: NDArray[np.float32]) -> None:
        """Take rows without a gap, and smooth those whose neighborhood is complete."""
        self._raw = np.concatenate([self._raw, rows.astype(np.float32)])
        self._smooth(len(self._raw) - self._radius)
        keep_from = max(self._num_smoothed - self._radius, 0)
        self._raw = self._raw[keep_from:].copy()
        self._num_smoothed -= keep_from

    def _end_run(self) -> None:
        self._smooth(len(self._raw))
        self._raw, self._num_smoothed = self._raw[:0], 0

    def _add_gap(self, num_rows: int) -> None:
        if num_rows:
            self._end_run()
            for column in self._columns:
                column.add([_GAP] * num_rows)

    def _smooth(self, stop: int) -> None:
        """Pass on the rows of `_raw` up to `stop`, smoothed; each equals that of the whole stretch to the bit."""
        if stop <= self._num_smoothed:
            return
        # Both ends are mirrored. That reaches the rows passed on only where the stretch itself begins or ends.
        smooth = smooth_scores(self._raw, self._sigmas)[self._num_smoothed : stop]
        for number, column in enumerate(self._columns):
            column.add(smooth[:, number].astype(np.float64).tolist())
        self._num_smoothed = stop

    def _decided(self) -> list[Spot]:
        for number, column in enumerate(self._columns):
            self._ready += [(peak.row, number, peak.height) for peak in column.decide()]
        self._ready.sort()
        first_open = min((column.first_open, number) for number, column in enumerate(self._columns))
        num_final = bisect_left(self._ready, first_open)
        spots = [
            Spot(self._labels.names[label_id], self._seconds[row - self.first_open_row], min(height, 1.0))
            for row, label_id, height in self._ready[:num_final]
        ]
        del self._ready[:num_final]
        oldest = min([first_open[0], *(row for row, _, _ in self._ready[:1])])
        while self._seconds and self.first_open_row < oldest:
            self._seconds.popleft()
            self.first_open_row += 1
        return spots


@dataclass(slots=True)
class _Peak:
    row: int
    height: float
    is_kept: bool = False


class _Column:
    """The peaks of one label, given its smoothed curve."""

    def __init__(self, distance: int, min_height: float) -> None:
        self._distance = distance
        self._min_height = min_height
        self._num_rows = 0
        self._last = _GAP
        # First row of the top that the curve is on; None while it falls, or stays level after a fall.
        self._rise: int | None = None
        # Undecided peaks, and kept ones that may suppress others; in order of rows.
        self._peaks: list[_Peak] = []
        self._decide_from = 0

    @property
    def first_open(self) -> int:
        """The first row that a spot may still be found for."""
        rows = [peak.row for peak in self._peaks if not peak.is_kept]
        return min([*rows[:1], self._next_peak(above=self._min_height, or_equal=True)])

    def add(self, heights: Sequence[float]) -> None:
        """Take the next rows; minus infinity is a gap."""
        for row, height in enumerate(heights, self._num_rows):
            if height > self._last:
                self._rise = row
            elif height < self._last:
                if self._rise is not None and self._last >= self._min_height:
                    self._peaks.append(_Peak((self._rise + row - 1) // 2, self._last))
                    self._decide_from = 0
                self._rise = None
            self._last = height
        self._num_rows += len(heights)

    def end(self) -> None:
        """End the curve."""
        self.add([_GAP])
        self._num_rows = _NEVER
        self._decide_from = 0

    def decide(self) -> list[_Peak]:
        """Return the peaks that are now certain to be kept, in order of rows; none is before one returned earlier.

        A kept peak suppresses its lower neighbors, so none of them is undecided in front of it.
        """
        if self._num_rows < self._decide_from:
            return []
        kept: list[_Peak] = []
        self._decide_from = _NEVER
        by_height = sorted(self._peaks, key=lambda peak: (-peak.height, peak.row))
        for peak in by_height:
            if peak.is_kept:
                continue
            higher = [other for other in self._near(peak) if _is_higher(other, peak)]
            if any(other.is_kept for other in higher):
                self._peaks.remove(peak)
            elif higher:
                continue
            elif self._next_peak(above=peak.height) >= peak.row + self._distance:
                peak.is_kept = True
                kept.append(peak)
            else:
                self._decide_from = min(self._decide_from, peak.row + self._distance)
        next_peak = self._next_peak(above=self._min_height, or_equal=True)
        self._peaks = [
            peak for peak in self._peaks if not peak.is_kept or peak.row + self._distance > next_peak
        ]
        return sorted(kept, key=_row)

    def _next_peak(self, *, above: float, or_equal: bool = False) -> int:
        """Return the first row on which a peak of more than this height may still be found."""
        if self._rise is not None and (self._last > above or (or_equal and self._last == above)):
            return (self._rise + self._num_rows - 1) // 2
        return self._num_rows

    def _near(self, peak: _Peak) -> list[_Peak]:
        """Return the other peaks nearer than the smallest distance."""
        first = bisect_right(self._peaks, peak.row - self._distance, key=_row)
        stop = bisect_left(self._peaks, peak.row + self._distance, key=_row)
        return [other for other in self._peaks[first:stop] if other is not peak]


def _row(peak: _Peak) -> int:
    return peak.row


def _is_higher(peak: _Peak, other: _Peak) -> bool:
    """Return whether a peak is higher than another; of equal ones the earlier counts as higher."""
    return (peak.height, -peak.row) > (other.height, -other.row)
