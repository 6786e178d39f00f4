"""Average precision of spots against annotations, by a tolerance in seconds.

Precision and recall are taken at 200 confidence thresholds evenly from 0 to 1 over all videos
together; the average precision of a label is the mean, over the recalls 0, 0.1 ... 1, of the best
precision among the thresholds that reach that recall. A label without annotations scores 0.
These are the official rules (`bvas.metrics.official`); the times here are exact seconds, where
the official metric first rounds them down to frames.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.metrics.matching import are_hits
from bvas.values.annotations import Annotation, AnnotationLists, LabelSet, Spot, SpotLists
from bvas.values.arrays import Bools, Floats, Ints
from bvas.values.plural import count_text

NUM_THRESHOLDS = 200
RECALLS = np.arange(11) / 10
# Times are sums and multiples of decimal fractions, so a spot at exactly the tolerance may come
# out a rounding error beyond it.
TIME_ROUNDING_SECONDS = 1e-9


def average_precision(
    annotations: AnnotationLists, spots: SpotLists, labels: LabelSet, *, tolerance_seconds: float = 0.5
) -> dict[str, float]:
    """Return the average precision of each label, in [0, 1], in the order of the labels.

    Args:
        annotations: One sequence per video.
        spots: One sequence per video, in the same order; every candidate, not only those that
            at or above the operating point: a low tail costs nothing, a missing one caps the score.
        labels: The labels to score. Annotations and spots of others are ignored; merged names
            count as the label they are merged into.
        tolerance_seconds: Largest distance of spot and annotation, a half-width: 0.5 is what
            SoccerNet calls mAP@1.

    Raises:
        ConfigError: unequal numbers of videos, or a tolerance that is not positive.
    """
    check_videos(annotations, spots)
    if not tolerance_seconds > 0:
        raise ConfigError(f"tolerance_seconds must be positive, got {tolerance_seconds}")
    ids = label_ids(labels)
    scores = {}
    for label_id, label in enumerate(labels):
        confidences: list[Floats] = []
        is_hit: list[Bools] = []
        num_annotations = 0
        for video_annotations, video_spots in zip(annotations, spots, strict=True):
            times = np.sort([a.seconds for a in video_annotations if ids.get(a.label) == label_id])
            found = sorted((s.seconds, s.confidence) for s in video_spots if ids.get(s.label) == label_id)
            spot_times, spot_confidences = np.array(found, dtype=np.float64).reshape(-1, 2).T
            confidences.append(spot_confidences)
            is_hit.append(
                are_hits(times, spot_times, spot_confidences, tolerance_seconds + TIME_ROUNDING_SECONDS)
            )
            num_annotations += len(times)
        scores[label] = (
            interpolated_average_precision(
                np.concatenate(confidences), np.concatenate(is_hit), num_annotations
            )
            if confidences
            else 0.0
        )
    return scores


def mean_average_precision(
    annotations: AnnotationLists, spots: SpotLists, labels: LabelSet, *, tolerance_seconds: float = 0.5
) -> float:
    """Return the plain mean of `average_precision` over the labels, in [0, 1]; same arguments."""
    scores = average_precision(annotations, spots, labels, tolerance_seconds=tolerance_seconds)
    return float(np.mean(list(scores.values())))


def interpolated_average_precision(confidences: Floats, is_hit: Bools, num_annotations: int) -> float:
    """Return one label's average precision, in [0, 1].

    Args:
        confidences: [P] of all spots of the label, in any order.
        is_hit: [P], whether the spot matches an annotation.
        num_annotations: Annotations of the label, matched or not.
    """
    reached = thresholds_reached(confidences)
    return float(
        average_precision_of_counts(
            counts_at_thresholds(np.bincount(reached[is_hit], minlength=NUM_THRESHOLDS + 1)),
            counts_at_thresholds(np.bincount(reached, minlength=NUM_THRESHOLDS + 1)),
            np.array(num_annotations),
        )
    )


def thresholds_reached(confidences: Floats) -> Ints:
    """Return how many of the thresholds each confidence reaches, int64 of the same shape; 0: none."""
    return np.searchsorted(np.linspace(0, 1, NUM_THRESHOLDS), confidences, side="right").astype(np.int64)


def counts_at_thresholds(reached: Ints) -> Ints:
    """Return how many spots lie at or above each of T rising thresholds, int64 [..., T].

    Args:
        reached: [..., T + 1], number of spots by how many thresholds they reach.
    """
    return np.cumsum(reached[..., ::-1], axis=-1, dtype=np.int64)[..., -2::-1]


def average_precision_of_counts(
    hits: NDArray[np.number[Any]], spots: NDArray[np.number[Any]], num_annotations: NDArray[np.number[Any]]
) -> Floats:
    """Return average precisions [...] in [0, 1], for any number of labels and samples at once.

    Args:
        hits: [..., T], spots at or above each of some rising thresholds that match an annotation.
        spots: [..., T], spots at or above each threshold.
        num_annotations: [...]; without annotations the average precision is 0.
    """
    precision = hits / np.maximum(spots, 1)
    recall = hits / np.maximum(num_annotations, 1)[..., None]
    # Recall falls as the threshold rises, so the thresholds that reach a recall are the first ones, and the best
    # precision at a recall is the running maximum at the last of them.
    best = np.maximum.accumulate(precision, axis=-1)
    reached = np.zeros((*precision.shape[:-1], precision.shape[-1] + 1), dtype=np.int8)
    for wanted in RECALLS:
        reached[..., :-1] += recall >= wanted
    return np.asarray((best * (reached[..., :-1] - reached[..., 1:])).sum(axis=-1) / len(RECALLS))


def label_ids(labels: LabelSet) -> Mapping[str, int]:
    """Return the column of every known name, merged ones included."""
    return {name: labels.label_id(name) for name in (*labels.names, *labels.merged)}


def check_videos(annotations: Sequence[Iterable[Annotation]], spots: Sequence[Iterable[Spot]]) -> None:
    """Refuse annotations and spots that are not of the same videos.

    Raises:
        ConfigError: their numbers differ.
    """
    if len(annotations) != len(spots):
        raise ConfigError(
            f"annotations of {count_text(len(annotations), 'video')} and spots of {len(spots)}; "
            "give one sequence per video to both, an empty one where there is nothing"
        )


def clip_average_precision(scores: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """Return the mean, over the positive clips, of the precision among those scored at least as high.

    0 where no clip is positive.
    """
    order = np.argsort(-scores, kind="stable")
    positive = targets[order] > 0.5
    if not positive.any():
        return 0.0
    precision = np.cumsum(positive) / np.arange(1, len(positive) + 1)
    return float(precision[positive].mean())
