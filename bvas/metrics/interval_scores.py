"""Interval scores: all figures about found intervals and the true ones of some videos."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bvas.errors import ConfigError
from bvas.metrics.average_precision import label_ids
from bvas.metrics.temporal_detection import (
    TIOU_THRESHOLDS,
    average_recall,
    interpolated_precision,
    matched_truth,
    ranked,
)
from bvas.values.annotations import Interval, LabelSet
from bvas.values.arrays import Bools, Floats
from bvas.values.plural import count_text

NUM_PROPOSALS = (1, 5, 10, 50, 100)
"""Numbers of proposals for which the recall is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quartiles:
    """Median, and the ends of the middle half, of some errors in seconds."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundaryError:
    """Absolute errors of the starts and ends of matched intervals, in seconds."""

    num_pairs: int
    """Found intervals with a true one at tIoU 0.5, over all labels."""
    start: Quartiles
    end: Quartiles
    both: Quartiles
    """Of starts and ends together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalScores:
    """All figures; scores and shares in [0, 1]."""

    thresholds: tuple[float, ...]
    """[T] of tIoU, 0.5 to 0.95."""
    average_precision: dict[str, tuple[float, ...] | None]
    """At each threshold, by label; None for a label without true intervals."""
    recall: dict[int, float]
    """Average recall, mean over the thresholds, by the number of proposals of a video; regardless of label."""
    operating_point: float
    """Least confidence of the intervals that the figures below count."""
    frame_accuracy: dict[str, float]
    """Share of the videos' time with the right presence, by label."""
    boundary_error: BoundaryError | None
    """None without a pair."""
    rate: float | None = None
    """Frames per second, in which boundary errors are given as well; None: in seconds only."""

    @property
    def mean_average_precision(self) -> tuple[float, ...] | None:
        """Mean over the labels with true intervals at each threshold; None without such a label."""
        scored = [row for row in self.average_precision.values() if row is not None]
        return tuple(np.mean(scored, axis=0).tolist()) if scored else None

    @property
    def mean(self) -> float | None:
        """Mean over the thresholds of `mean_average_precision`."""
        by_threshold = self.mean_average_precision
        return None if by_threshold is None else float(np.mean(by_threshold))

    @property
    def mean_frame_accuracy(self) -> float:
        """Mean over the labels."""
        return float(np.mean(list(self.frame_accuracy.values())))

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data; average precisions by threshold, such as `0.55`."""
        names = [f"{threshold:.2f}" for threshold in self.thresholds]

        def by_threshold(row: tuple[float, ...] | None) -> dict[str, float] | None:
            return None if row is None else dict(zip(names, row, strict=True))

        return {
            "mean_average_precision": self.mean,
            "by_tiou": by_threshold(self.mean_average_precision),
            "labels": {
                label: {"by_tiou": by_threshold(row), "frame_accuracy": self.frame_accuracy[label]}
                for label, row in self.average_precision.items()
            },
            "average_recall_by_proposals": {str(number): value for number, value in self.recall.items()},
            "operating_point": self.operating_point,
            "frame_accuracy": self.mean_frame_accuracy,
            "boundary_error": None if self.boundary_error is None else self._boundaries(self.boundary_error),
        }

    def _boundaries(self, error: BoundaryError) -> dict[str, Any]:
        content: dict[str, Any] = {"num_pairs": error.num_pairs}
        for unit, factor in (("seconds", 1.0), ("frames", self.rate)):
            for name, quartiles in (("start", error.start), ("end", error.end), ("both", error.both)):
                if factor is not None:
                    content[f"{name}_{unit}"] = {
                        key: value * factor for key, value in asdict(quartiles).items()
                    }
        return content


def interval_scores(
    truth: Sequence[Sequence[Interval]],
    found: Sequence[Sequence[Interval]],
    labels: LabelSet,
    durations: Sequence[float],
    *,
    operating_point: float = 0.0,
    rate: float | None = None,
) -> IntervalScores:
    """Return all figures for some videos.

    Average precision and recall take all found intervals, frame accuracy and boundary error those at or above the
    operating point.

    Args:
        truth: True intervals, one sequence per video.
        found: Found intervals, one sequence per video in the same order.
        labels: The labels to score. Intervals of others are ignored; merged names count as the label that they are
            merged into.
        durations: Seconds of each video. What lies outside counts for average precision only.
        operating_point: Least confidence for frame accuracy and boundary error.
        rate: Frames per second in which boundary errors are given as well.

    Raises:
        ConfigError: unequal numbers of videos, a duration that is not positive, an interval without length, or one
            with a number that is NaN or infinite.
    """
    if not len(truth) == len(found) == len(durations):
        raise ConfigError(
            f"true intervals of {count_text(len(truth), 'video')}, found ones of {len(found)} and {len(durations)} "
            "durations; give each for every video"
        )
    if not all(0.0 < seconds < np.inf for seconds in durations):
        raise ConfigError(f"durations must be seconds above 0, got {list(durations)}")
    for intervals in (*truth, *found):
        for one in intervals:
            _check(one)
    ids = label_ids(labels)
    precision: dict[str, tuple[float, ...] | None] = {}
    accuracy: dict[str, float] = {}
    errors = [np.empty((0, 2))]
    for label_id, label in enumerate(labels):

        def chosen(one: Interval, label_id: int = label_id) -> bool:
            return ids.get(one.label) == label_id

        def shown(one: Interval, label_id: int = label_id) -> bool:
            return ids.get(one.label) == label_id and one.confidence >= operating_point

        true_spans, _ = _spans(truth, chosen)
        num_truth = sum(map(len, true_spans))
        taken = matched_truth(true_spans, *_spans(found, chosen))
        precision[label] = (
            tuple(interpolated_precision(taken >= 0, num_truth).tolist()) if num_truth else None
        )
        spans, confidences = _spans(found, shown)
        errors.append(_boundary_errors(true_spans, spans, confidences))
        accuracy[label] = _time_accuracy(true_spans, spans, durations)
    proposals = _spans(truth, known := lambda one: one.label in ids)[0], *_spans(found, known)
    return IntervalScores(
        thresholds=tuple(TIOU_THRESHOLDS.tolist()),
        average_precision=precision,
        recall={number: average_recall(*proposals, number) for number in NUM_PROPOSALS},
        operating_point=operating_point,
        frame_accuracy=accuracy,
        boundary_error=_boundary_error(np.concatenate(errors)),
        rate=rate,
    )


def _check(one: Interval) -> None:
    if not (-np.inf < one.start_seconds < one.end_seconds < np.inf and np.isfinite(one.confidence)):
        raise ConfigError(
            f"an interval must end after its start, and its numbers be finite, got {one}; leave such ones out"
        )


def _spans(
    videos: Sequence[Sequence[Interval]], chosen: Callable[[Interval], bool]
) -> tuple[list[Floats], list[Floats]]:
    """Return starts and ends [N, 2] and confidences [N] of each video."""
    rows = [
        np.array(
            [(one.start_seconds, one.end_seconds, one.confidence) for one in intervals if chosen(one)],
            dtype=np.float64,
        ).reshape(-1, 3)
        for intervals in videos
    ]
    return [row[:, :2] for row in rows], [row[:, 2] for row in rows]


def _boundary_errors(truth: list[Floats], found: list[Floats], confidences: list[Floats]) -> Floats:
    """Return the absolute errors of start and end of each pair at tIoU 0.5, [pairs, 2] seconds."""
    taken = matched_truth(truth, found, confidences)[0]
    spans = np.concatenate([*found, np.empty((0, 2))])[ranked(confidences)]
    others = np.concatenate([*truth, np.empty((0, 2))])[taken[taken >= 0]]
    return np.asarray(np.abs(spans[taken >= 0] - others))


def _boundary_error(errors: Floats) -> BoundaryError | None:
    if not len(errors):
        return None
    start, end, both = (
        Quartiles(lower=lower, median=median, upper=upper)
        for lower, median, upper in (
            np.quantile(part, (0.25, 0.5, 0.75)).tolist() for part in (errors[:, 0], errors[:, 1], errors)
        )
    )
    return BoundaryError(num_pairs=len(errors), start=start, end=end, both=both)


def _time_accuracy(truth: list[Floats], found: list[Floats], durations: Sequence[float]) -> float:
    """Return the share of the time of all videos that lies in both or in neither; 1 without videos."""
    right = 0.0
    for spans, others, duration in zip(truth, found, durations, strict=True):
        # Between two neighbouring boundaries nothing changes.
        edges = np.unique(
            np.clip(np.concatenate([spans.ravel(), others.ravel(), [0, duration]]), 0, duration)
        )
        middles = (edges[1:] + edges[:-1]) / 2
        right += float(np.diff(edges)[_covers(spans, middles) == _covers(others, middles)].sum())
    return right / sum(durations) if len(durations) else 1.0


def _covers(spans: Floats, moments: Floats) -> Bools:
    starts, ends = spans.T[..., None]
    return np.asarray(((starts <= moments) & (moments < ends)).any(axis=0))
