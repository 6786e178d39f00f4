import tracemalloc

import numpy as np
import pytest

from bvas.metrics.bootstrap import (
    MIN_MATCHES,
    NUM_RESAMPLES,
    SEED,
    difference_interval,
    resampled_means,
    resamples,
    score_interval,
)
from bvas.metrics.official import official_scores, official_tally, scores_of
from bvas.values.annotations import Annotation, LabelSet, Spot

PASS = LabelSet(("PASS",))
BALL = LabelSet(("PASS", "DRIVE"))


def video(num_found, num_annotations=10, label="PASS"):
    """Annotations ten seconds apart, of which the first ones are spotted."""
    annotations = [Annotation(label, 10.0 * (i + 1)) for i in range(num_annotations)]
    return annotations, [Spot(label, a.seconds, 0.9) for a in annotations[:num_found]]


def tally_of(videos, labels=PASS, groups=None):
    annotations, spots = zip(*videos, strict=True)
    return official_tally(annotations, spots, labels, groups=groups or range(len(videos)))


def random_videos(number):
    draw = np.random.default_rng(7)
    return [
        (
            [Annotation("PASS", s, visible=draw.random() < 0.8) for s in draw.uniform(0, 60, 20)],
            [Spot("PASS", s, float(draw.random())) for s in draw.uniform(0, 60, 40)],
        )
        for _ in range(number)
    ]


@pytest.mark.parametrize("metric", ["at1", "tight"])
def test_a_group_taken_twice_scores_as_its_videos_given_twice(metric):
    annotations, spots = zip(*random_videos(4), strict=True)
    counts = official_tally(annotations, spots, PASS, metric=metric, groups=[0, 1, 1, 2])

    weighted = scores_of(counts, PASS, np.array([2.0, 1.0, 0.0]))

    taken = [0, 0, 1, 2]
    expected = official_scores(
        [annotations[i] for i in taken], [spots[i] for i in taken], PASS, metric=metric
    )
    assert expected.mean > 0.05
    assert weighted.mean == pytest.approx(expected.mean, abs=1e-12)
    assert weighted.visible_mean == pytest.approx(expected.visible_mean, abs=1e-12)
    assert weighted.unshown_mean == pytest.approx(expected.unshown_mean, abs=1e-12)


def test_resamples_count_the_draws_in_memory_that_grows_with_the_groups():
    draws = np.random.default_rng(SEED).integers(2000, size=(NUM_RESAMPLES, 2000))
    tracemalloc.start()
    weights = resamples(2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [weights[3, group] for group in range(2000)] == [
        (draws[3] == group).sum() for group in range(2000)
    ]
    # Five arrays of 16 MB; a comparison of every draw with every group would take 4 GB.
    assert peak < 100e6


def test_resamples_are_always_the_same_and_as_large_as_the_matches_are_many():
    weights = resamples(7)

    assert weights.shape == (NUM_RESAMPLES, 7)
    assert np.array_equal(weights.sum(axis=1), np.full(NUM_RESAMPLES, 7))
    assert np.array_equal(weights, resamples(7))
    assert weights.mean(axis=0) == pytest.approx(1.0, abs=0.1)


def test_matches_that_are_alike_have_an_interval_of_no_width():
    interval = score_interval(tally_of([video(10)] * 5))
    assert (interval.low, interval.high, interval.num_matches) == (1.0, 1.0, 5)


def test_the_interval_holds_the_score_and_spans_what_matches_score():
    # Recalls 0, 0.2, 0.4, 0.6, 0.8 and 1 with no false alarm: together 0.5, which scores 6/11.
    counts = tally_of([video(n) for n in (0, 2, 4, 6, 8, 10)])

    interval = score_interval(counts)

    assert scores_of(counts, PASS).mean == pytest.approx(6 / 11)
    # A recall is a mean of six draws with standard deviation 0.34 / sqrt(6) = 0.14; the score is
    # (1 + ten times the recall, rounded down) / 11.
    assert 2 / 11 <= interval.low <= 4 / 11
    assert 8 / 11 <= interval.high <= 10 / 11


def test_two_matches_have_no_interval():
    assert MIN_MATCHES == 3
    assert score_interval(tally_of([video(5)] * 2)) is None
    assert difference_interval(tally_of([video(5)] * 2), tally_of([video(6)] * 2)) is None


def test_a_difference_that_all_matches_share_is_told_from_none_though_matches_differ_more():
    # One match scores far below another, and the second system finds one more in each.
    first = tally_of([video(n) for n in (1, 3, 5, 7, 9)])
    second = tally_of([video(n + 1) for n in (1, 3, 5, 7, 9)])

    difference = difference_interval(first, second)

    assert difference.excludes_zero
    assert difference.low == pytest.approx(1 / 11)
    assert score_interval(first).high > score_interval(second).low


def test_a_difference_that_changes_sides_is_not_told_from_none():
    first = tally_of([video(n) for n in (2, 4, 6, 8)])
    second = tally_of([video(n) for n in (4, 2, 8, 6)])

    difference = difference_interval(first, second)

    assert difference.low < 0 < difference.high
    assert not difference.excludes_zero


def test_a_label_that_a_resample_lacks_is_left_out_and_one_that_nobody_has_counts_zero():
    three = LabelSet(("PASS", "DRIVE", "GOAL"))
    counts = tally_of([video(10), video(10, label="DRIVE")], labels=three)

    both, only_the_first = resampled_means(counts, np.array([[1.0, 1.0], [2.0, 0.0]]))

    assert both == pytest.approx(2 / 3)
    assert only_the_first == pytest.approx(1 / 2)
