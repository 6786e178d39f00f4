"""Suspects: annotations and spots that look like label errors, ranked.

Suspects are the annotations and the spots (at or above the operating point) that do not match each other. They are
judged by figures of all videos together:

- the support of an annotation is the highest score of its label within the tolerance; usual is the median support
  of its label's annotations, and lacking = max(usual - support, 0);
- the trust in a spot is the best precision of its label at any confidence up to the spot's own, and
  worth = confidence * trust.

A spot alone has suspicion = worth: an annotation may be missing. An annotation alone has suspicion = lacking: it has
less support than others of its label. Where an unmatched spot of another label lies within the tolerance, or one of
the same label within reach, the two are one suspect, since the annotation's label or time may be wrong, and
suspicion = 1 - (1 - lacking) * (1 - worth). Annotations choose their spot in order of time: the one worth most, of
equal ones the nearest.

So a label that the model does not know does not rank high: both its usual support and the trust in its spots are low.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from bvas.metrics.analysis import Matching
from bvas.metrics.average_precision import TIME_ROUNDING_SECONDS, label_ids
from bvas.metrics.precision_recall import PrecisionRecall, precision_recall
from bvas.values.annotations import Annotation, LabelSet, Spot

REACH_SECONDS = 2.0
"""Largest distance of an annotation and a spot of its label for a wrong time."""


class SuspectKind(StrEnum):
    """Kind of a possible label error."""

    OTHER_LABEL = "other label"
    """An annotation without a spot of its label, and a spot of another label at the same time."""
    OTHER_TIME = "other time"
    """An annotation without a spot, and a spot of its label a little before or after."""
    NO_SPOT = "no spot"
    """An annotation with low scores, and no spot near it."""
    NO_ANNOTATION = "no annotation"
    """A spot without an annotation near it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedVideo:
    """One video with spots of a model that was not trained on it."""

    matching: Matching
    """Of the spots at or above the operating point."""
    supports: Mapping[Annotation, float]
    """Highest score of each annotation's label within the tolerance; annotations that cannot be judged are missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A contradiction between labels and scores."""

    video: int
    """Index of the judged video."""
    kind: SuspectKind
    suspicion: float
    """In (0, 1]."""
    annotation: Annotation | None = None
    """None where it may be missing."""
    support: float | None = None
    """Of the annotation."""
    usual: float | None = None
    """Of the annotation's label."""
    spot: Spot | None = None
    """The unmatched spot; None if no spot is near."""
    trust: float | None = None
    """In the spot."""
    rank: int = 0
    """1 for the most suspicious."""

    @property
    def seconds(self) -> float:
        """Time of the annotation, or else of the spot."""
        event = self.annotation or self.spot
        assert event is not None
        return event.seconds


def find_suspects(
    videos: Sequence[JudgedVideo], labels: LabelSet, *, tolerance_seconds: float = 0.5
) -> list[Suspect]:
    """Return the suspects of some videos, the most suspicious first; of equal ones in order of video and time.

    Args:
        videos: Videos that are judged together.
        labels: Labels of their matching.
        tolerance_seconds: Half-width of their matching.
    """
    judge = _Judge(videos, labels)
    found: list[Suspect] = []
    for number, video in enumerate(videos):
        free = list(video.matching.false_alarms)
        for annotation in video.matching.misses:
            support = video.supports.get(annotation)
            if support is None:
                continue
            near = [s for s in free if judge.is_near(s, annotation, tolerance_seconds)]
            rival = max(near, key=lambda s: (judge.worth(s), -_distance(s, annotation)), default=None)
            if rival is not None:
                free.remove(rival)
            found.append(judge.annotation_suspect(number, annotation, support, rival))
        found += [judge.spot_suspect(number, spot) for spot in free]
    found.sort(key=lambda s: (-s.suspicion, s.video, s.seconds))
    return [replace(s, rank=rank) for rank, s in enumerate(found, start=1) if s.suspicion > 0]


class _Judge:
    """Usual supports and precisions of the labels over all videos."""

    def __init__(self, videos: Sequence[JudgedVideo], labels: LabelSet) -> None:
        self._ids = label_ids(labels)
        self._precisions: list[PrecisionRecall] = precision_recall([v.matching for v in videos], labels)
        supports: list[list[float]] = [[] for _ in labels]
        for video in videos:
            matching = video.matching
            for annotation in (*(hit.annotation for hit in matching.hits), *matching.misses):
                if annotation in video.supports:
                    supports[self._ids[annotation.label]].append(video.supports[annotation])
        self._usual = [float(np.median(found)) if found else 0.0 for found in supports]

    def trust(self, spot: Spot) -> float:
        """Return the best precision at any confidence up to the spot's."""
        curve = self._precisions[self._ids[spot.label]]
        return float(curve.precision[curve.confidences <= spot.confidence].max(initial=0.0))

    def worth(self, spot: Spot) -> float:
        """Return confidence times trust, in [0, 1]."""
        return spot.confidence * self.trust(spot)

    def is_near(self, spot: Spot, annotation: Annotation, tolerance: float) -> bool:
        """Return whether spot and annotation may stand for the same action."""
        farthest = REACH_SECONDS if self._is_same(spot, annotation) else tolerance
        return _distance(spot, annotation) <= farthest + TIME_ROUNDING_SECONDS

    def annotation_suspect(
        self, video: int, annotation: Annotation, support: float, rival: Spot | None
    ) -> Suspect:
        """Return the suspect of an unmatched annotation, with a rival spot or alone."""
        usual = self._usual[self._ids[annotation.label]]
        lacking = max(usual - support, 0.0)
        kind = SuspectKind.NO_SPOT
        if rival is not None:
            same = self._is_same(rival, annotation)
            kind = SuspectKind.OTHER_TIME if same else SuspectKind.OTHER_LABEL
        return Suspect(
            video=video,
            kind=kind,
            suspicion=lacking if rival is None else 1 - (1 - lacking) * (1 - self.worth(rival)),
            annotation=annotation,
            support=support,
            usual=usual,
            spot=rival,
            trust=None if rival is None else self.trust(rival),
        )

    def spot_suspect(self, video: int, spot: Spot) -> Suspect:
        """Return the suspect of an unmatched spot alone."""
        return Suspect(
            video=video,
            kind=SuspectKind.NO_ANNOTATION,
            suspicion=self.worth(spot),
            spot=spot,
            trust=self.trust(spot),
        )

    def _is_same(self, spot: Spot, annotation: Annotation) -> bool:
        return self._ids[spot.label] == self._ids[annotation.label]


def _distance(spot: Spot, annotation: Annotation) -> float:
    return abs(spot.seconds - annotation.seconds)
