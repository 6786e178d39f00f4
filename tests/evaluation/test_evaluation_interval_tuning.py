"""Rules of intervals chosen on curves, and scored on others."""

from dataclasses import replace

import numpy as np
import pytest
from task_videos import match, write_dataset, write_video
from tiny import tiny_experiment

from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.errors import ConfigError, DataError
from bvas.evaluation.interval_evaluation import evaluate_intervals
from bvas.evaluation.tuning.interval_tuning import tune_intervals
from bvas.experiment.interval_config import IntervalConfig
from bvas.results.store import predictions_folder, write_match
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Interval, LabelSet
from bvas.values.score_curve import ScoreCurve

LABELS = LabelSet(("IN_FRAME",))
OWN = IntervalConfig(sigma_frames=0.0, threshold=0.95, keep_threshold=0.95, max_gap_frames=0)


def recording(number: int, height: float) -> VideoResult:
    """Return 60 s with three true ranges of 5 s, in which the scores are at a height, with holes of 3 frames."""
    scores = np.full((1500, 1), 0.05, np.float32)
    ranges = []
    for start in (100 + 10 * number, 600, 1100):
        scores[start : start + 125] = height
        scores[start + 60 : start + 63] = 0.0
        ranges.append(Interval("IN_FRAME", start / 25, (start + 125) / 25))
    curve = ScoreCurve(scores, np.arange(1500) / 25, LABELS.names)
    name = f"match {number}"
    return VideoResult(video=VideoFile(name=name, match=name), curve=curve, ranges=tuple(ranges))


def tune(results, folds):
    return tune_intervals(results, np.arange(len(results)), np.array(folds), LABELS, OWN, 25.0)


def test_a_threshold_above_all_scores_is_lowered_and_holes_are_joined():
    tuning = tune([recording(number, 0.7) for number in range(6)], [0, 0, 1, 1, 2, 2])
    rule = tuning.intervals.rule("IN_FRAME")
    assert rule == tuning.rules["IN_FRAME"]
    assert rule.keep_threshold <= rule.threshold <= 0.7
    assert rule.max_gap_frames >= 3
    score = tuning.score
    # None was found before; three of three in each recording, at every tIoU, by the rules of the other folds.
    assert (score.before, score.nested) == (0.0, pytest.approx(1.0))
    assert score.is_real
    assert score.most_by_chance < 0.5
    assert tuning.num_ranges == {"IN_FRAME": 18}


def test_rules_that_are_right_already_stay():
    results = [recording(number, 1.0) for number in range(6)]
    own = IntervalConfig(sigma_frames=0.0, threshold=0.5, keep_threshold=0.5, max_gap_frames=5)
    tuning = tune_intervals(results, np.arange(6), np.arange(6), LABELS, own, 25.0)
    assert tuning.intervals == own
    assert not tuning.score.is_real


def test_a_gain_on_two_matches_is_not_taken():
    tuning = tune([recording(number, 0.7) for number in range(2)], [0, 1])
    # Three ranges each: fewer than a choice is made on.
    assert tuning.intervals == OWN
    assert tuning.score.interval is None


def test_curves_of_another_rate_are_refused_since_rules_count_rows(tmp_path):
    entries = []
    for number, name in enumerate("ab"):
        write_video(tmp_path / f"{name}.mp4", 50)
        entries.append(match(name, [{"label": "IN_FRAME", "from_frame": 10, "to_frame": 30}], fold=number))
    write_dataset(tmp_path, entries, labels=LABELS.names, format="bvas-dataset-2")
    experiment = replace(tiny_experiment(), kind="interval", task=dataset_task(LABELS.names))
    matches = find_matches(experiment.task, tmp_path)
    for name in "ab":
        curve = ScoreCurve(np.zeros((100, 1), np.float32), np.arange(100) / 50, LABELS.names)
        result = VideoResult(video=VideoFile(name=name, match=name), curve=curve)
        folder = predictions_folder(tmp_path / "runs", experiment.name) / name
        write_match(folder, [result], rate=50, kind="interval")
    with pytest.raises(ConfigError, match="the curve of 'a', video 1 has 50"):
        evaluate_intervals(experiment, matches, tmp_path / "runs")


def test_one_match_is_refused():
    with pytest.raises(DataError, match="there are curves of one match"):
        tune([recording(0, 0.7)], [0])


def test_matches_without_ranges_are_refused():
    results = [replace(recording(number, 0.7), ranges=()) for number in range(3)]
    with pytest.raises(DataError, match="no match has a range of any label"):
        tune(results, [0, 1, 2])
