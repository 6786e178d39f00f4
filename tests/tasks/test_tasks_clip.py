"""The kind of clips: samples with one class each, cross-entropy, and figures of classes."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from class_samples import LABELS, bars_experiment, write_bars
from task_videos import match, write_dataset, write_video

from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.errors import ConfigError
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment
from bvas.tasks.class_runs import class_runs
from bvas.tasks.kind_choice import check_kind, kind_of
from bvas.values.score_curve import ScoreCurve


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return write_bars(tmp_path_factory.mktemp("bars"))


def test_samples_of_the_training_split_are_trained_on_and_the_test_split_is_in_neither(bars):
    kind = kind_of(bars_experiment())
    training, held_out = kind.samples(find_matches(bars_experiment().task, bars), 0)
    assert [video.name for video in held_out] == ["clips/3_LEFT", "clips/3_RIGHT"]
    assert len(training) == 8
    assert not any(video.name.startswith("clips/4") for video in training)
    assert [video.ranges.tolist() for video in held_out] == [[[0, 8, 0]], [[0, 8, 1]]]


def test_ranges_of_a_long_video_are_samples_too(tmp_path):
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", 50)
    ranges = [
        {"label": "PASS", "from_frame": 5, "to_frame": 20},
        {"label": "DRIVE", "from_seconds": 1.0, "to_seconds": 1.6},
    ]
    matches = [match(name, ranges, fold=fold) for fold, name in enumerate("ab")]
    root = write_dataset(tmp_path, matches, format="bvas-dataset-2")
    experiment = bars_experiment(task=dataset_task(("PASS", "DRIVE")))
    experiment = replace(experiment, input=replace(experiment.input, rate=25.0))
    training, held_out = kind_of(experiment).samples(find_matches(experiment.task, root), 1)
    assert [video.name for video in training] == ["a/a_0.200-0.800", "a/a_1.000-1.600"]
    assert [video.ranges.tolist() for video in held_out] == [[[5, 20, 0]], [[25, 40, 1]]]


def test_a_single_class_is_refused(tmp_path):
    write_bars(tmp_path)
    content = json.loads((tmp_path / "dataset.json").read_text())
    content["samples"] = [one for one in content["samples"] if one["label"] == "LEFT"]
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    experiment = bars_experiment()
    with pytest.raises(ConfigError, match="samples of LEFT alone"):
        kind_of(experiment).samples(find_matches(experiment.task, tmp_path), 0)


def test_the_loss_is_the_cross_entropy_weighed_by_the_targets():
    kind = kind_of(bars_experiment())
    logits = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
    # -ln(1/2) and -ln(1/4).
    assert kind.loss(logits, torch.tensor([[1.0, 0.0], [0.0, 1.0]])).item() == pytest.approx(
        (math.log(2) + math.log(4)) / 2
    )
    assert kind.loss(logits, torch.tensor([[1.0, 0.0], [0.0, 3.0]])).item() == pytest.approx(
        (math.log(2) + 3 * math.log(4)) / 2
    )


def test_label_smoothing_spreads_a_share_of_the_target_over_all_classes():
    kind = kind_of(bars_experiment(classes=ClassConfig(label_smoothing=0.2)))
    logits, targets = torch.tensor([[math.log(3.0), 0.0]]), torch.tensor([[1.0, 0.0]])
    # 0.9 of -ln(3/4) and 0.1 of -ln(1/4).
    assert kind.loss(logits, targets).item() == pytest.approx(0.9 * math.log(4 / 3) + 0.1 * math.log(4))


def test_scores_are_probabilities_that_sum_to_one():
    scores = kind_of(bars_experiment()).scores(torch.tensor([[math.log(3.0), 0.0]]))
    assert scores.tolist()[0] == pytest.approx([0.75, 0.25])


def test_figures_are_those_of_a_hand_computed_confusion():
    kind = kind_of(bars_experiment())
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], np.float32)
    targets = np.array([[1, 0], [1, 0], [1, 0], [0, 2.0]], np.float32)
    # LEFT: precision 1, recall 2/3; RIGHT: precision 1/2, recall 1.
    figures = kind.figures(scores, targets)
    assert figures["accuracy"] == pytest.approx(0.75)
    assert figures["macro_precision"] == pytest.approx(0.75)
    assert figures["macro_recall"] == pytest.approx(5 / 6)
    assert figures["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert "top_5" not in figures
    assert kind.tables(scores, targets) == {"confusion": [[2, 1], [0, 1]]}
    assert math.isnan(kind.figures(scores * np.nan, targets)["macro_f1"])


def test_top_5_is_given_from_six_classes_on():
    labels = tuple("ABCDEF")
    kind = kind_of(bars_experiment(task=dataset_task(labels)))
    scores = np.tile(np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1], np.float32), (2, 1))
    targets = np.eye(6, dtype=np.float32)[[4, 5]]
    assert kind.figures(scores, targets)["top_5"] == 0.5


def test_the_draw_summary_counts_clips_before_and_after_balancing(bars):
    experiment = bars_experiment(classes=ClassConfig(cap_per_class={"LEFT": 3}, cap=4))
    kind = kind_of(experiment)
    training, held_out = kind.samples(find_matches(experiment.task, bars), 0)
    clips = kind.training_clips(training)
    assert kind.draw_summary(clips) == (
        "7 clips in an epoch, of 8 samples",
        "by class: LEFT 3 of 4, RIGHT 4 of 4",
    )
    assert kind.draw_summary(kind.test_clips(held_out)) == ("2 clips",)


def test_validation_takes_at_most_the_configured_number_of_samples(bars):
    experiment = bars_experiment()
    training, _ = kind_of(experiment).samples(find_matches(experiment.task, bars), 0)

    def names(wanted):
        kind = kind_of(replace(experiment, train=replace(experiment.train, validation_clips=wanted)))
        clips = kind.validation_clips(training)
        return None if clips is None else [video.name for video in clips.videos]

    assert len(names(100)) == 8
    assert names(2) == ["clips/0_LEFT", "clips/5_RIGHT"]
    assert names(0) is None


def test_a_rule_for_an_unknown_class_is_refused():
    with pytest.raises(ConfigError, match=r"classes has a rule for 'UP', which is not a label"):
        bars_experiment(classes=ClassConfig(cap_per_class={"UP": 3}))


def test_hard_negatives_are_refused():
    with pytest.raises(ConfigError, match="hard_negatives_from is of spotting"):
        kind_of(bars_experiment()).training_clips([], curves=[])


def test_verbs_of_other_kinds_name_the_one_that_fits():
    with pytest.raises(ConfigError, match="bvas classify VIDEO"):
        check_kind(bars_experiment(), "spot", "bvas spot")


def test_an_experiment_survives_json():
    experiment = bars_experiment(classes=ClassConfig(cap=5, cap_per_class={"LEFT": 2}, clips_per_sample=None))
    assert Experiment.from_json(experiment.to_json()) == experiment


def test_runs_of_a_class_meet_half_way_and_gaps_belong_to_none():
    scores = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [np.nan, np.nan], [0.4, 0.6]], np.float32)
    curve = ScoreCurve(scores, np.array([0.4, 1.2, 2.0, 2.8, 3.6]), LABELS)
    found = [(run.label, run.start_seconds, run.end_seconds, run.confidence) for run in class_runs(curve)]
    assert found == [
        ("LEFT", pytest.approx(0.0), pytest.approx(1.6), pytest.approx(0.8)),
        ("RIGHT", pytest.approx(1.6), pytest.approx(2.4), pytest.approx(0.8)),
        ("RIGHT", pytest.approx(3.2), pytest.approx(4.0), pytest.approx(0.6)),
    ]
    assert class_runs(ScoreCurve(np.empty((0, 2), np.float32), np.empty(0), LABELS)) == []
