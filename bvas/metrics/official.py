"""Official SoccerNet spotting scores, equal to the last digit, from sorted arrays.

Equal to the `SoccerNet` package (0.2.0, `Evaluation/ActionSpotting.py`, read and run), whose rules are:

- A time becomes the frame `int(rate * seconds)`, rounded down. That is a product of floats: at
  25 frames per second 1.16 s gives 28. Times that bvas writes allow for it.
- A (frame, label) of a video holds one event: a later one in the file overwrites it. Frames from
  120 minutes on become the last one.
- A `delta` is a *full* width in seconds: a spot matches within `delta / 2`.
- `at1` ... `at5` are one delta of 1 ... 5 s; `tight` is the mean over deltas of 1 ... 5 s by the
  trapezoid rule, `loose` over 5, 10 ... 60 s.
- The visible figures take the spots whose nearest annotation is visible, the unshown ones those
  whose nearest is not; in a video without annotations of the label all count as unshown. The mean
  of the unshown figures carries a factor 17/13 in `tight` and `loose`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bvas.errors import ConfigError
from bvas.metrics.average_precision import check_videos
from bvas.metrics.label_events import frame_events
from bvas.metrics.tally import ALL, UNSHOWN, VISIBLE, Tally, tally
from bvas.values.annotations import AnnotationLists, LabelSet, SpotLists
from bvas.values.arrays import Floats

OfficialMetric = Literal["at1", "at2", "at3", "at4", "at5", "tight", "loose"]

# The package's constant, for Action Spotting's 17 labels; it applies it to any number of labels.
_UNSHOWN_FACTOR = 17 / 13


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
    annotations: AnnotationLists,
    spots: SpotLists,
    labels: LabelSet,
    *,
    metric: OfficialMetric = "at1",
    rate: float = 25.0,
) -> OfficialScores:
    """Return the scores that the official package computes for these files.

    Args:
        annotations: One sequence per video (a half, where halves are files of their own), in the
            order of the file.
        spots: One sequence per video, in the order of the file; all candidates.
        labels: Labels to score; events of others are ignored.
        metric: Set of tolerances.
        rate: Frames per second that times are rounded down to.

    Raises:
        ConfigError: unequal numbers of videos, an unknown metric, or a rate that is not positive.
    """
    return scores_of(official_tally(annotations, spots, labels, metric=metric, rate=rate), labels)


def official_tally(
    annotations: AnnotationLists,
    spots: SpotLists,
    labels: LabelSet,
    *,
    metric: OfficialMetric = "at1",
    rate: float = 25.0,
    groups: Sequence[int] | None = None,
) -> Tally:
    """Return the counts that the scores are computed from, for each group of videos.

    Args:
        annotations: As for `official_scores`.
        spots: As for `official_scores`.
        labels: As for `official_scores`.
        metric: As for `official_scores`.
        rate: As for `official_scores`.
        groups: Group of each video, numbered from 0, e.g. the match it belongs to; None: all in one.

    Raises:
        ConfigError: as for `official_scores`.
    """
    check_videos(annotations, spots)
    if not rate > 0:
        raise ConfigError(f"rate must be positive, got {rate}")
    tolerances = [tolerance_of(delta) * rate for delta in full_widths_seconds(metric)]
    group_of_video = np.array([0] * len(spots) if groups is None else groups, dtype=np.int64)
    events = frame_events(annotations, spots, labels, rate)
    return tally(events, tolerances, group_of_video, int(group_of_video.max(initial=0)) + 1)


def scores_of(
    counts: Tally, labels: LabelSet, weights: Floats | None = None, *, plain_mean: bool = False
) -> OfficialScores:
    """Return the scores of the groups together.

    Args:
        counts: From `official_tally`, for these labels.
        labels: Their names.
        weights: [G], how often each group is taken, e.g. 1 for the matches of a fold; None: once each.
        plain_mean: Plain mean over the tolerances, instead of SoccerNet's trapezoid rule.
    """
    kinds = counts.average_precisions(weights)
    per_label = [over_widths(kind, plain_mean=plain_mean) for kind in kinds]
    unshown_factor = _UNSHOWN_FACTOR if kinds.shape[1] > 1 and not plain_mean else 1
    return scores_by_label(per_label, labels, unshown_factor)


def scores_by_label(
    per_label: Sequence[Floats], labels: LabelSet, unshown_factor: float = 1.0
) -> OfficialScores:
    """Return the scores with their means over labels; `per_label` is [K] for all, visible and unshown events."""
    means = [float(values.mean()) for values in per_label]
    names = [dict(zip(labels, values.tolist(), strict=True)) for values in per_label]
    return OfficialScores(
        mean=means[ALL],
        per_label=names[ALL],
        visible_mean=means[VISIBLE],
        visible_per_label=names[VISIBLE],
        unshown_mean=means[UNSHOWN] * unshown_factor,
        unshown_per_label=names[UNSHOWN],
    )


def full_widths_seconds(metric: OfficialMetric) -> tuple[int, ...]:
    """Return the deltas of a metric: full widths, in seconds.

    Raises:
        ConfigError: an unknown metric.
    """
    if metric not in get_args(OfficialMetric):
        raise ConfigError(f"unknown metric {metric!r}; use one of {', '.join(get_args(OfficialMetric))}")
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


def over_widths(values: Floats, *, plain_mean: bool = False) -> Floats:
    """Return the average over the first axis, by the trapezoid rule or plainly."""
    if plain_mean:
        return np.asarray(values.mean(axis=0))
    if len(values) == 1:
        return np.asarray(values[0])
    return np.asarray(((values[:-1] + values[1:]) / 2).sum(axis=0) / (len(values) - 1))
