from dataclasses import fields, replace

import pytest
import torch

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws
from bvas.errors import ConfigError

OFTEN = replace(
    AugmentConfig(),
    **{field.name: 0.5 for field in fields(AugmentConfig) if field.name.endswith("_probability")},
)


def test_the_defaults_are_the_seeds():
    probabilities = {
        field.name.removesuffix("_probability"): field.default
        for field in fields(AugmentConfig)
        if field.name.endswith("_probability")
    }

    assert probabilities == {
        "camera_move": 0.2,
        "rotation": 0.3,
        "translation": 0.0,
        "crop": 0.8,
        "flip": 0.5,
        "sharpness": 0.2,
        "motion_blur": 0.2,
        "brightness": 0.3,
        "contrast": 0.3,
        "posterize": 0.2,
        "noise": 0.2,
        "saturation": 0.0,
        "hue": 0.0,
    }


def test_without_probabilities_the_clips_are_handed_back():
    frames = torch.rand(3, 4, 8, 8)

    assert ClipAugmenter(AugmentConfig.none())(frames, torch.arange(3)) is frames


def test_the_same_seeds_give_the_same_clips():
    frames, seeds = torch.rand(6, 2, 3, 24, 32), torch.arange(6)

    assert torch.equal(ClipAugmenter(OFTEN)(frames, seeds), ClipAugmenter(OFTEN)(frames, seeds))


def test_other_seeds_give_other_clips():
    frames = torch.rand(6, 2, 3, 24, 32)

    first, second = (ClipAugmenter(OFTEN)(frames, torch.arange(6) + shift) for shift in (0, 100))

    assert all(not torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_clip_changes_alike_in_any_batch():
    frames, seeds = torch.rand(12, 2, 3, 24, 32), torch.arange(12) * 7
    order = torch.randperm(12)

    together = ClipAugmenter(OFTEN)(frames, seeds)
    shuffled = ClipAugmenter(OFTEN)(frames[order], seeds[order])
    alone = [ClipAugmenter(OFTEN)(frames[i : i + 1], seeds[i : i + 1])[0] for i in range(12)]

    torch.testing.assert_close(shuffled, together[order], atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.stack(alone), together, atol=1e-5, rtol=0)


def test_the_given_clips_stay_as_they_are():
    frames = torch.rand(6, 2, 3, 24, 32)
    before = frames.clone()

    out = ClipAugmenter(OFTEN)(frames, torch.arange(6))

    assert torch.equal(frames, before)
    assert (out.shape, out.dtype) == (frames.shape, frames.dtype)


def test_another_change_leaves_a_changes_draws_alone():
    frames, seeds = torch.full((8, 2, 16, 16), 0.5), torch.arange(8)
    bright = replace(AugmentConfig.none(), brightness_probability=0.5)

    alone = ClipAugmenter(bright)(frames, seeds)
    with_flip = ClipAugmenter(replace(bright, flip_probability=1.0))(frames, seeds)

    assert torch.equal(alone, with_flip)


def test_each_change_happens_as_often_as_its_probability_says():
    draws = Draws(torch.arange(4000))

    for field in fields(AugmentConfig):
        if field.name.endswith("_probability"):
            share = draws.chosen(field.name.removesuffix("_probability"), AugmentConfig()).double().mean()
            assert share.item() == pytest.approx(field.default, abs=0.025)


def test_integers_reach_both_ends():
    drawn = Draws(torch.arange(400)).integers("posterize_bits", 3, 8)

    assert drawn.unique().tolist() == [3, 4, 5, 6, 7, 8]


def test_an_empty_batch_stays_empty():
    out = ClipAugmenter(OFTEN)(torch.empty(0, 2, 3, 8, 8), torch.empty(0, dtype=torch.int64))

    assert out.shape == (0, 2, 3, 8, 8)


@pytest.mark.gpu
def test_the_device_makes_a_difference_of_rounding_only():
    frames, seeds = torch.rand(8, 5, 64, 96), torch.arange(8)
    # Posterizing turns a rounding into a level.
    config = replace(OFTEN, posterize_probability=0.0)

    on_gpu = ClipAugmenter(config)(frames.cuda(), seeds.cuda())

    torch.testing.assert_close(on_gpu.cpu(), ClipAugmenter(config)(frames, seeds), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"flip_probability": 1.5},
        {"rotation_degrees": -1.0},
        {"crop_area": (0.0, 1.0)},
        {"crop_area": (1.0, 0.9)},
        {"camera_move_scale": (0.0, 1.0)},
        {"camera_move_translation": (-0.1, 0.0)},
        {"motion_blur_size": 10},
        {"posterize_bits": (0, 8)},
        {"brightness_factor": (-0.5, 1.0)},
        {"noise_deviation": -0.1},
    ],
)
def test_ranges_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        AugmentConfig(**wrong)
