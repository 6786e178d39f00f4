"""The official SoccerNet spotting scores, to the last digit, from sorted arrays.

Equal to the `SoccerNet` package (0.2.0, `Evaluation/ActionSpotting.py`, read and run), whose rules are:

- A time becomes the frame `int(rate * seconds)`, rounded down. That is a product of floats: at
  25 frames per second 1.16 s gives 28. Times in files must allow for it, and ours do.
- A (frame, label) of a video holds one event: a later one in the file overwrites it. Frames from
  120 minutes on become the last one.
- A `delta` is a *full* width in seconds: a spot answers within `delta / 2`.
- `at1` ... `at5` are one delta of 1 ... 5 s; `tight` is the mean over deltas of 1 ... 5 s by the
  trapezoid rule, `loose` over 5, 10 ... 60 s.
- The visible figures take the spots whose nearest annotation is visible, the unshown ones those
  whose nearest is not; in a video without annotations of the label all count as unshown. The mean
  of the unshown figures carries a factor 17/13 in `tight` and `loose`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.metrics.average_precision import check_videos, interpolated_average_precision, label_ids
from bvas.metrics.matching import match_times
from bvas.spots import Annotation, LabelSet, Spot

OfficialMetric = Literal["at1", "at2", "at3", "at4", "at5", "tight", "loose"]

MAX_SECONDS = 120 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class OfficialScores:
    """Average precisions in [0, 1]: means over the labels, and figures of each label in their order."""

    mean: float
    per_label: dict[str, float]
    visible_mean: float
    visible_per_label: dict[str, float]
    unshown_mean: float
    unshown_per_label: dict[str, float]


def official_scores(
    annotations: Sequence[Sequence[Annotation]],
    spots: Sequence[Sequence[Spot]],
    labels: LabelSet,
    *,
    metric: OfficialMetric = "at1",
    rate: float = 25.0,
) -> OfficialScores:
    """Return what the official package computes for these files.

    Args:
        annotations: One sequence per video (a half, where halves are files of their own), in the
            order of the file.
        spots: One sequence per video, in the order of the file; all candidates.
        labels: The labels to score; events of others are left out.
        metric: Which tolerances.
        rate: Frames per second that times are rounded down to.

    Raises:
        ConfigError: unequal numbers of videos, an unknown metric, or a rate that is not positive.
    """
    check_videos(annotations, spots)
    if not rate > 0:
        raise ConfigError(f"rate must be positive, got {rate}")
    deltas = full_widths_seconds(metric)
    events = _label_events(annotations, spots, labels, rate)
    kinds = np.empty((3, len(deltas), len(labels)))  # all, visible, unshown
    for d, delta in enumerate(deltas):
        for k, label_events in enumerate(events):
            kinds[:, d, k] = _average_precisions(label_events, tolerance_of(delta) * rate)
    per_label = [_over_deltas(kind) for kind in kinds]
    means = [float(_over_deltas(kind.mean(axis=1))) for kind in kinds]
    names = [dict(zip(labels, values.tolist(), strict=True)) for values in per_label]
    return OfficialScores(
        mean=means[0],
        per_label=names[0],
        visible_mean=means[1],
        visible_per_label=names[1],
        unshown_mean=means[2] * 17 / 13 if len(deltas) > 1 else means[2],
        unshown_per_label=names[2],
    )


def full_widths_seconds(metric: OfficialMetric) -> tuple[int, ...]:
    """Return the deltas of a metric: full widths, in seconds.

    Raises:
        ConfigError: an unknown metric.
    """
    if metric not in get_args(OfficialMetric):
        raise ConfigError(f"unknown metric {metric!r}; known are {', '.join(get_args(OfficialMetric))}")
    if metric == "tight":
        return tuple(range(1, 6))
    if metric == "loose":
        return tuple(range(5, 61, 5))
    return (int(metric.removeprefix("at")),)


def tolerance_of(delta_seconds: float) -> float:
    """Return the tolerance (a half-width) that SoccerNet's delta (a full width) stands for.

    >>> tolerance_of(1)
    0.5
    """
    return delta_seconds / 2


def _over_deltas(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over the first axis: one delta as it is, several by the trapezoid rule."""
    if len(values) == 1:
        return np.asarray(values[0])
    return np.asarray(((values[:-1] + values[1:]) / 2).sum(axis=0) / (len(values) - 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _LabelEvents:
    """Events of one label, of one video or of all laid end to end."""

    annotation_frames: NDArray[np.int64]
    """[M], ascending."""
    num_visible: int
    spot_frames: NDArray[np.int64]
    """[P], ascending."""
    confidences: NDArray[np.float64]
    near_visible: NDArray[np.bool_]
    """[P], whether the nearest annotation of the spot's video is visible."""


def _label_events(
    annotations: Sequence[Sequence[Annotation]],
    spots: Sequence[Sequence[Spot]],
    labels: LabelSet,
    rate: float,
) -> list[_LabelEvents]:
    """Return the events of each label, all videos laid end to end."""
    ids = label_ids(labels)
    last = int(MAX_SECONDS * rate) - 1
    parts: list[list[_LabelEvents]] = [[] for _ in labels]
    for video_annotations, video_spots in zip(annotations, spots, strict=True):
        truth = _last_of_each_frame(
            ((ids.get(a.label), a.seconds, 1.0 if a.visible else -1.0) for a in video_annotations), rate, last
        )
        found = _last_of_each_frame(
            ((ids.get(s.label), s.seconds, s.confidence) for s in video_spots), rate, last
        )
        for label_id, label_parts in enumerate(parts):
            frames, visibility = truth.get(label_id, _NO_EVENTS)
            spot_frames, confidences = found.get(label_id, _NO_EVENTS)
            label_parts.append(
                _LabelEvents(
                    annotation_frames=frames,
                    num_visible=int((visibility > 0).sum()),
                    spot_frames=spot_frames,
                    confidences=confidences,
                    near_visible=_nearest_values(frames, visibility, spot_frames) > 0,
                )
            )
    # Twice the length of a video apart, so that no tolerance reaches from one into the next.
    return [_end_to_end(label_parts, 2 * (last + 1)) for label_parts in parts]


def _end_to_end(parts: Sequence[_LabelEvents], distance: int) -> _LabelEvents:
    nothing, no_values = _NO_EVENTS
    return _LabelEvents(
        annotation_frames=np.concatenate(
            [nothing, *(part.annotation_frames + i * distance for i, part in enumerate(parts))]
        ),
        num_visible=sum(part.num_visible for part in parts),
        spot_frames=np.concatenate(
            [nothing, *(part.spot_frames + i * distance for i, part in enumerate(parts))]
        ),
        confidences=np.concatenate([no_values, *(part.confidences for part in parts)]),
        near_visible=np.concatenate([no_values > 0, *(part.near_visible for part in parts)]),
    )


_NO_EVENTS: tuple[NDArray[np.int64], NDArray[np.float64]] = (np.zeros(0, np.int64), np.zeros(0))


def _last_of_each_frame(
    events: Iterable[tuple[int | None, float, float]], rate: float, last: int
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return per label id the frames, ascending, and the value that each frame holds at the end."""
    held: dict[int, dict[int, float]] = {}
    for label_id, seconds, value in events:
        if label_id is not None:
            held.setdefault(label_id, {})[min(int(rate * seconds), last)] = value
    arrays = {}
    for label_id, values in held.items():
        frames = np.fromiter(values.keys(), np.int64, len(values))
        order = np.argsort(frames)
        arrays[label_id] = frames[order], np.fromiter(values.values(), np.float64, len(values))[order]
    return arrays


def _nearest_values(
    frames: NDArray[np.int64], values: NDArray[np.float64], at: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return at each frame of `at` the value of the nearest of `frames`; -1 if there are none.

    The midpoint of two, rounded down, belongs to the later.
    """
    if not len(frames):
        return np.full(len(at), -1.0)
    return values[np.searchsorted((frames[:-1] + frames[1:]) // 2, at, side="right")]


def _average_precisions(events: _LabelEvents, tolerance_frames: float) -> tuple[float, float, float]:
    """Return the average precision of all, of the visible and of the unshown."""
    matched = match_times(
        events.annotation_frames.astype(np.float64),
        events.spot_frames.astype(np.float64),
        events.confidences,
        tolerance_frames,
    )
    is_hit = np.zeros(len(events.spot_frames), dtype=np.bool_)
    is_hit[matched[matched >= 0]] = True
    visible = events.near_visible
    num_annotations = len(events.annotation_frames)
    return (
        interpolated_average_precision(events.confidences, is_hit, num_annotations),
        interpolated_average_precision(events.confidences[visible], is_hit[visible], events.num_visible),
        interpolated_average_precision(
            events.confidences[~visible], is_hit[~visible], num_annotations - events.num_visible
        ),
    )
