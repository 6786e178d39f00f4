"""Spots of a growing curve: those of the whole one, in its order, as soon as they are certain."""

from itertools import pairwise

import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.inference.incremental_peaks import SpotStream
from bvas.tasks.peaks import find_spots
from bvas.values.annotations import LabelSet

LABELS = LabelSet(("PASS", "DRIVE", "SHOT"))
PASS = LabelSet(("PASS",))


def random_curve(rng, length, num_labels):
    """One of several kinds of curve: noise, steps with ties and flat tops, ramps with ripples, waves, silence."""
    kind = rng.integers(6)
    shape = (length, num_labels)
    if kind == 0:
        scores = rng.random(shape) * rng.choice([0.02, 0.3, 1.0])
    elif kind == 1:
        scores = rng.integers(0, 4, shape) / 4
    elif kind == 2:
        scores = np.linspace(0, 0.9, length)[:, None] + 0.05 * rng.random(shape)
    elif kind == 3:
        scores = np.repeat(rng.random((length // 3 + 1, num_labels)), 3, axis=0)[:length]
    elif kind == 4:
        waves = np.sin(np.arange(length)[:, None] / rng.uniform(1, 9, num_labels))
        scores = 0.5 + 0.5 * waves * np.linspace(*rng.random(2), length)[:, None]
    else:
        scores = np.where(rng.random(shape) < 0.03, rng.random(shape), 0)
    scores = scores.astype(np.float32)
    for _ in range(rng.integers(0, 4) if length else 0):
        start = rng.integers(0, length)
        scores[start : start + rng.integers(1, 30), rng.integers(num_labels)] = np.nan
    return scores


def pushed(stream, scores, seconds, cuts):
    borders = [0, *sorted(cuts), len(scores)]
    spots = []
    for start, stop in pairwise(borders):
        spots += stream.push(scores[start:stop], seconds[start:stop])
    return spots + stream.finish()


@pytest.mark.parametrize("sigma", [0, 0.5, 1.3, 3.0])
@pytest.mark.parametrize("distance", [1, 2, 15])
def test_any_curve_in_any_pieces_gives_the_spots_of_the_whole_in_order(sigma, distance):
    rng = np.random.default_rng([distance, round(sigma * 10)])
    config = PeakConfig(sigma_frames=sigma, min_distance_frames=distance, min_height=0.01)
    stream = SpotStream(LABELS, config)
    found = 0
    for _ in range(200):
        length = int(rng.choice([0, 1, 2, 9, 30, 200, 400]))
        scores = random_curve(rng, length, 3)
        seconds = np.arange(length) / 25
        expected = find_spots(scores, seconds, LABELS, config)
        cuts = rng.integers(0, length + 1, rng.integers(0, 20)).tolist()
        assert pushed(stream, scores, seconds, cuts) == expected
        found += len(expected)
    assert found > 500
    assert pushed(stream, scores, seconds, range(1, length)) == expected  # row by row


def test_labels_with_rules_of_their_own_give_the_spots_of_the_whole_curve_in_order():
    rng = np.random.default_rng(7)
    config = PeakConfig(
        per_label={
            "PASS": PeakRule(sigma_frames=0, min_distance_frames=2, min_height=0.002),
            "SHOT": PeakRule(sigma_frames=5.2, min_distance_frames=40, operating_point=0.5),
        }
    )
    stream = SpotStream(LABELS, config)
    found = 0
    for _ in range(100):
        scores = random_curve(rng, int(rng.choice([1, 30, 200, 400])), 3)
        seconds = np.arange(len(scores)) / 25
        expected = find_spots(scores, seconds, LABELS, config)
        cuts = rng.integers(0, len(scores) + 1, rng.integers(0, 20)).tolist()
        assert pushed(stream, scores, seconds, cuts) == expected
        found += len(expected)
    assert found > 500
    assert stream.delay_rows == 21 + 39  # the most smoothed label, the largest distance


def latencies(scores, config):
    """(row of each spot, rows that had come when it was given out) for a curve that comes row by row."""
    stream = SpotStream(PASS, config)
    rows = []
    for count in range(1, len(scores) + 1):
        spots = stream.push(scores[count - 1 : count], np.array([count - 1.0]))
        rows += [(int(spot.seconds), count - 1) for spot in spots]
    return stream, rows


@pytest.mark.parametrize(("sigma", "distance"), [(3.0, 15), (0, 15), (3.0, 1), (0, 1)])
def test_without_a_chain_a_spot_comes_after_the_delay_that_is_stated(sigma, distance):
    config = PeakConfig(sigma_frames=sigma, min_distance_frames=distance)
    scores = np.zeros((300, 1), np.float32)
    scores[[50, 150], 0] = [0.9, 0.8]

    stream, rows = latencies(scores, config)

    # Sigma 3 looks 12 rows ahead, and the last of 14 rows behind the peak must be known; at least the next one.
    delay = round(4 * sigma) + max(distance - 1, 1)
    assert stream.delay_rows == delay
    assert rows == [(50, 50 + delay), (150, 150 + delay)]


def test_no_spot_that_nothing_higher_follows_comes_later_than_stated_in_noise():
    config = PeakConfig(sigma_frames=0, min_distance_frames=15)
    scores = np.random.default_rng(4).random((2000, 1)).astype(np.float32)

    stream, rows = latencies(scores, config)

    height = scores[:, 0]
    alone = [(row, at) for row, at in rows if height[row] > height[row + 1 : row + 15].max()]
    assert len(alone) > 60
    assert max(at - row for row, at in alone) == stream.delay_rows


def test_a_chain_of_ever_higher_peaks_is_decided_at_its_end():
    config = PeakConfig(sigma_frames=0, min_distance_frames=15)
    scores = np.zeros((300, 1), np.float32)
    # Each removes the one before it, if it stays itself: of 11 peaks every second one stays.
    places = np.arange(20, 130, 10)
    scores[places, 0] = np.linspace(0.2, 0.9, 11)

    _, rows = latencies(scores, config)

    assert rows == [(row, 120 + 14) for row in range(20, 130, 20)]


def test_peaks_below_the_height_asked_for_prolong_no_chain():
    scores = np.zeros((300, 1), np.float32)
    scores[np.arange(20, 130, 10), 0] = np.linspace(0.2, 0.9, 11)

    for lowest, expected in [(0.85, [(120, 134)]), (0.6, [(80, 134), (100, 134), (120, 134)])]:
        config = PeakConfig(sigma_frames=0, min_distance_frames=15, min_height=lowest, operating_point=lowest)
        assert latencies(scores, config)[1] == expected


def test_a_spot_waits_for_those_of_other_labels_that_come_before_it():
    labels = LabelSet(("PASS", "DRIVE"))
    scores = np.zeros((200, 2), np.float32)
    scores[np.arange(20, 130, 10), 0] = np.linspace(0.2, 0.9, 11)
    scores[30, 1] = 0.5
    stream = SpotStream(labels, PeakConfig(sigma_frames=0, min_distance_frames=15))
    assert stream.push(scores[:100], np.arange(100.0)) == []
    assert [spot.seconds for spot in stream.push(scores[100:], np.arange(100.0, 200.0))] == [
        20, 30, 40, 60, 80, 100, 120,
    ]  # fmt: skip


def test_what_is_kept_does_not_grow_with_the_curve():
    rng = np.random.default_rng(0)
    config = PeakConfig(min_height=0.01)
    stream = SpotStream(LABELS, config)
    open_rows = []
    for count in range(0, 20_000, 100):
        rows = rng.random((100, 3)).astype(np.float32)
        stream.push(rows, np.arange(count, count + 100.0))
        open_rows.append(count + 100 - stream.first_open_row)
        assert len(stream._raw) <= 24
    # Chains in smoothed noise are short: the longest of 20,000 rows holds back a few seconds.
    assert max(open_rows) < 400
    assert len(stream._seconds) < 400


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r"\(5, 1\) do not match 4 times and 3 labels"):
        SpotStream(LABELS, PeakConfig()).push(np.zeros((5, 1), np.float32), np.arange(4.0))
