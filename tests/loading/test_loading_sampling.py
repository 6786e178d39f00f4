import numpy as np
import pytest
from loading_videos import labelled

from bvas.errors import ConfigError
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.sampling import ActionSampler, sample_seed, sample_stream, shake


def draws(video, config, count=4000):
    random = np.random.default_rng(0)
    sampler = ActionSampler(video, config)
    return np.array([sampler.draw(random) for _ in range(count)])


def test_half_the_draws_lie_within_four_frames_of_an_annotation():
    frames = draws(labelled(1000, [(500, 0)]), SamplingConfig())
    near = np.abs(frames - 500) <= 4
    # 4000 coins: the standard deviation of the share is 0.008.
    assert 0.46 < near.mean() < 0.54
    assert set(frames[near].tolist()) == set(range(496, 505))


def test_the_other_frames_are_drawn_evenly_and_never_near_an_annotation():
    config = SamplingConfig(action_probability=0.0)
    frames = draws(labelled(30, [(5, 0), (20, 1)]), config)
    counts = np.bincount(frames, minlength=30)
    others = [*range(1), *range(10, 16), *range(25, 30)]  # 12 frames: 333 draws each
    assert np.flatnonzero(counts).tolist() == others
    assert counts[others].min() > 250
    assert counts[others].max() < 420


def test_windows_that_overlap_or_leave_the_video_count_each_frame_once():
    frames = draws(labelled(30, [(1, 0), (3, 0), (29, 0)]), SamplingConfig(action_probability=1.0))
    counts = np.bincount(frames, minlength=30)
    near = [*range(8), *range(25, 30)]  # 13 frames: 308 draws each
    assert np.flatnonzero(counts).tolist() == near
    assert counts[near].min() > 230
    assert counts[near].max() < 390


def test_a_video_without_annotations_draws_from_all_its_frames():
    frames = draws(labelled(20), SamplingConfig(action_probability=1.0))
    assert set(frames.tolist()) == set(range(20))


def test_a_video_that_is_all_action_draws_action():
    frames = draws(labelled(5, [(2, 0)]), SamplingConfig(action_probability=0.0))
    assert set(frames.tolist()) == set(range(5))


def test_a_quarter_of_the_clips_is_shaken_by_the_given_odds():
    random = np.random.default_rng(0)
    grid_frames = np.arange(0, 30, 2)
    moves = np.array([shake(grid_frames, SamplingConfig(), random) - grid_frames for _ in range(4000)])
    shaken = np.any(moves != 0, axis=1)
    assert 0.22 < shaken.mean() < 0.28
    odds = [float((moves[shaken] == move).mean()) for move in (-1, 0, 1)]
    assert odds == pytest.approx([0.2, 0.6, 0.2], abs=0.02)


def test_without_shake_probability_no_clip_is_shaken():
    random = np.random.default_rng(0)
    grid_frames = np.arange(15)
    config = SamplingConfig(shake_probability=0.0)
    assert all(np.array_equal(shake(grid_frames, config, random), grid_frames) for _ in range(100))


def test_a_sample_draws_the_same_again_and_unlike_its_neighbors():
    def first_draws(*key):
        return sample_stream(*key).random(3).tolist()

    assert first_draws(1, 2, 3) == first_draws(1, 2, 3)
    different = [first_draws(1, 2, 3), first_draws(1, 2, 4), first_draws(1, 3, 3), first_draws(2, 2, 3)]
    assert len({tuple(numbers) for numbers in different}) == 4


def test_augmentation_seeds_differ_and_fit_int64():
    seeds = {sample_seed(0, epoch, sample) for epoch in range(3) for sample in range(300)}
    assert len(seeds) == 900
    assert min(seeds) >= 0
    assert max(seeds) < 2**63


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("clips_per_epoch", 0, "at least 1"),
        ("action_window_frames", 8, "must be odd"),
        ("action_probability", 1.5, r"in \[0, 1\]"),
        ("shake_weights", (0.0, 0.0, 0.0), "three odds"),
    ],
)
def test_a_config_that_cannot_be_drawn_from_is_refused(name, value, words):
    with pytest.raises(ConfigError, match=words):
        SamplingConfig(**{name: value})
