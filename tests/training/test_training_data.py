"""Which frames a fold's training draws, by label and by the curves of an earlier stage."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from loading_videos import labelled
from tiny import tiny_experiment

from bvas.errors import DataError
from bvas.results.store import save_curve
from bvas.tasks.kind_choice import kind_of
from bvas.training.fold_data import curve_digests, out_of_fold_curves
from bvas.values.score_curve import ScoreCurve

NAME = "league/first match/1_720p"


def hard(**sampling):
    experiment = tiny_experiment()
    return replace(
        experiment,
        sampling=replace(experiment.sampling, clips_per_epoch=400, **sampling),
        train=replace(experiment.train, hard_negatives_from="stage_one"),
    )


def training_clips(experiment, videos, runs):
    return kind_of(experiment).training_clips(videos, out_of_fold_curves(experiment, videos, runs))


def centers(clips):
    return np.array([clip.center for clip in clips.requests(0)])


def test_rare_labels_are_drawn_as_often_as_frequent_ones_by_weights_from_the_data(tmp_path, caplog):
    annotations = [(100 + 50 * i, 0) for i in range(8)] + [(700, 1), (800, 1)]
    experiment = hard(action_probability=1.0, effective_number_beta=1 - 1e-9)
    experiment = replace(experiment, train=replace(experiment.train, hard_negatives_from=""))

    with caplog.at_level(logging.INFO):
        clips = training_clips(experiment, [labelled(1000, annotations)], tmp_path)

    assert "label weights by effective number: PASS 0.2, DRIVE 0.8" in caplog.text
    # 8 passes at 1 / 8 and 2 drives at 1 / 2: half and half. The standard deviation of the share is 0.025.
    assert 0.4 < (centers(clips) > 650).mean() < 0.6


def test_frames_that_the_curve_takes_for_actions_are_drawn_more_often(tmp_path):
    video = replace(labelled(1000, [(100, 0)]), name=NAME)
    scores = np.zeros((1000, 2), dtype=np.float32)
    scores[600:610, 1] = 0.9
    curve = ScoreCurve(scores, np.arange(1000) / 25, ("PASS", "DRIVE"))
    save_curve(curve, tmp_path / "stage_one" / "predictions" / "cv" / f"{NAME}_scores.npz")

    drawn = centers(training_clips(hard(), [video], tmp_path))

    # 9 action frames give each of 991 others 0.0091; ten at 0.9 are half of the mass of the others.
    assert 0.4 < (np.abs(drawn - 100) <= 4).mean() < 0.6
    assert 0.18 < ((drawn >= 600) & (drawn < 610)).mean() < 0.32


def test_a_run_knows_the_curves_that_it_draws_from(tmp_path):
    video = replace(labelled(50), name=NAME)
    path = tmp_path / "stage_one" / "predictions" / "cv" / f"{NAME}_scores.npz"

    def digests(score, experiment):
        curve = ScoreCurve(np.full((50, 2), score, np.float32), np.arange(50) / 25, ("PASS", "DRIVE"))
        save_curve(curve, path)
        return curve_digests(experiment, [video], out_of_fold_curves(experiment, [video], tmp_path))

    (one,) = digests(0.5, hard())
    assert one.startswith(f"scores of stage_one on {NAME} ")
    assert digests(0.5, hard()) == [one]
    assert digests(0.25, hard()) != [one]
    assert digests(0.5, replace(hard(), train=replace(hard().train, hard_negatives_from=""))) == []


def test_a_missing_curve_names_the_file_and_the_commands_that_make_it(tmp_path):
    with pytest.raises(
        DataError,
        match=r"1_720p_scores.npz is missing; make them first: bvas train --experiment stage_one, then "
        "bvas predict --experiment stage_one",
    ):
        training_clips(hard(), [replace(labelled(50), name=NAME)], tmp_path)


def test_a_config_that_asks_for_neither_draws_as_before(tmp_path):
    from bvas.loading.clip_requests import TrainingClips

    experiment = tiny_experiment()
    videos = [labelled(1000, [(100, 0), (400, 1)])]
    plain = TrainingClips(videos, experiment.clip, sampling=experiment.sampling)
    assert centers(training_clips(experiment, videos, tmp_path)).tolist() == centers(plain).tolist()
