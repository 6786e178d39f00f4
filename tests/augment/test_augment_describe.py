"""What is written beside a clip is what was done to it."""

import re
from dataclasses import replace

import pytest
import torch
from barcode_clip import SPOTS, T, barcode_clip, poses_of, spots_in, turned

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.augment.describe import describe
from bvas.augment.draws import Draws

NONE = AugmentConfig.none()
SEEDS = torch.arange(5)


def words(seeds=SEEDS, **changes):
    return describe(replace(NONE, **changes), Draws(seeds))


def numbers(text):
    return [float(number) for number in re.findall(r"[-+]?\d+\.?\d*", text)]


def augmented(frames, **changes):
    return ClipAugmenter(replace(NONE, **changes))(frames, SEEDS)


def gray(value=0.5):
    return torch.full((len(SEEDS), 1, 8, 8), value)


def test_a_clip_without_changes_has_no_words():
    assert words() == [()] * 5


def test_changes_are_named_in_the_order_in_which_they_are_applied():
    often = AugmentConfig(
        **{f"{name}_probability": 1.0 for name in ("camera_move", "rotation", "crop", "flip", "sharpness")},
        **{f"{name}_probability": 1.0 for name in ("motion_blur", "brightness", "contrast", "posterize")},
        noise_probability=1.0,
    )

    (texts,) = describe(often, Draws(torch.tensor([3])))

    first_words = ["camera:", "turn", "crop", "flip", "sharpness", "blur", "brightness", "contrast"]
    assert [text.split()[0] for text in texts[:8]] == first_words
    assert texts[8].endswith("bits")
    assert texts[9] == "noise 0.05"


def test_only_what_a_clip_drew_is_named():
    texts = words(torch.arange(40), flip_probability=0.5)

    flipped = ClipAugmenter(replace(NONE, flip_probability=0.5))(
        torch.tensor([0.0, 1.0]).expand(40, 1, 1, 2), torch.arange(40)
    )
    assert [bool(text) for text in texts] == (flipped[:, 0, 0, 0] == 1).tolist()


def test_brightness_and_contrast_are_what_is_added_and_what_is_multiplied_by():
    added = augmented(gray(), brightness_probability=1.0)[:, 0, 0, 0] - 0.5
    factors = augmented(gray(), contrast_probability=1.0)[:, 0, 0, 0] / 0.5

    for value, (text,) in zip(added.tolist(), words(brightness_probability=1.0), strict=True):
        assert numbers(text) == [pytest.approx(value, abs=0.006)]
    for value, (text,) in zip(factors.tolist(), words(contrast_probability=1.0), strict=True):
        assert numbers(text) == [pytest.approx(value, abs=0.006)]


def test_hue_and_saturation_are_what_colors_are_turned_and_multiplied_by():
    # Red with as much blue as green: the hue is that of the largest value's sector.
    red = torch.tensor([0.8, 0.2, 0.2]).reshape(1, 1, 3, 1, 1).expand(len(SEEDS), 1, 3, 1, 1)
    turned = augmented(red, hue_probability=1.0, hue_degrees=50.0)[:, 0, :, 0, 0]
    # Within 60 degrees of red, green rises to one side and blue to the other: by 0.6 over 60 degrees.
    degrees = (turned[:, 1] - turned[:, 2]) / 0.6 * 60
    for value, (text,) in zip(degrees.tolist(), words(hue_probability=1.0, hue_degrees=50.0), strict=True):
        assert text.startswith("hue ")
        assert numbers(text) == [pytest.approx(value, abs=0.51)]

    kept = augmented(red, saturation_probability=1.0, saturation_factor=(0.5, 1.0))[:, 0, :, 0, 0]
    factors = (kept[:, 0] - kept[:, 1]) / 0.6
    wanted = words(saturation_probability=1.0, saturation_factor=(0.5, 1.0))
    for value, (text,) in zip(factors.tolist(), wanted, strict=True):
        assert numbers(text) == [pytest.approx(value, abs=0.006)]


def test_the_bits_are_those_that_are_kept():
    ramp = (torch.arange(256.0) / 255).expand(len(SEEDS), 1, 1, 256)

    levels = [len(clip.unique()) for clip in augmented(ramp, posterize_probability=1.0)]

    assert levels == [2 ** numbers(text)[0] for (text,) in words(posterize_probability=1.0)]


def test_a_turn_counts_clockwise():
    for seed, (text,) in enumerate(words(rotation_probability=1.0)):
        clip = ClipAugmenter(replace(NONE, rotation_probability=1.0))(
            barcode_clip()[None, :1], torch.tensor([seed])
        )[0]
        (degrees,) = numbers(text)
        pose = poses_of(spots_in(clip, turned(degrees)[None]))[0]
        assert pose[0].item() == pytest.approx(degrees, abs=0.06)


def test_the_camera_is_given_by_its_poses_in_the_first_and_the_last_frame():
    moves = {"camera_move_probability": 1.0, "camera_move_translation": (0.05, 0.025)}
    clip = augmented(barcode_clip().expand(len(SEEDS), *barcode_clip().shape), **moves)

    for frames, (text,) in zip(clip, words(**moves), strict=True):
        turn, end_turn, x, y, end_x, end_y, zoom, end_zoom = numbers(text)
        ends = [(turn, zoom, x, y), (end_turn, end_zoom, end_x, end_y)]
        near = torch.stack([turned(d, z, (3.2 * dx, 1.84 * dy)) for d, z, dx, dy in ends])
        first, last = poses_of(spots_in(frames[[0, T - 1]], near)).tolist()
        for found, (degrees, scale, shift_x, shift_y) in ((first, ends[0]), (last, ends[1])):
            # 1 % of the width is 3.2 pixels, of the height 1.84.
            wanted = [degrees, scale, 3.2 * shift_x, 1.84 * shift_y]
            assert found == pytest.approx(wanted, abs=0.2)


def test_a_crop_is_given_by_its_area_and_where_it_lies_in_the_room_left():
    crops = {"crop_probability": 1.0, "crop_area": (0.8, 0.9), "crop_aspect_jitter": 0.0}

    for seed, (text,) in enumerate(words(**crops)):
        area, left, top = (number / 100 for number in numbers(text))
        begin = torch.tensor([left * 320, top * 184]) * (1 - area**0.5)
        wanted = ((SPOTS + 0.5 - begin) / area**0.5 - 0.5)[None]
        clip = ClipAugmenter(replace(NONE, **crops))(barcode_clip()[None, :1], torch.tensor([seed]))[0]
        torch.testing.assert_close(spots_in(clip, wanted), wanted, atol=1.0, rtol=0)


def test_a_blur_with_a_positive_angle_falls_to_the_right():
    frames = torch.zeros(len(SEEDS), 1, 41, 41)
    frames[:, :, 20, 20] = 1.0
    steep = {"motion_blur_probability": 1.0, "motion_blur_degrees": 60.0}
    reach = torch.arange(-20.0, 21.0)

    for clip, (text,) in zip(augmented(frames, **steep), words(**steep), strict=True):
        # Columns times rows, weighted: positive where the right end lies lower.
        tilt = (clip[0] * reach[:, None] * reach).sum().item()
        _, degrees = numbers(text)
        assert tilt * degrees > 0
