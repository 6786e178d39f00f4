import pytest

from bvas.errors import ConfigError
from bvas.metrics.analysis import Counts, Hit, blind_spots, counts_per_label, match_spots, timing_error
from bvas.metrics.average_precision import mean_average_precision
from bvas.values.annotations import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))


def test_hits_misses_and_false_alarms_are_told_apart():
    annotations = [Annotation("PASS", 10.0), Annotation("DRIVE", 12.0), Annotation("PASS", 20.0)]
    spots = [Spot("PASS", 10.2, 0.9), Spot("PASS", 12.0, 0.8), Spot("PASS", 19.8, 0.4)]

    matching = match_spots(annotations, spots, BALL)

    assert matching.hits == (Hit(annotations[0], spots[0]), Hit(annotations[2], spots[2]))
    assert matching.misses == (annotations[1],)
    assert matching.false_alarms == (spots[1],)  # right moment, wrong label


def test_of_two_spots_at_one_annotation_the_less_sure_is_a_false_alarm():
    spots = [Spot("PASS", 10.0, 0.3), Spot("PASS", 10.4, 0.9)]

    matching = match_spots([Annotation("PASS", 10.0)], spots, BALL)

    assert (matching.hits[0].spot, matching.false_alarms) == (spots[1], (spots[0],))


def test_lists_are_in_order_of_time_whatever_the_input():
    annotations = [Annotation("PASS", 30.0), Annotation("DRIVE", 20.0), Annotation("PASS", 10.0)]

    assert [miss.seconds for miss in match_spots(annotations, [], BALL).misses] == [10, 20, 30]


def test_counts_add_up_over_videos_and_labels():
    first = match_spots([Annotation("PASS", 1.0)], [Spot("PASS", 1.0, 0.9), Spot("DRIVE", 5.0, 0.9)], BALL)
    second = match_spots([Annotation("PASS", 1.0)], [], BALL)

    counts = counts_per_label([first, second], BALL)

    assert counts == {"PASS": Counts(hits=1, misses=1), "DRIVE": Counts(false_alarms=1)}
    assert sum(counts.values(), Counts()) == Counts(hits=1, misses=1, false_alarms=1)


def test_rates_follow_from_the_counts():
    counts = Counts(hits=6, misses=2, false_alarms=4)

    assert (counts.precision, counts.recall, counts.f1) == (0.6, 0.75, pytest.approx(2 / 3))
    assert (Counts().precision, Counts().recall, Counts().f1) == (0, 0, 0)


def test_the_timing_error_is_positive_where_spots_come_late():
    hits = [Hit(Annotation("PASS", 10.0), Spot("PASS", 10.0 + e, 0.9)) for e in (-0.1, 0.1, 0.2, 0.3, 0.5)]

    error = timing_error(hits)

    assert error.num_hits == 5
    assert error.median_seconds == pytest.approx(0.2)
    assert error.spread_seconds == pytest.approx(0.3 - 0.1)


def test_without_hits_there_is_no_timing_error():
    assert timing_error([]) is None


def test_blind_spots_come_at_the_average_rate():
    annotations = [[Annotation("PASS", float(s)) for s in (1, 2, 3, 4, 5)], [Annotation("PASS", 1.0)]]

    first, second = blind_spots(annotations, [40.0, 20.0], BALL)  # 6 in 60 s: one in ten

    assert [spot.seconds for spot in first] == [5, 15, 25, 35]
    assert [spot.seconds for spot in second] == [5, 15]
    assert {spot.label for spot in first + second} == {"PASS"}


def test_a_blind_baseline_hits_no_more_often_than_chance():
    annotations = [[Annotation("PASS", 10.0 * i) for i in range(1, 100)]]  # never 5 s from a blind spot

    assert mean_average_precision(annotations, blind_spots(annotations, [1000.0], BALL), BALL) < 0.05


def test_a_duration_for_every_video_is_asked_for():
    with pytest.raises(ConfigError, match="annotations of 1 video"):
        blind_spots([[]], [], BALL)


def test_a_tolerance_of_zero_is_refused():
    with pytest.raises(ConfigError, match="must be positive, got 0"):
        match_spots([], [], BALL, tolerance_seconds=0)
