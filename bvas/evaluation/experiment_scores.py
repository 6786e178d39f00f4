"""An experiment's predictions against the labels of a data root."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bvas.data.matches import Half, Match, annotated_halves
from bvas.data.soccernet_files import RESULTS_NAME, read_results
from bvas.errors import DataError
from bvas.evaluation.cross_validation import CrossValidation, cross_validate
from bvas.experiment.experiment import Experiment
from bvas.experiment.peak_config import PeakConfig
from bvas.metrics.analysis import Counts, Matching, TimingError, blind_spots
from bvas.metrics.average_precision import mean_average_precision
from bvas.metrics.official import official_scores
from bvas.metrics.score_rules import ScoreRules
from bvas.metrics.score_sheet import ScoreSheet
from bvas.metrics.scorer import score_sheet
from bvas.results.curve_files import load_curve
from bvas.system.file_names import output_stem
from bvas.tasks.peaks import shown
from bvas.values.annotations import Annotation, Spot
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve

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
    sheet: ScoreSheet
    """What `bvas spots score` says of the same files: mAP@1, +-0.5 s by SoccerNet's own rules, and the rest."""
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

    @property
    def official_per_label(self) -> dict[str, float]:
        """AP@1 of each label."""
        return self.sheet.official.per_label

    @property
    def counts(self) -> dict[str, Counts]:
        """By label, at the operating point."""
        return self.sheet.counts

    @property
    def timing(self) -> TimingError | None:
        """None without hits."""
        return self.sheet.timing

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "official_map_at_1": self.official,
            "official_map_at_1_per_label": self.official_per_label,
            "map_at_0.2_seconds": self.tight,
            "blind_baseline_map_at_1": self.blind,
            "matches": sorted({video.match.name for video in self.videos}),
            "cross_validation": self.cross_validation.to_json(),
            "scores": self.sheet.to_json(),
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
            f"no predictions in {predictions} for the {count_text(len(matches), 'labelled match')}; "
            f"make them first: bvas predict --experiment {experiment.name}"
        )
    halves = [half for match in there for half in _predicted_halves(experiment, match, predictions)]
    labels = experiment.task.labels
    annotations = [half.annotations for half in halves]
    spots = [half.spots for half in halves]
    sheet = score_sheet(
        annotations,
        spots,
        ScoreRules(
            labels=labels,
            rate=experiment.input.rate,
            operating_point=experiment.peaks.operating_point,
            operating_points=experiment.peaks.operating_points(experiment.peaks.per_label),
        ),
        matches=[half.match.name for half in halves],
    )
    blind = blind_spots(annotations, [_length(half) for half in halves], labels)
    return Evaluation(
        videos=tuple(
            _scored(half, matching, experiment.peaks)
            for half, matching in zip(halves, sheet.matchings, strict=True)
        ),
        sheet=sheet,
        cross_validation=cross_validate(
            sheet.tally, sorted(there, key=lambda match: match.name), experiment.task, experiment.published
        ),
        tight=mean_average_precision(annotations, spots, labels, tolerance_seconds=TIGHT_TOLERANCE_SECONDS),
        blind=official_scores(annotations, blind, labels, rate=experiment.input.rate).mean,
    )


@dataclass(frozen=True, slots=True)
class _PredictedHalf:
    match: Match
    half: Half
    annotations: tuple[Annotation, ...]
    spots: tuple[Spot, ...]
    curve: ScoreCurve | None


def _predicted_halves(experiment: Experiment, match: Match, predictions: Path) -> list[_PredictedHalf]:
    spots = read_results(predictions / match.name / RESULTS_NAME)
    halves = []
    for half, truth in annotated_halves(match, experiment.task):
        path = predictions / match.name / f"{output_stem(half.path.stem)}_scores.npz"
        halves.append(
            _PredictedHalf(
                match=match,
                half=half,
                annotations=tuple(truth),
                spots=tuple(spots.get(half.number, [])),
                curve=load_curve(path) if path.is_file() else None,
            )
        )
    return halves


def _scored(video: _PredictedHalf, matching: Matching, peaks: PeakConfig) -> ScoredVideo:
    return ScoredVideo(
        match=video.match,
        half=video.half.number,
        path=video.half.path,
        annotations=video.annotations,
        spots=video.spots,
        shown=tuple(shown(video.spots, peaks)),
        matching=matching,
        curve=video.curve,
    )


def _length(video: _PredictedHalf) -> float:
    """Seconds that a guesser spreads spots over."""
    if video.curve is not None and len(video.curve.seconds):
        return float(video.curve.seconds[-1] - video.curve.seconds[0])
    times = [*(a.seconds for a in video.annotations), *(s.seconds for s in video.spots)]
    return float(np.max(times, initial=0.0)) + 1.0
