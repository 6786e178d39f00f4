"""An experiment's predictions against the labels of a data root."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bvas.cross_validation import CrossValidation, cross_validate
from bvas.curve import ScoreCurve, load_curve
from bvas.errors import DataError
from bvas.experiment import Experiment
from bvas.metrics.analysis import (
    Counts,
    Matching,
    TimingError,
    blind_spots,
    counts_per_label,
    match_spots,
    timing_error,
)
from bvas.metrics.average_precision import mean_average_precision
from bvas.metrics.official import official_scores, official_tally
from bvas.postprocess import above
from bvas.spots import Annotation, Spot
from bvas.tasks.matches import Match, annotated_halves
from bvas.tasks.soccernet import RESULTS_NAME, read_results

TOLERANCE_SECONDS = 0.5
TIGHT_TOLERANCE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ScoredVideo:
    """One half with its labels, what was predicted, and how the two answer each other."""

    match: Match
    half: int
    path: Path
    annotations: tuple[Annotation, ...]
    spots: tuple[Spot, ...]
    """All candidates."""
    shown: tuple[Spot, ...]
    """Those at or above the operating point."""
    matching: Matching
    """Of the shown ones, within half a second."""
    curve: ScoreCurve | None
    """None where only results were kept."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of an experiment over some matches; scores in [0, 1]."""

    videos: tuple[ScoredVideo, ...]
    official: float
    """mAP@1: +-0.5 s by SoccerNet's own rules."""
    official_per_label: dict[str, float]
    tight: float
    """The same within +-0.2 s, which sees a shift that mAP@1 does not."""
    blind: float
    """mAP@1 of spots at the average rate, without looking."""
    counts: dict[str, Counts]
    """By label, at the operating point."""
    timing: TimingError | None
    """None without hits."""
    cross_validation: CrossValidation
    """The official score by fold, its spread and interval, and that of the test matches."""

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "official_map_at_1": self.official,
            "official_map_at_1_per_label": self.official_per_label,
            "map_at_0.2_seconds": self.tight,
            "blind_baseline_map_at_1": self.blind,
            "timing_error": None
            if self.timing is None
            else {
                "median_seconds": self.timing.median_seconds,
                "spread_seconds": self.timing.spread_seconds,
                "num_hits": self.timing.num_hits,
            },
            "labels": {
                label: {
                    "hits": count.hits,
                    "misses": count.misses,
                    "false_alarms": count.false_alarms,
                    "precision": count.precision,
                    "recall": count.recall,
                    "f1": count.f1,
                }
                for label, count in self.counts.items()
            },
            "matches": sorted({video.match.name for video in self.videos}),
            "cross_validation": self.cross_validation.to_json(),
        }


def evaluate_predictions(experiment: Experiment, matches: Sequence[Match], predictions: Path) -> Evaluation:
    """Score the matches that have predictions in a folder.

    Args:
        experiment: Labels, grid rate and operating point.
        matches: Labelled matches; those without a results file are left out.
        predictions: Folder that holds `<match>/results_spotting.json`.

    Raises:
        DataError: no match has predictions, or a file is wrong.
    """
    there = [match for match in matches if (predictions / match.name / RESULTS_NAME).is_file()]
    if not there:
        raise DataError(
            f"no predictions in {predictions} for the {len(matches)} labelled matches; "
            f"make them first: bvas predict --experiment {experiment.name}"
        )
    videos = [video for match in there for video in _scored_videos(experiment, match, predictions)]
    labels = experiment.task.labels
    annotations = [video.annotations for video in videos]
    spots = [video.spots for video in videos]
    numbers = {match.name: number for number, match in enumerate(there)}
    counts = official_tally(
        annotations,
        spots,
        labels,
        rate=experiment.input.rate,
        groups=[numbers[video.match.name] for video in videos],
    )
    validation = cross_validate(counts, there, experiment.task, experiment.published)
    blind = blind_spots(annotations, [_length(video) for video in videos], labels)
    return Evaluation(
        videos=tuple(videos),
        official=validation.pooled.official,
        official_per_label=validation.pooled.official_per_label,
        tight=mean_average_precision(annotations, spots, labels, tolerance_seconds=TIGHT_TOLERANCE_SECONDS),
        blind=official_scores(annotations, blind, labels, rate=experiment.input.rate).mean,
        counts=counts_per_label([video.matching for video in videos], labels),
        timing=timing_error([hit for video in videos for hit in video.matching.hits]),
        cross_validation=validation,
    )


def _scored_videos(experiment: Experiment, match: Match, predictions: Path) -> list[ScoredVideo]:
    spots = read_results(predictions / match.name / RESULTS_NAME)
    videos = []
    for half, truth in annotated_halves(match, experiment.task):
        path = predictions / match.name / f"{half.path.stem}_scores.npz"
        found = spots.get(half.number, [])
        shown = above(found, experiment.peaks.operating_point)
        videos.append(
            ScoredVideo(
                match=match,
                half=half.number,
                path=half.path,
                annotations=tuple(truth),
                spots=tuple(found),
                shown=tuple(shown),
                matching=match_spots(
                    truth, shown, experiment.task.labels, tolerance_seconds=TOLERANCE_SECONDS
                ),
                curve=load_curve(path) if path.is_file() else None,
            )
        )
    return videos


def _length(video: ScoredVideo) -> float:
    """Seconds that a guesser spreads spots over."""
    if video.curve is not None and len(video.curve.seconds):
        return float(video.curve.seconds[-1] - video.curve.seconds[0])
    times = [*(a.seconds for a in video.annotations), *(s.seconds for s in video.spots)]
    return float(np.max(times, initial=0.0)) + 1.0
