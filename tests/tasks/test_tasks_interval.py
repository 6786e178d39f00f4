"""The kind of intervals: curves to stretches, ranges to targets and draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from task_videos import match, write_dataset, write_video
from tiny import tiny_experiment

from bvas.data.matches import find_matches
from bvas.data.spotting_task import dataset_task
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.interval_config import IntervalConfig, IntervalRule
from bvas.loading.labelled_video import label_video
from bvas.loading.sampling import ActionSampler, frames_near
from bvas.loading.targets import targets_at
from bvas.models.config import ModelConfig
from bvas.models.spotting import SpottingModel
from bvas.tasks.kind_choice import check_kind, kind_of
from bvas.tasks.stretches import find_intervals, interval_rows
from bvas.values.annotations import Interval, LabelSet
from bvas.values.clip_config import ClipConfig
from bvas.values.frame_boundaries import frames_between, on_frames
from bvas.values.score_curve import ScoreCurve

LABELS = LabelSet(("IN_FRAME",))
RAW = IntervalRule(sigma_frames=0, threshold=0.9, keep_threshold=0.5, min_length_frames=1, max_gap_frames=0)


def rows(scores, **changes):
    found = interval_rows(np.array(scores, np.float32), replace(RAW, **changes))
    return [(row.start, row.stop) for row in found]


def curve(scores, rate=25.0):
    scores = np.array(scores, np.float32)[:, None]
    return ScoreCurve(scores, np.arange(len(scores)) / rate, LABELS.names)


def test_the_seeds_frame_list_becomes_its_two_intervals():
    present = np.zeros(1100, np.float32)
    present[405:578] = present[768:1000] = 1.0
    assert [(start, stop - 1) for start, stop in rows(present)] == [(405, 577), (768, 999)]


def test_an_interval_reaches_the_threshold_and_extends_while_the_score_stays_above_the_lower_one():
    scores = [0.1, 0.6, 0.95, 0.5, 0.4, 0.6, 0.8, 0.6]
    assert rows(scores) == [(1, 4)]
    assert rows(scores, keep_threshold=0.9) == [(2, 3)]
    assert rows(scores, threshold=0.96) == []


def test_a_score_equal_to_a_threshold_of_decimal_digits_reaches_it():
    assert rows([0.0, np.float32(0.95), 0.0], threshold=0.95) == [(1, 2)]


def test_intervals_with_a_short_gap_are_joined_before_short_ones_are_dropped():
    scores = [1, 1, 0, 0, 1, 0, 0, 0, 1]
    assert rows(scores, max_gap_frames=2) == [(0, 5), (8, 9)]
    assert rows(scores, max_gap_frames=2, min_length_frames=2) == [(0, 5)]
    assert rows(scores, max_gap_frames=3) == [(0, 9)]
    # Alone none of them is so long.
    assert rows(scores, min_length_frames=5) == []


def test_no_interval_reaches_across_a_gap_of_the_video():
    assert rows([1, 1, np.nan, 1], max_gap_frames=5) == [(0, 2), (3, 4)]


def test_times_and_confidence_are_those_of_the_rows():
    config = IntervalConfig(sigma_frames=0, threshold=0.9, min_length_frames=1, max_gap_frames=0)
    (one,) = find_intervals(curve([0, 0, 0.8, 1.0, 0]), LABELS, config)
    assert (one.label, one.start_seconds, one.end_seconds) == ("IN_FRAME", 0.08, 0.16)
    assert one.confidence == pytest.approx(0.9)
    # Behind the last row a row lasts as long as the one before.
    (last,) = find_intervals(curve([0, 0, 1.0]), LABELS, config)
    assert last.end_seconds == pytest.approx(0.12)


def test_smoothing_removes_a_single_wrong_row():
    scores = np.ones(101)
    scores[50] = 0.0
    config = IntervalConfig(threshold=0.9, max_gap_frames=0)
    assert len(find_intervals(curve(scores), LABELS, replace(config, sigma_frames=0.0))) == 2
    assert len(find_intervals(curve(scores), LABELS, replace(config, sigma_frames=3.0))) == 1


def test_labels_have_rules_of_their_own():
    config = IntervalConfig(per_label={"B": IntervalRule(threshold=0.6)})
    scores = np.full((50, 2), 0.7, np.float32)
    found = find_intervals(ScoreCurve(scores, np.arange(50) / 25, ("A", "B")), LabelSet(("A", "B")), config)
    assert [one.label for one in found] == ["B"]
    with pytest.raises(ConfigError, match=r"intervals\.per_label has a rule for 'B'"):
        replace(interval_experiment(), intervals=config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 1.2}, "threshold"),
        ({"threshold": 0.4}, "keep_threshold 0.5 and threshold 0.4"),
        ({"keep_threshold": 0.0}, "keep_threshold"),
        ({"sigma_frames": -1}, "sigma_frames"),
        ({"min_length_frames": 0}, "min_length_frames"),
        ({"max_gap_frames": -1}, "max_gap_frames"),
    ],
)
def test_rules_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        IntervalRule(**changes)


def test_a_lower_threshold_takes_the_lower_one_along():
    assert IntervalConfig().shown_from(0.3).rule("any").keep_threshold == 0.3


def test_times_rounded_to_milliseconds_still_name_their_frames():
    seconds = np.arange(100) * 1001 / 30000
    for first, last in ((0, 0), (3, 7), (98, 99)):
        end = 100 * 1001 / 30000 if last == 99 else seconds[last + 1]
        assert frames_between(seconds, 100 * 1001 / 30000, round(seconds[first], 3), round(end, 3)) == (
            first,
            last + 1,
        )


def test_intervals_of_a_coarser_grid_are_put_on_frames_of_the_video():
    seconds = np.arange(10) / 50
    (one,) = on_frames([Interval("A", 0.041, 0.119)], seconds, 0.2)
    assert (one.start_seconds, one.end_seconds) == (0.04, 0.12)
    (short,) = on_frames([Interval("A", 0.0401, 0.0402)], seconds, 0.2)
    assert (short.start_seconds, short.end_seconds) == (0.04, 0.06)


def interval_experiment(**changes) -> Experiment:
    tiny = tiny_experiment()
    return replace(tiny, kind="interval", task=dataset_task(("IN_FRAME",)), **changes)


def test_a_target_is_present_within_a_range_and_nowhere_else(tmp_path):
    path = write_video(tmp_path / "a.mp4", 50)
    video = label_video(path, [], LABELS, 25, ranges=[Interval("IN_FRAME", 0.4, 0.8)])
    assert video.ranges.tolist() == [[10, 20, 0]]
    config = interval_experiment().targets
    assert [frame for frame in range(50) if targets_at(frame, video, config)[0]] == list(range(10, 20))


def test_a_range_of_a_faster_video_holds_the_grid_frames_that_show_it(tmp_path):
    path = write_video(tmp_path / "a.mp4", 100, rate=50)
    # Source frames 21 to 40: at 25 a second the grid shows 22, 24 ... 40.
    video = label_video(path, [], LABELS, 25, ranges=[Interval("IN_FRAME", 0.42, 0.82)])
    assert video.ranges.tolist() == [[11, 21, 0]]


def test_frames_are_drawn_from_ranges_as_often_as_the_config_says(tmp_path):
    path = write_video(tmp_path / "a.mp4", 200)
    video = label_video(path, [], LABELS, 25, ranges=[Interval("IN_FRAME", 4.0, 4.4)])
    sampling = replace(interval_experiment().sampling, action_window_frames=1, action_probability=0.5)
    assert frames_near(video, 1).tolist() == list(range(100, 110))
    random = np.random.default_rng(0)
    drawn = [ActionSampler(video, sampling).draw(random) for _ in range(1000)]
    assert 0.45 < np.mean([100 <= frame < 110 for frame in drawn]) < 0.55
    assert len(set(drawn)) > 150


@pytest.fixture
def root(tmp_path):
    annotations = [{"from_frame": 10, "to_frame": 30, "label": "IN_FRAME"}]
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", 50)
    entries = [match(name, annotations, fold=number) for number, name in enumerate("ab")]
    return write_dataset(tmp_path, entries, labels=("IN_FRAME",), format="bvas-dataset-2")


def test_the_kind_gives_ranges_to_train_and_clips_to_validate_on(root):
    experiment = interval_experiment()
    kind = kind_of(experiment)
    training, held_out = kind.samples(find_matches(experiment.task, root), 0)
    assert [video.name for video in (*training, *held_out)] == ["b/b", "a/a"]
    assert training[0].ranges.tolist() == [[10, 30, 0]]
    clips = kind.validation_clips(held_out)
    targets = [request.targets[0] for request in clips.requests(0)]
    assert 0 < sum(targets) < len(targets)
    assert "present" not in " ".join(kind.draw_summary(kind.training_clips(training)))


def test_videos_without_a_range_are_not_trained_on(tmp_path):
    entries = []
    for number, name in enumerate("ab"):
        write_video(tmp_path / f"{name}.mp4", 50)
        ranges = [{"label": "IN_FRAME", "from_frame": 10, "to_frame": 30}] if name == "a" else []
        entries.append(match(name, ranges, fold=number))
    write_dataset(tmp_path, entries, labels=("IN_FRAME",), format="bvas-dataset-2")
    experiment = interval_experiment()
    matches = find_matches(experiment.task, tmp_path)
    with pytest.raises(
        DataError, match=r"no range of IN_FRAME in the 1 video to train on \(all but fold 0\)"
    ):
        kind_of(experiment).samples(matches, 0)
    assert len(kind_of(experiment).samples(matches, 1)[0]) == 1


def test_figures_are_the_average_precision_and_the_share_of_right_answers():
    kind = kind_of(interval_experiment())
    scores, targets = (np.array(values, np.float32)[:, None] for values in ([0.9, 0.6, 0.2], [1, 0, 0]))
    assert kind.figures(scores, targets) == pytest.approx({"average_precision": 1.0, "accuracy": 2 / 3})
    assert np.isnan(kind.figures(np.array([[np.nan]], np.float32), np.array([[1]], np.float32))["accuracy"])


def test_a_kind_is_refused_where_another_is_meant():
    with pytest.raises(ConfigError, match="is of kind 'interval', and 'bvas spot' takes kind 'spot'; for"):
        check_kind(interval_experiment(), "spot", "bvas spot")


def test_a_head_of_three_dense_layers_over_single_frames_streams_as_it_computes_whole_clips():
    config = replace(ModelConfig(pretrained=False), encoder="mobilenetv3_small_050", num_blocks_3d=0)
    config = replace(config, dense_features=(32, 8), encoder_drop_path_rate=0.0)
    model = SpottingModel(config, ClipConfig(num_frames=1, frame_step=1, stack_size=1), 1).eval()
    linear = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    assert [layer.out_features for layer in linear] == [32, 8, 1]
    assert set(model.stages()) >= {"head"}
    from bvas.inference.prepared_model import PreparedModel

    prepared = PreparedModel(model)
    frames = torch.rand(3, 1, 64, 96)
    with torch.inference_mode():
        (features,) = prepared.encode(frames.contiguous(memory_format=torch.channels_last))
        assert torch.allclose(prepared.score(features[:, None]), model(frames), atol=1e-4)


def test_the_documents_network_is_a_shipped_config():
    experiment = load_experiment("presence")
    assert (experiment.kind, experiment.input.size, experiment.input.fit) == (
        "interval",
        (224, 224),
        "stretch",
    )
    assert experiment.intervals.threshold == 0.95
    assert len(experiment.model.dense_features) == 2
    model = kind_of(experiment).model()
    assert type(model.encoder.backbone).__name__.startswith("FeatureListNet")
    assert sum(parameter.numel() for parameter in model.encoder.backbone.parameters()) > 23_000_000
