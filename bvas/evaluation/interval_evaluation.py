"""Scores of an experiment of kind interval: its out-of-fold curves against the ranges of a data root."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import Match
from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.metrics.interval_scores import IntervalScores, interval_scores
from bvas.results.experiment_curves import check_rate, read_curves
from bvas.results.store import has_results, predictions_folder
from bvas.results.video_result import VideoResult
from bvas.values.annotations import Interval
from bvas.values.plural import count_text


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class IntervalEvaluation:
    """All figures of an experiment over some matches; scores in [0, 1]."""

    videos: tuple[VideoResult, ...]
    """With curve, intervals, ranges and the times of their frames."""
    scores: IntervalScores
    folds: dict[int, IntervalScores]
    """Of the matches that each fold holds out."""

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "matches": sorted({result.video.match for result in self.videos}),
            "scores": self.scores.to_json(),
            "folds": {str(fold): scores.to_json() for fold, scores in self.folds.items()},
        }


def evaluate_intervals(experiment: Experiment, matches: Sequence[Match], runs: Path) -> IntervalEvaluation:
    """Score the intervals in the out-of-fold curves of the matches that have predictions.

    Args:
        experiment: Of kind interval; its rules find the intervals.
        matches: Labelled matches; those without results are left out.
        runs: The runs folder.

    Raises:
        DataError: no match has predictions, or a file is wrong.
    """
    folder = predictions_folder(runs, experiment.name)
    there = [match for match in matches if has_results(folder / match.name)]
    if not there:
        raise DataError(
            f"no predictions in {folder} for the {count_text(len(matches), 'labelled match')}; "
            f"make them first: bvas predict --experiment {experiment.name}"
        )
    videos = ranged_results(experiment, there, runs)
    fold_of = {match.name: match.fold for match in there}
    by_fold: dict[int, list[VideoResult]] = {}
    for result in videos:
        fold = fold_of[result.video.match]
        assert fold is not None
        by_fold.setdefault(fold, []).append(result)
    return IntervalEvaluation(
        videos=tuple(videos),
        scores=scores_of_results(experiment, videos),
        folds={fold: scores_of_results(experiment, by_fold[fold]) for fold in sorted(by_fold)},
    )


def ranged_results(experiment: Experiment, matches: Sequence[Match], runs: Path) -> list[VideoResult]:
    """Return the results of some matches by models that have not seen them, with their ranges.

    Raises:
        DataError: a curve or a label file is missing or wrong.
        ConfigError: a curve is of another rate than the experiment's.
        DecodeError: a video cannot be indexed.
    """
    truth = {
        (match.name, half.number): tuple(ranges)
        for match in matches
        for half, ranges in labelled_ranges(match, experiment.task)
    }
    results = []
    for read in read_curves(experiment, matches, runs):
        # The rules count rows.
        what = f"the curve of '{read.video.match}', video {read.video.number}"
        check_rate(read.required_curve, experiment.input.rate, what)
        video = read.video.indexed()
        result = VideoResult.from_curve(video, read.required_curve, experiment)
        results.append(replace(result, ranges=truth[video.match, video.number]))
    return results


def scores_of_results(experiment: Experiment, results: Sequence[VideoResult]) -> IntervalScores:
    """Return the figures of results with ranges."""
    return scores_of_intervals(experiment, results, [result.intervals for result in results])


def scores_of_intervals(
    experiment: Experiment, results: Sequence[VideoResult], found: Sequence[Sequence[Interval]]
) -> IntervalScores:
    """Return the figures of other intervals than those in the results, in the order of their videos."""
    durations = []
    for result in results:
        assert result.video.frames is not None, result.video
        durations.append(result.video.frames.duration_seconds)
    return interval_scores(
        [result.ranges or () for result in results],
        found,
        experiment.task.labels,
        durations,
        rate=experiment.input.rate,
    )
