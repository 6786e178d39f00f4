import numpy as np
import pytest

from bvas.metrics.bootstrap import resamples
from bvas.metrics.exact import exact_average_precision, rank_spots
from bvas.metrics.label_events import moment_events, tolerance_us
from bvas.values.annotations import Annotation, LabelSet, Spot

PASS = LabelSet(("PASS",))


def ranked(annotations, spots, tolerance=0.5):
    """Times of annotations, (time, confidence) of spots, a video each."""
    events = moment_events(
        [[Annotation("PASS", t) for t in video] for video in annotations],
        [[Spot("PASS", t, c) for t, c in video] for video in spots],
        PASS,
    )
    videos = np.arange(len(annotations))
    return rank_spots(events[0], tolerance_us(tolerance), videos, len(videos))


def exact(annotations, spots, tolerance=0.5):
    return exact_average_precision(
        ranked(annotations, spots, tolerance), np.ones((1, len(annotations)))
    ).item()


def test_recall_that_is_not_reached_adds_nothing():
    # Nine of ten found: the official rule gives 10/11.
    times = [10.0 * i for i in range(10)]
    assert exact([times], [[(t, 0.9) for t in times[:9]]]) == pytest.approx(0.9)


def test_each_hit_counts_the_precision_at_its_own_confidence():
    # Hit, false alarm, hit: (1/1 + 2/3) / 2, without the best precision further on.
    spots = [(1.0, 0.9), (50.0, 0.8), (2.0, 0.7)]
    assert exact([[1.0, 2.0]], [spots]) == pytest.approx((1 + 2 / 3) / 2)


def test_confidences_closer_than_a_threshold_are_told_apart():
    # Both lie between two of the official 200 thresholds.
    assert exact([[1.0]], [[(1.0, 0.5002), (50.0, 0.5001)]]) == 1.0
    assert exact([[1.0]], [[(1.0, 0.5001), (50.0, 0.5002)]]) == 0.5


def test_equal_confidences_are_taken_together():
    assert exact([[1.0]], [[(1.0, 0.5), (50.0, 0.5)]]) == 0.5
    assert exact([[1.0]], [[(50.0, 0.5), (1.0, 0.5)]]) == 0.5


def test_times_are_exact_and_the_tolerance_counts():
    for tenth in range(100):
        at = tenth / 10
        assert exact([[at]], [[(at + 0.5, 0.9)]]) == 1.0
    assert exact([[10.0]], [[(10.5001, 0.9)]]) == 0.0


def test_nothing_scores_nothing():
    assert exact([[]], [[]]) == 0.0
    assert exact([[]], [[(1.0, 0.9)]]) == 0.0
    assert exact([[1.0]], [[]]) == 0.0


def test_a_sample_of_videos_scores_as_these_videos_given():
    draw = np.random.default_rng(3)
    annotations = [draw.uniform(0, 60, 10).tolist() for _ in range(4)]
    spots = [
        list(zip(draw.uniform(0, 60, 30).tolist(), draw.integers(0, 20, 30) / 20, strict=True))
        for _ in range(4)
    ]
    weights = resamples(4)[:25]

    sampled = exact_average_precision(ranked(annotations, spots), weights)

    for taken, score in zip(weights.astype(int), sampled, strict=True):
        videos = np.repeat(np.arange(4), taken)
        expected = exact([annotations[v] for v in videos], [spots[v] for v in videos])
        assert expected > 0
        assert score == pytest.approx(expected, abs=1e-6)
