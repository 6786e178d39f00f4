"""Hits, misses, false alarms, timing errors, and a blind baseline.

A hit is a true positive, a false alarm a false positive, a miss a false negative. All figures hold at an operating
point: pass the spots at or above it, not every candidate.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bvas.errors import ConfigError
from bvas.metrics.average_precision import TIME_ROUNDING_SECONDS, label_ids
from bvas.metrics.matching import match_times
from bvas.values.annotations import Annotation, AnnotationLists, LabelSet, Spot
from bvas.values.plural import count_text

_NUM_BINS = 25
"""Odd, so that an error of 0 is the middle of a bin."""

_Event = TypeVar("_Event", Annotation, Spot)


@dataclass(frozen=True, slots=True)
class Hit:
    """An annotation and its matched spot."""

    annotation: Annotation
    spot: Spot

    @property
    def timing_error_seconds(self) -> float:
        """Spot minus annotation: positive where the spot comes late."""
        return self.spot.seconds - self.annotation.seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """Matching of the spots and annotations of one video, each list in order of time."""

    hits: tuple[Hit, ...]
    misses: tuple[Annotation, ...]
    """Annotations without a spot."""
    false_alarms: tuple[Spot, ...]
    """Spots without an annotation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Numbers of hits, misses and false alarms, and their rates."""

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0

    @property
    def num_annotations(self) -> int:
        """Annotations, matched or not."""
        return self.hits + self.misses

    @property
    def num_spots(self) -> int:
        """Spots, right or wrong."""
        return self.hits + self.false_alarms

    @property
    def precision(self) -> float:
        """Share of the spots that are hits, in [0, 1]; 0 without spots."""
        return self.hits / max(self.num_spots, 1)

    @property
    def recall(self) -> float:
        """Share of the annotations that are hit, in [0, 1]; 0 without annotations."""
        return self.hits / max(self.num_annotations, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]; 0 without hits."""
        return 2 * self.hits / max(self.num_spots + self.num_annotations, 1)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            hits=self.hits + other.hits,
            misses=self.misses + other.misses,
            false_alarms=self.false_alarms + other.false_alarms,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TimingError:
    """Distribution of the hits' timing errors."""

    num_hits: int
    median_seconds: float
    """Positive where spots come late."""
    spread_seconds: float
    """Interquartile range: the width of the middle half of the errors."""


def match_spots(
    annotations: Sequence[Annotation],
    spots: Sequence[Spot],
    labels: LabelSet,
    *,
    tolerance_seconds: float = 0.5,
) -> Matching:
    """Match the spots and annotations of one video, label by label.

    Args:
        annotations: Annotations of one video, in any order.
        spots: Spots of the same video, at or above the operating point.
        labels: Labels to match; events of others are ignored.
        tolerance_seconds: Largest distance of spot and annotation, a half-width.

    Raises:
        ConfigError: a tolerance that is not positive.
    """
    if not tolerance_seconds > 0:
        raise ConfigError(f"tolerance_seconds must be positive, got {tolerance_seconds}")
    ids = label_ids(labels)
    hits: list[Hit] = []
    misses: list[Annotation] = []
    false_alarms: list[Spot] = []
    truths, founds = _by_label(annotations, ids), _by_label(spots, ids)
    for label_id in sorted(truths.keys() | founds.keys()):
        truth, found = truths.get(label_id, []), founds.get(label_id, [])
        matched = match_times(
            np.array([a.seconds for a in truth], dtype=np.float64),
            np.array([s.seconds for s in found], dtype=np.float64),
            np.array([s.confidence for s in found], dtype=np.float64),
            tolerance_seconds + TIME_ROUNDING_SECONDS,
        ).tolist()
        hits += [Hit(a, found[i]) for a, i in zip(truth, matched, strict=True) if i >= 0]
        misses += [a for a, i in zip(truth, matched, strict=True) if i < 0]
        taken = set(matched)
        false_alarms += [s for i, s in enumerate(found) if i not in taken]
    return Matching(
        hits=tuple(sorted(hits, key=lambda hit: hit.annotation.seconds)),
        misses=tuple(sorted(misses, key=lambda a: a.seconds)),
        false_alarms=tuple(sorted(false_alarms, key=lambda s: s.seconds)),
    )


def _by_label(events: Iterable[_Event], ids: Mapping[str, int]) -> dict[int, list[_Event]]:
    """Return the events of each label in order of time."""
    by_label: dict[int, list[_Event]] = {}
    for event in events:
        if event.label in ids:
            by_label.setdefault(ids[event.label], []).append(event)
    return {label_id: sorted(items, key=lambda event: event.seconds) for label_id, items in by_label.items()}


def counts_per_label(matchings: Iterable[Matching], labels: LabelSet) -> dict[str, Counts]:
    """Return the counts of each label over all videos, in the order of the labels; their sum is the total."""
    ids = label_ids(labels)
    hits, misses, false_alarms = Counter[int](), Counter[int](), Counter[int]()
    for matching in matchings:
        hits.update(ids[hit.annotation.label] for hit in matching.hits)
        misses.update(ids[annotation.label] for annotation in matching.misses)
        false_alarms.update(ids[spot.label] for spot in matching.false_alarms)
    return {
        label: Counts(hits=hits[i], misses=misses[i], false_alarms=false_alarms[i])
        for i, label in enumerate(labels)
    }


def timing_error(hits: Iterable[Hit]) -> TimingError | None:
    """Return the median and spread of spot minus annotation; None without hits."""
    errors = np.array([hit.timing_error_seconds for hit in hits], dtype=np.float64)
    if not len(errors):
        return None
    low, median, high = np.percentile(errors, (25, 50, 75)).tolist()
    return TimingError(num_hits=len(errors), median_seconds=median, spread_seconds=high - low)


@dataclass(frozen=True, kw_only=True, slots=True)
class TimingHistogram:
    """Histogram of timing errors."""

    edges_seconds: tuple[float, ...]
    """Edges of the bins, from minus to plus the tolerance; one more than bins."""
    counts: tuple[int, ...]


def timing_histogram(hits: Iterable[Hit], *, tolerance_seconds: float) -> TimingHistogram:
    """Return the histogram of spot minus annotation over equal bins within the tolerance.

    Args:
        hits: Matched within the tolerance.
        tolerance_seconds: Half-width.
    """
    errors = [hit.timing_error_seconds for hit in hits]
    # A hit at the tolerance may lie a rounding error beyond the last edge.
    within = np.clip(errors, -tolerance_seconds, tolerance_seconds)
    counts, edges = np.histogram(within, _NUM_BINS, (-tolerance_seconds, tolerance_seconds))
    return TimingHistogram(edges_seconds=tuple(edges.tolist()), counts=tuple(counts.tolist()))


def blind_spots(
    annotations: AnnotationLists, durations_seconds: Sequence[float], labels: LabelSet
) -> list[list[Spot]]:
    """Return the spots of a baseline that sees no picture.

    Every video gets spots of each label at equal distances, as many per second as annotations over all videos, the
    first at half the distance from the start, all with confidence 0.5.

    Args:
        annotations: One sequence per video.
        durations_seconds: Length of each video.
        labels: The labels to guess.

    Raises:
        ConfigError: unequal numbers of videos, or a duration that is not positive.
    """
    if len(annotations) != len(durations_seconds) or not all(d > 0 for d in durations_seconds):
        raise ConfigError(
            f"annotations of {count_text(len(annotations), 'video')} need as many positive durations, "
            f"got {list(durations_seconds)}"
        )
    ids = label_ids(labels)
    counts = Counter(ids[a.label] for video in annotations for a in video if a.label in ids)
    guesses = []
    for duration in durations_seconds:
        found = []
        for label_id, label in enumerate(labels):
            if counts[label_id]:
                distance = sum(durations_seconds) / counts[label_id]
                times = np.arange(distance / 2, duration, distance).tolist()
                found += [Spot(label, time, 0.5) for time in times]
        guesses.append(sorted(found, key=lambda s: s.seconds))
    return guesses
