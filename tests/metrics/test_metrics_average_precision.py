import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.metrics.average_precision import (
    average_precision,
    interpolated_average_precision,
    mean_average_precision,
)
from bvas.values.annotations import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))
PASS = LabelSet(("PASS",))


def annotations_at(*seconds, label="PASS"):
    return [Annotation(label, float(s)) for s in seconds]


def spots_at(*seconds, label="PASS", confidence=0.9):
    return [Spot(label, float(s), confidence) for s in seconds]


def test_the_same_times_score_one():
    assert average_precision([annotations_at(1, 5, 9)], [spots_at(1, 5, 9)], PASS) == {"PASS": 1.0}


def test_half_a_second_is_near_enough_and_more_is_not():
    assert mean_average_precision([annotations_at(10)], [spots_at(10.5)], PASS) == 1.0
    assert mean_average_precision([annotations_at(10)], [spots_at(10.501)], PASS) == 0.0
    assert mean_average_precision([annotations_at(10)], [spots_at(11)], PASS, tolerance_seconds=1) == 1.0


def test_a_distance_of_the_tolerance_counts_though_decimals_round():
    for tenth in range(100):
        at = tenth / 10
        assert mean_average_precision([annotations_at(at)], [spots_at(at + 0.5)], PASS) == 1.0


def test_labels_are_scored_apart_and_averaged_plainly():
    annotations = [annotations_at(1, 2, 3) + annotations_at(4, label="DRIVE")]

    assert average_precision(annotations, [spots_at(1, 2, 3)], BALL) == {"PASS": 1.0, "DRIVE": 0.0}
    assert mean_average_precision(annotations, [spots_at(1, 2, 3)], BALL) == 0.5


def test_a_false_alarm_surer_than_the_hits_halves_the_precision():
    spots = [*spots_at(100, confidence=0.95), *spots_at(1, confidence=0.5)]

    assert mean_average_precision([annotations_at(1)], [spots], PASS) == pytest.approx(0.5)


def test_a_false_alarm_less_sure_than_the_hits_costs_nothing():
    spots = [*spots_at(100, confidence=0.05), *spots_at(1, confidence=0.5)]

    assert mean_average_precision([annotations_at(1)], [spots], PASS) == 1.0


def test_spots_answer_annotations_of_their_own_video():
    assert mean_average_precision([annotations_at(1), []], [[], spots_at(1)], PASS) == 0.0


def test_all_videos_make_one_curve():
    annotations = [annotations_at(1), annotations_at(1)]
    spots = [spots_at(1, confidence=0.9), spots_at(50, confidence=0.8) + spots_at(1, confidence=0.1)]
    # Sorted: hit, false alarm, hit. Precision 1 up to recall 0.5, then 2/3: (6 * 1 + 5 * 2/3) / 11.
    assert mean_average_precision(annotations, spots, PASS) == pytest.approx((6 + 10 / 3) / 11)


def test_a_merged_name_counts_as_its_label_and_an_unknown_one_not_at_all():
    labels = LabelSet(("CARD",), merged={"Red card": "CARD"})

    annotations = [annotations_at(1, label="Red card") + annotations_at(5, label="Goal")]

    assert mean_average_precision(annotations, [spots_at(1, label="CARD")], labels) == 1.0


def test_nothing_at_all_scores_zero():
    assert mean_average_precision([], [], PASS) == 0.0
    assert mean_average_precision([[]], [spots_at(1)], PASS) == 0.0
    assert mean_average_precision([annotations_at(1)], [[]], PASS) == 0.0


def test_a_threshold_includes_the_confidence_that_equals_it():
    # The highest threshold is 1.
    assert interpolated_average_precision(np.array([1.0]), np.array([True]), 1) == 1.0


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance):
    with pytest.raises(ConfigError, match="must be positive"):
        average_precision([[]], [[]], PASS, tolerance_seconds=tolerance)


def test_a_missing_video_is_refused():
    with pytest.raises(ConfigError, match="annotations of 1 video and spots of 2"):
        mean_average_precision([[]], [[], []], PASS)
