from fractions import Fraction

import numpy as np
import pytest
from loading_videos import labelled

from bvas.errors import ConfigError
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.sampling import ActionSampler
from bvas.loading.weighting import (
    WeightedSampler,
    effective_number_weights,
    label_counts,
    scores_on_grid,
)
from bvas.values.score_curve import ScoreCurve
from bvas.video.index.frame_grid import Grid


def test_a_label_weighs_by_the_inverse_of_its_effective_number():
    # beta 0.5: 1, 1 + 1/2 and 1 + 1/2 + 1/4 effective annotations.
    weights = effective_number_weights(np.array([1, 2, 3]), 0.5)
    assert weights.tolist() == pytest.approx([1.0, 2 / 3, 4 / 7])


def test_the_effective_number_runs_from_one_to_the_number_itself():
    counts = np.array([1, 10, 1000])
    assert effective_number_weights(counts, 0.0).tolist() == [1.0, 1.0, 1.0]
    assert effective_number_weights(counts, 1 - 1e-9).tolist() == pytest.approx([1.0, 0.1, 0.001], rel=1e-4)


def test_a_label_without_annotations_weighs_nothing():
    assert effective_number_weights(np.array([0, 4]), 0.9)[0] == 0.0


def test_labels_are_counted_over_all_videos():
    videos = [labelled(50, [(3, 0), (9, 2), (20, 2)], num_labels=4), labelled(50, [(3, 2)], num_labels=4)]
    assert label_counts(videos).tolist() == [1, 0, 3, 0]


def probabilities(sampler, num_frames):
    """Return the probability that each of a video's grid frames is drawn."""
    is_near = np.isin(np.arange(num_frames), sampler._near)
    near = np.diff(sampler._near_sums, prepend=0.0)
    others = np.ones(sampler._num_others)
    if sampler._other_sums is not None:
        others = np.diff(sampler._other_sums, prepend=0.0)
    share = sampler._action_probability if len(near) and len(others) else float(len(near) > 0)
    probabilities = np.zeros(num_frames)
    probabilities[is_near] = share * near / max(near.sum(), 1e-300)
    probabilities[~is_near] = (1.0 - share) * others / max(others.sum(), 1e-300)
    return probabilities


def small(**changes):
    return SamplingConfig(**{"action_window_frames": 3, "hard_negative_window_frames": 7} | changes)


def test_action_frames_are_drawn_by_the_weight_of_their_heaviest_label():
    # Frames 1 to 3 are near label 0, frames 3 to 5 near label 1, which is three times as heavy: 1 + 1 + 3 * 3.
    video = labelled(10, [(2, 0), (4, 1)])
    sampler = WeightedSampler(video, small(), label_weights=np.array([1.0, 3.0]))
    expected = (
        np.array([0, 1, 1, 3, 3, 3, 0, 0, 0, 0]) / 11 / 2 + np.isin(np.arange(10), [0, 6, 7, 8, 9]) / 10
    )
    assert probabilities(sampler, 10).tolist() == pytest.approx(expected.tolist())


def test_windows_at_the_edges_of_a_video_weigh_too():
    sampler = WeightedSampler(labelled(6, [(0, 0), (5, 1)]), small(), label_weights=np.array([1.0, 2.0]))
    assert probabilities(sampler, 6).tolist() == pytest.approx([1 / 12, 1 / 12, 1 / 4, 1 / 4, 2 / 12, 2 / 12])


def test_hard_negatives_by_hand():
    # Action frames 4, 5, 6 at weight 1; 9 others, so each weighs 3 / 9 without scores.
    # Scores count 0 in 2..8 (window 7); 0.9 at frame 0 and 0.5 at frame 10 stay, 0.2 at frame 9 is below 3 / 9.
    video = labelled(12, [(5, 0)])
    scores = np.array([0.9, 0.0, 1.0, 1.0, 0.1, 0.1, 0.1, 1.0, 1.0, 0.2, 0.5, 0.0])
    sampler = WeightedSampler(video, small(), scores=scores)

    third = 1 / 3
    others = np.array([0.9, third, third, third, 0, 0, 0, third, third, third, 0.5, third])
    expected = others / others.sum() / 2
    expected[4:7] = 1 / 6
    assert probabilities(sampler, 12).tolist() == pytest.approx(expected.tolist())


def test_the_share_of_action_sets_what_scores_are_measured_against():
    # A quarter action: 3 action frames at 1 and 9 others at 3 / 4 * 4 / 9 * 3 = 1; no score is above it.
    sampler = WeightedSampler(
        labelled(12, [(5, 0)]), small(action_probability=0.25), scores=np.full(12, 0.99)
    )
    assert probabilities(sampler, 12)[[0, 5]].tolist() == pytest.approx([0.75 / 9, 0.25 / 3])


def test_draws_follow_the_weights():
    video = labelled(12, [(5, 0), (6, 1)])
    scores = np.zeros(12)
    scores[[0, 11]] = 1.0
    sampler = WeightedSampler(video, small(), label_weights=np.array([1.0, 4.0]), scores=scores)
    random = np.random.default_rng(0)
    counts = np.bincount([sampler.draw(random) for _ in range(8000)], minlength=12)
    # The standard deviation of a count is at most 40.
    assert np.abs(counts - 8000 * probabilities(sampler, 12)).max() < 160


def test_the_same_stream_draws_the_same_frames():
    sampler = WeightedSampler(labelled(500, [(50, 0)]), SamplingConfig(), scores=np.linspace(0, 1, 500))
    first, second = (
        [sampler.draw(random) for _ in range(20)]
        for random in (np.random.default_rng(7), np.random.default_rng(7))
    )
    assert first == second


def test_a_video_without_annotations_or_without_other_frames_draws_from_all_it_has():
    empty = WeightedSampler(
        labelled(4), small(), label_weights=np.array([1.0, 1.0]), scores=np.array([1.0, 0, 0, 0])
    )
    full = WeightedSampler(labelled(3, [(1, 0)]), small(), scores=np.ones(3))
    assert probabilities(empty, 4).tolist() == [0.25] * 4
    assert probabilities(full, 3).tolist() == pytest.approx([1 / 3] * 3)
    random = np.random.default_rng(0)
    assert {empty.draw(random) for _ in range(200)} == {0, 1, 2, 3}
    assert {full.draw(random) for _ in range(200)} == {0, 1, 2}


def test_the_plain_sampler_draws_as_it_always_did():
    sampler = ActionSampler(labelled(1000, [(100, 0), (400, 1)]), SamplingConfig())
    random = np.random.default_rng(3)
    assert [sampler.draw(random) for _ in range(8)] == [99, 241, 38, 97, 100, 165, 104, 393]


def grid(num_frames, rate=25):
    return Grid(rate=Fraction(rate), indices=np.arange(num_frames), seconds=np.arange(num_frames) / rate)


def curve(scores, first_frame=0, rate=25.0):
    scores = np.asarray(scores, dtype=np.float32)
    return ScoreCurve(
        scores, (first_frame + np.arange(len(scores))) / rate, ("PASS", "DRIVE")[: scores.shape[1]]
    )


def test_a_curve_counts_with_its_highest_label_and_not_where_it_has_no_rows():
    # The seed's curves begin after the first frames and end before the last.
    scores = scores_on_grid(curve([[0.1, 0.5], [0.75, 0.25]], first_frame=2), grid(6))
    assert scores.tolist() == [0.0, 0.0, 0.5, 0.75, 0.0, 0.0]


def test_a_stretch_that_was_not_decoded_has_no_scores():
    assert scores_on_grid(curve([[0.5], [np.nan], [0.25]]), grid(3)).tolist() == [0.5, 0.0, 0.25]


def test_a_curve_of_another_rate_is_aligned_by_time():
    # Rows at 0, 0.08 and 0.16 s on a grid of 0.04 s; a tie takes the earlier row.
    scores = scores_on_grid(curve([[0.25], [0.5], [1.0]], rate=12.5), grid(6))
    assert scores.tolist() == [0.25, 0.25, 0.5, 0.5, 1.0, 1.0]


def test_a_curve_without_rows_says_nothing():
    assert scores_on_grid(curve(np.zeros((0, 1))), grid(3)).tolist() == [0.0, 0.0, 0.0]


def test_weights_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"effective_number_beta must lie in \[0, 1\), got 1.0"):
        SamplingConfig(effective_number_beta=1.0)
    with pytest.raises(ConfigError, match="hard_negative_window_frames must be odd and at least 1, got 26"):
        SamplingConfig(hard_negative_window_frames=26)
