import numpy as np

from bvas.metrics.matching import match_times


def match(annotations, spots, tolerance=1.0):
    """`spots` as (time, confidence) pairs."""
    times, confidences = np.array(spots, dtype=np.float64).reshape(-1, 2).T
    return match_times(np.array(annotations, dtype=np.float64), times, confidences, tolerance).tolist()


def test_an_annotation_takes_the_surest_spot_in_reach_not_the_nearest():
    assert match([10], [(9.5, 0.9), (10.0, 0.3), (12.0, 1.0)]) == [0]


def test_of_equally_sure_spots_the_earliest_is_taken():
    assert match([10], [(9.5, 0.7), (10.0, 0.7)]) == [0]


def test_a_spot_answers_one_annotation_only():
    assert match([10, 10.5], [(10.2, 0.9)]) == [0, -1]


def test_an_earlier_annotation_may_take_what_a_later_one_needed():
    assert match([10, 11], [(9.5, 0.5), (10.8, 0.9)]) == [1, -1]


def test_the_tolerance_itself_is_counted_in():
    assert match([10], [(11.0, 0.1)]) == [0]
    assert match([10], [(11.01, 0.1)]) == [-1]


def test_nothing_matches_nothing():
    assert match([], [(1, 0.5)]) == []
    assert match([1], []) == [-1]


def test_the_confidences_given_are_left_alone():
    confidences = np.array([0.5])
    match_times(np.array([1.0]), np.array([1.0]), confidences, 1.0)
    assert confidences.tolist() == [0.5]
