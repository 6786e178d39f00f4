"""Figures of found intervals: by hand, by plain loops, and by mmaction2's evaluator."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from interval_cases import DURATION, LABELS, naive_average_precision, random_case

from bvas import ConfigError
from bvas.metrics.interval_scores import Quartiles, interval_scores
from bvas.metrics.temporal_detection import average_recall, temporal_iou
from bvas.values.annotations import Interval, LabelSet

ONE = LabelSet(("IN_FRAME",))
THREE = LabelSet(LABELS)


def span(start: float, end: float, confidence: float = 1.0, label: str = "IN_FRAME") -> Interval:
    return Interval(label, start, end, confidence)


def precisions(truth, found) -> list[float]:
    """Average precision of the one label at each threshold, of one video."""
    row = interval_scores([truth], [found], ONE, [100.0]).average_precision["IN_FRAME"]
    assert row is not None
    return list(row)


def test_tiou_is_the_intersection_over_the_union():
    spans = np.array([[0.0, 10.0], [20.0, 30.0]])
    others = np.array([[5.0, 15.0], [0.0, 10.0], [10.0, 20.0]])
    assert temporal_iou(spans, others).tolist() == [[np.float32(1 / 3), 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_an_interval_counts_up_to_its_tiou():
    # 8.2 of 10 seconds: a tIoU of 0.82, so 0.5 to 0.8 are reached.
    assert precisions([span(0, 10)], [span(0, 8.2)]) == [1.0] * 7 + [0.0] * 3


def test_a_false_alarm_before_the_hit_halves_the_precision_and_one_behind_it_does_nothing():
    hit, alarm = span(0, 10, 0.5), (30, 40)
    assert precisions([span(0, 10)], [hit, span(*alarm, 0.9)])[0] == 0.5
    assert precisions([span(0, 10)], [hit, span(*alarm, 0.1)])[0] == 1.0


def test_the_precision_at_a_recall_is_the_best_from_there_on():
    truth = [span(10 * i, 10 * i + 5) for i in range(3)]
    # Alarm, hit, hit, none for the third: precisions 1/2 and 2/3 at recalls 1/3 and 2/3; both count 2/3.
    found = [span(50, 55, 0.9), span(0, 5, 0.8), span(10, 15, 0.7)]
    assert precisions(truth, found)[0] == pytest.approx(2 * (2 / 3) / 3)


def test_a_true_interval_is_taken_once_and_the_second_best_goes_to_the_next():
    assert precisions([span(0, 10)], [span(0, 10, 0.9), span(0, 9, 0.8)])[0] == 1.0
    # The better one takes the first; the other overlaps the second enough.
    truth = [span(0, 10), span(4, 14)]
    assert precisions(truth, [span(0, 10, 0.9), span(1, 11, 0.8)])[0] == 1.0
    assert precisions(truth, [span(0, 10, 0.9), span(0, 10.5, 0.8)])[0] == 0.5


def test_intervals_are_ranked_over_all_videos():
    truth = [[span(0, 10)], [span(0, 10)]]
    found = [[span(0, 10, 0.3)], [span(50, 60, 0.5), span(0, 10, 0.4)]]
    # Alarm, hit, hit: 1/2 and 2/3, both counted as 2/3.
    scores = interval_scores(truth, found, ONE, [100, 100])
    assert scores.mean_average_precision == pytest.approx((2 / 3,) * 10)


def test_equal_confidences_keep_the_order_that_they_have():
    truth = [span(0, 10)]
    assert precisions(truth, [span(0, 10, 0.5), span(30, 40, 0.5)])[0] == 1.0
    assert precisions(truth, [span(30, 40, 0.5), span(0, 10, 0.5)])[0] == 0.5


def test_a_label_without_truth_has_no_precision_and_one_without_finds_has_none_left():
    truth = [[span(0, 10, label="IN_FRAME"), span(0, 10, label="DUNK")]]
    found = [[span(0, 10, label="IN_FRAME"), span(0, 10, label="BREAK")]]
    scores = interval_scores(truth, found, THREE, [20])
    assert scores.average_precision == {"IN_FRAME": (1.0,) * 10, "DUNK": (0.0,) * 10, "BREAK": None}
    assert scores.mean == 0.5
    nothing = interval_scores([[]], [[]], THREE, [20])
    assert (nothing.mean, nothing.boundary_error, nothing.mean_frame_accuracy) == (None, None, 1.0)


def test_merged_names_count_and_unknown_ones_do_not():
    labels = LabelSet(("IN_FRAME",), merged={"PLAYER": "IN_FRAME"})
    found = [[span(0, 10, 0.5, "PLAYER"), span(20, 30, 0.9, "BIRD")]]
    assert interval_scores([[span(0, 10)]], found, labels, [40]).mean == 1.0


@pytest.mark.parametrize("seed", range(0, 200, 5))
def test_random_cases_equal_plain_loops(seed):
    truth, found = random_case(seed)
    scores = interval_scores(truth, found, THREE, [DURATION] * len(truth))
    for label, row in scores.average_precision.items():
        if row is None:
            continue
        wanted = [naive_average_precision(truth, found, label, t) for t in scores.thresholds]
        assert row == pytest.approx(wanted, abs=1e-12)


def test_200_random_cases_equal_mmaction2():
    wanted = json.loads(Path(__file__).with_name("mmaction2_map.json").read_text())["map"]
    assert len(wanted) == 200
    for seed, row in enumerate(wanted):
        truth, found = random_case(seed)
        scores = interval_scores(truth, found, THREE, [DURATION] * len(truth))
        assert scores.mean_average_precision == pytest.approx(row, abs=1e-9), seed


def test_activitynets_form_of_two_real_videos_equals_mmaction2(shared_data):
    videos = json.loads((shared_data / "intervals/gt.json").read_text())
    results = json.loads((shared_data / "intervals/result.json").read_text())["results"]
    truth = [[Interval(one["label"], *one["segment"]) for one in v["annotations"]] for v in videos.values()]
    # The names of the videos have "v_" before them in the one file only.
    found = [
        [Interval(one["label"], *one["segment"], one["score"]) for one in results[name[2:]]]
        for name in videos
    ]
    durations = [video["duration"] for video in videos.values()]
    labels = LabelSet(("Wakeboarding", "Cleaning shoes"))
    scores = interval_scores(truth, found, labels, durations)
    wakeboarding = [3 / 7] * 3 + [3 / 8] * 2 + [7 / 36] + [1 / 24] * 3 + [0]
    assert scores.average_precision["Wakeboarding"] == pytest.approx(wakeboarding, abs=1e-9)
    assert scores.average_precision["Cleaning shoes"] == (1.0,) * 10
    assert scores.mean == pytest.approx(0.6177579365079365, abs=1e-9)


def test_recall_counts_the_most_confident_of_each_video_whatever_their_label():
    truth = [[span(0, 10), span(20, 30, label="DUNK")], [span(0, 10)]]
    found = [[span(20, 30, 0.9), span(0, 10, 0.8)], [span(50, 60, 0.9), span(0, 8.2, 0.1)]]
    scores = interval_scores(truth, found, THREE, [100, 100])
    # One each: the first video's second truth. Five: all, the last up to a tIoU of 0.8.
    assert scores.recall[1] == pytest.approx(1 / 3)
    assert scores.recall[5] == pytest.approx((3 * 7 + 2 * 3) / 30)
    assert average_recall([], [], [], 1) == 0.0


def test_frame_accuracy_is_the_share_of_time_with_the_right_presence():
    truth = [[span(10, 20)], []]
    # Wrong: 10 to 11 and 20 to 23 of 100 s; 5 of 50 s. Overlapping finds count once, what lies outside not at all.
    found = [[span(11, 18), span(15, 23)], [span(45, 70)]]
    scores = interval_scores(truth, found, ONE, [100, 50])
    assert scores.frame_accuracy["IN_FRAME"] == pytest.approx(1 - (1 + 3 + 5) / 150)
    assert scores.mean_frame_accuracy == scores.frame_accuracy["IN_FRAME"]


def test_boundary_errors_are_those_of_pairs_at_a_tiou_of_a_half():
    truth = [span(0, 10), span(20, 30), span(40, 50), span(60, 70)]
    found = [span(0.1, 10), span(20.2, 29), span(40.3, 52), span(66, 76), span(80, 90)]
    error = interval_scores([truth], [found], ONE, [100], rate=25).boundary_error
    assert error is not None
    assert error.num_pairs == 3
    for quartiles, wanted in ((error.start, (0.15, 0.2, 0.25)), (error.end, (0.5, 1.0, 1.5))):
        assert (quartiles.lower, quartiles.median, quartiles.upper) == pytest.approx(wanted)
    # 0, 0.1, 0.2, 0.3, 1, 2
    assert error.both.median == pytest.approx(0.25)


def test_intervals_below_the_operating_point_count_for_precision_only():
    truth, found = [[span(0, 10)]], [[span(0, 10, 0.4), span(0, 9, 0.3), span(50, 60, 0.9)]]
    low, high = (interval_scores(truth, found, ONE, [100], operating_point=p) for p in (0.35, 0.5))
    assert low.mean == high.mean == 0.5
    assert (low.frame_accuracy["IN_FRAME"], high.frame_accuracy["IN_FRAME"]) == pytest.approx((0.9, 0.8))
    assert low.boundary_error is not None
    assert low.boundary_error.both == Quartiles(lower=0, median=0, upper=0)
    assert high.boundary_error is None


def test_the_figures_as_plain_data():
    scores = interval_scores([[span(0, 10)]], [[span(0.2, 8.2)]], ONE, [50], rate=25)
    content = json.loads(json.dumps(scores.to_json()))
    assert list(content["by_tiou"])[::5] == ["0.50", "0.75"]
    assert content["by_tiou"]["0.80"] == 1.0
    assert content["mean_average_precision"] == pytest.approx(0.7)
    assert content["labels"]["IN_FRAME"]["by_tiou"] == content["by_tiou"]
    assert content["frame_accuracy"] == pytest.approx(0.96)
    assert content["boundary_error"]["start_frames"]["median"] == pytest.approx(5)
    assert content["boundary_error"]["end_seconds"]["median"] == pytest.approx(1.8)
    in_seconds = interval_scores([[span(0, 10)]], [[span(0, 9)]], ONE, [50]).to_json()["boundary_error"]
    assert set(in_seconds) == {"num_pairs", "start_seconds", "end_seconds", "both_seconds"}


@pytest.mark.parametrize(
    ("truth", "found", "durations", "message"),
    [
        ([[]], [[], []], [9], "of 1 video, found ones of 2 and 1 durations"),
        ([[]], [[]], [], "and 0 durations; give each for every video"),
        ([[]], [[]], [0.0], r"above 0, got \[0.0\]"),
        ([[span(5, 5)]], [[]], [9], "must end after its start"),
        ([[]], [[span(6, 5)]], [9], r"start_seconds=6, end_seconds=5"),
        ([[]], [[span(0, 5, math.nan)]], [9], "finite"),
        ([[]], [[span(0, math.inf)]], [9], "finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth, found, durations, message):
    with pytest.raises(ConfigError, match=message):
        interval_scores(truth, found, ONE, durations)
