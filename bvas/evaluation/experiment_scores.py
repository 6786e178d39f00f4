"""Scores of an experiment's predictions against the labels of a data root."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bvas.data.matches import Match, annotated_halves
from bvas.errors import DataError
from bvas.evaluation.cross_validation import CrossValidation, cross_validate
from bvas.experiment.experiment import Experiment
from bvas.metrics.analysis import blind_spots
from bvas.metrics.average_precision import mean_average_precision
from bvas.metrics.official import official_scores
from bvas.metrics.score_rules import ScoreRules
from bvas.metrics.score_sheet import ScoreSheet
from bvas.metrics.scorer import score_sheet
from bvas.results.store import has_results, read_match
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.plural import count_text

TIGHT_TOLERANCE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of an experiment over some matches; scores in [0, 1]."""

    videos: tuple[VideoResult, ...]
    """With annotations."""
    sheet: ScoreSheet
    """Figures of `bvas spots score` for the same files: mAP@1, +-0.5 s by SoccerNet's own rules, and the rest."""
    cross_validation: CrossValidation
    """The official score by fold, its spread and interval, and that of the test matches."""
    tight: float
    """mAP within +-0.2 s, which sees a shift that mAP@1 does not."""
    blind: float
    """mAP@1 of spots at the average rate, without looking."""

    @property
    def official(self) -> float:
        """mAP@1."""
        return self.sheet.official.mean

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "official_map_at_1": self.official,
            "official_map_at_1_per_label": self.sheet.official.per_label,
            "map_at_0.2_seconds": self.tight,
            "blind_baseline_map_at_1": self.blind,
            "matches": sorted({result.video.match for result in self.videos}),
            "cross_validation": self.cross_validation.to_json(),
            "scores": self.sheet.to_json(),
        }


def evaluate_predictions(experiment: Experiment, matches: Sequence[Match], predictions: Path) -> Evaluation:
    """Score the matches that have predictions in a folder.

    Args:
        experiment: Labels, grid rate and operating point.
        matches: Labelled matches; those without a results file are left out.
        predictions: Folder that holds a folder of results for each match.

    Raises:
        DataError: no match has predictions, or a file is wrong.
    """
    there = [match for match in matches if has_results(predictions / match.name)]
    if not there:
        raise DataError(
            f"no predictions in {predictions} for the {count_text(len(matches), 'labelled match')}; "
            f"make them first: bvas predict --experiment {experiment.name}"
        )
    videos = [result for match in there for result in _results(experiment, match, predictions)]
    labels = experiment.task.labels
    annotations = [result.annotations or () for result in videos]
    spots = [result.spots for result in videos]
    sheet = score_sheet(
        annotations,
        spots,
        ScoreRules(
            labels=labels,
            rate=experiment.input.rate,
            operating_point=experiment.peaks.operating_point,
            operating_points=experiment.peaks.operating_points(experiment.peaks.per_label),
        ),
        matches=[result.video.match for result in videos],
    )
    blind = blind_spots(annotations, [_length(result) for result in videos], labels)
    return Evaluation(
        videos=tuple(videos),
        sheet=sheet,
        cross_validation=cross_validate(
            sheet.tally, sorted(there, key=lambda match: match.name), experiment.task, experiment.published
        ),
        tight=mean_average_precision(annotations, spots, labels, tolerance_seconds=TIGHT_TOLERANCE_SECONDS),
        blind=official_scores(annotations, blind, labels, rate=experiment.input.rate).mean,
    )


def _results(experiment: Experiment, match: Match, predictions: Path) -> list[VideoResult]:
    halves = annotated_halves(match, experiment.task)
    videos = [VideoFile.of_half(match.name, half) for half, _ in halves]
    results = read_match(predictions / match.name, videos, experiment.peaks)
    return [
        replace(result, annotations=tuple(truth)) for result, (_, truth) in zip(results, halves, strict=True)
    ]


def _length(result: VideoResult) -> float:
    """Return the seconds over which blind spots are spread."""
    if result.curve is not None and len(result.curve.seconds):
        return float(result.curve.seconds[-1] - result.curve.seconds[0])
    times = [*(a.seconds for a in result.annotations or ()), *(s.seconds for s in result.spots)]
    return float(np.max(times, initial=0.0)) + 1.0
