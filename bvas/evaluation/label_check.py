"""Check of labels against out-of-fold predictions: probable mistakes, ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bvas.evaluation.experiment_scores import Evaluation
from bvas.experiment.experiment import Experiment
from bvas.metrics.average_precision import TIME_ROUNDING_SECONDS
from bvas.metrics.suspects import JudgedVideo, Suspect, find_suspects
from bvas.results.video_result import VideoResult
from bvas.tasks.peaks import smoothed
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelCheck:
    """Suspects of an experiment's labelled videos, and what they were judged by."""

    videos: tuple[VideoResult, ...]
    suspects: tuple[Suspect, ...]
    """The most suspicious first; `Suspect.video` is a place in `videos`."""
    num_annotations: int
    num_unshown: int
    """Annotations of actions that were not shown, which are not judged."""
    num_in_gaps: int
    """Annotations where the video could not be decoded, which are not judged."""

    def of_video(self, number: int) -> tuple[Suspect, ...]:
        """Return the suspects of one video."""
        return tuple(suspect for suspect in self.suspects if suspect.video == number)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data; times are seconds from the first shown frame of a video."""
        return {
            "suspects": [self._suspect_json(suspect) for suspect in self.suspects],
            "annotations": self.num_annotations,
            "not_judged": {"unshown": self.num_unshown, "in_gaps": self.num_in_gaps},
        }

    def _suspect_json(self, suspect: Suspect) -> dict[str, Any]:
        video, annotation, spot = self.videos[suspect.video].video, suspect.annotation, suspect.spot
        return {
            "rank": suspect.rank,
            "suspicion": suspect.suspicion,
            "kind": suspect.kind.value,
            "match": video.match,
            "half": video.number,
            "video": str(video.path),
            "seconds": suspect.seconds,
            "annotation": None
            if annotation is None
            else {
                "label": annotation.label,
                "seconds": annotation.seconds,
                "support": suspect.support,
                "usual_support": suspect.usual,
            },
            "spot": None
            if spot is None
            else {
                "label": spot.label,
                "seconds": spot.seconds,
                "confidence": spot.confidence,
                "trust": suspect.trust,
            },
        }


def check_labels(evaluation: Evaluation, experiment: Experiment) -> LabelCheck:
    """Judge the annotations of scored videos by predictions of models that have not learned from them.

    Args:
        evaluation: Out-of-fold predictions with their labels.
        experiment: Labels and smoothing.
    """
    labels, tolerance = experiment.task.labels, evaluation.sheet.tolerance_seconds
    judged, num_unshown, num_in_gaps = [], 0, 0
    for result, matching in zip(evaluation.videos, evaluation.sheet.matchings, strict=True):
        known = [a for a in result.annotations or () if a.label in labels]
        shown = [a for a in known if a.visible]
        supports = _supports(result, shown, labels, tolerance)
        num_unshown += len(known) - len(shown)
        num_in_gaps += sum(a not in supports for a in shown)
        judged.append(JudgedVideo(matching=matching, supports=supports))
    return LabelCheck(
        videos=evaluation.videos,
        suspects=tuple(find_suspects(judged, labels, tolerance_seconds=tolerance)),
        num_annotations=sum(len(result.annotations or ()) for result in evaluation.videos),
        num_unshown=num_unshown,
        num_in_gaps=num_in_gaps,
    )


def _supports(
    result: VideoResult, annotations: Sequence[Annotation], labels: LabelSet, tolerance: float
) -> dict[Annotation, float]:
    """Return the support of each annotation; those where nothing could be decoded are left out."""
    if result.curve is None:
        return {a: spot_support(a, result.spots, labels, tolerance) for a in annotations}
    curve = smoothed(result.curve, result.peaks)
    found = {a: curve_support(a, curve, labels, tolerance) for a in annotations}
    return {a: support for a, support in found.items() if support is not None}


def curve_support(
    annotation: Annotation, curve: ScoreCurve, labels: LabelSet, tolerance_seconds: float
) -> float | None:
    """Return the highest score of an annotation's label within the tolerance; None where no row has one."""
    reach = tolerance_seconds + TIME_ROUNDING_SECONDS
    first = int(np.searchsorted(curve.seconds, annotation.seconds - reach, side="left"))
    stop = int(np.searchsorted(curve.seconds, annotation.seconds + reach, side="right"))
    scores = curve.scores[first:stop, labels.label_id(annotation.label)]
    scores = scores[~np.isnan(scores)]
    return float(scores.max()) if len(scores) else None


def spot_support(
    annotation: Annotation, candidates: Sequence[Spot], labels: LabelSet, tolerance_seconds: float
) -> float:
    """Return the same where only candidates were kept: the highest confidence, 0 without any."""
    label = labels.label_id(annotation.label)
    near = [
        spot.confidence
        for spot in candidates
        if abs(spot.seconds - annotation.seconds) <= tolerance_seconds + TIME_ROUNDING_SECONDS
        and spot.label in labels
        and labels.label_id(spot.label) == label
    ]
    return max(near, default=0.0)
