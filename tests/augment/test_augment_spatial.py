from dataclasses import replace

import pytest
import torch

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws
from bvas.augment.spatial import frame_maps

NONE = AugmentConfig.none()
SEEDS = torch.arange(4)


def augment(frames, seeds=SEEDS, **changes):
    return ClipAugmenter(replace(NONE, **changes))(frames, seeds)


def test_the_flip_is_a_flip_to_the_bit():
    frames = torch.rand(4, 3, 8, 10)

    assert torch.equal(augment(frames, flip_probability=1.0), frames.flip(-1))


def test_a_clip_that_is_moved_and_flipped_is_the_moved_clip_flipped():
    frames = torch.rand(4, 3, 16, 20)

    moved = augment(frames, rotation_probability=1.0)
    both = augment(frames, rotation_probability=1.0, flip_probability=1.0)

    torch.testing.assert_close(both, moved.flip(-1), atol=1e-4, rtol=0)


def test_all_frames_of_a_still_clip_move_alike():
    frames = torch.rand(4, 1, 16, 20).expand(4, 5, 16, 20)

    out = augment(frames, rotation_probability=1.0, crop_probability=1.0)

    assert all(torch.equal(out[:, t], out[:, 0]) for t in range(5))
    assert not torch.equal(out[:, 0], frames[:, 0])


def shift_only():
    return {"camera_move_probability": 1.0, "camera_move_degrees": 0.0, "camera_move_scale": (1.0, 1.0)}


def test_the_camera_moves_linearly_from_its_start_to_its_end():
    config = replace(NONE, **shift_only())
    draws = Draws(torch.tensor([11]))

    maps = frame_maps(config, draws, (5, 40, 100))[0]

    # A shift of up to a tenth of the width and a twentieth of the height to either side.
    start_x = (draws.uniform("camera_start_shift_x", 0, 1) * 20 - 10).item()
    end_x = (draws.uniform("camera_end_shift_x", 0, 1) * 20 - 10).item()
    start_y = (draws.uniform("camera_start_shift_y", 0, 1) * 4 - 2).item()
    assert maps[0, 0, 2].item() == pytest.approx(start_x)
    assert maps[2, 0, 2].item() == pytest.approx((start_x + end_x) / 2)
    assert maps[4, 0, 2].item() == pytest.approx(end_x)
    assert maps[0, 1, 2].item() == pytest.approx(start_y)
    assert abs(start_x) <= 10
    assert abs(start_y) <= 2


def test_a_bright_point_follows_the_camera():
    frames = torch.zeros(1, 3, 41, 101)
    frames[:, :, 20, 50] = 1.0
    config = replace(NONE, **shift_only())
    seeds = torch.tensor([11])
    maps = frame_maps(config, Draws(seeds), (3, 41, 101))[0]

    out = ClipAugmenter(config)(frames, seeds)[0]

    xs = torch.arange(101.0)
    for t in range(3):
        mean_x = (out[t].sum(0) * xs).sum() / out[t].sum()
        assert mean_x.item() == pytest.approx(50 + maps[t, 0, 2].item(), abs=1e-3)


def test_a_turn_by_half_a_circle_reverses_rows_and_columns():
    config = replace(NONE, rotation_probability=1.0, rotation_degrees=360.0)
    maps = frame_maps(config, Draws(torch.arange(50)), (1, 5, 7))[:, 0]
    half_turn = maps[(maps[:, 0, 0] + 1).abs().argmin()]

    # The center (3, 2) stays; the corner (0, 0) comes near (6, 4).
    assert (half_turn @ torch.tensor([3.0, 2.0, 1.0]).double()).tolist() == pytest.approx([3, 2, 1])
    assert (half_turn @ torch.tensor([0.0, 0.0, 1.0]).double()).tolist() == pytest.approx([6, 4, 1], abs=0.5)


def test_the_crop_fills_the_picture_with_a_part_of_it():
    config = replace(NONE, crop_probability=1.0, crop_area=(0.25, 0.25), crop_aspect_jitter=0.0)

    maps = frame_maps(config, Draws(torch.arange(100)), (1, 20, 40))[:, 0]

    # A quarter of the area is half of each side, so everything doubles.
    torch.testing.assert_close(maps[:, 0, 0], torch.full((100,), 2.0).double())
    torch.testing.assert_close(maps[:, 1, 1], torch.full((100,), 2.0).double())
    # The part's left edge, at x = -0.5 in the picture returned, lies between 0 and 20 pixels in.
    left = (-0.5 - maps[:, 0, 2]) / 2 + 0.5
    assert left.min() >= 0
    assert left.max() <= 20
    assert left.std() > 3


def test_a_translation_shifts_all_frames_alike_by_at_most_its_share():
    frames = torch.zeros(40, 3, 20, 40)
    frames[:, :, 10, 20] = 1.0

    out = augment(frames, torch.arange(40), translation_probability=1.0, translation=(0.25, 0.0))

    columns = (out.sum(dim=2) * torch.arange(40)).sum(dim=2) / out.sum(dim=(2, 3))
    torch.testing.assert_close(columns, columns[:, :1].expand(-1, 3), atol=1e-3, rtol=0)
    # Up to 10 of 40 columns to either side.
    assert 10 <= columns.min() < 13
    assert 27 < columns.max() <= 30
    torch.testing.assert_close(out.sum(dim=3)[:, :, 10], torch.ones(40, 3), atol=1e-3, rtol=0)


def test_a_crop_of_the_whole_picture_changes_nothing():
    frames = torch.rand(4, 2, 12, 16)

    out = augment(frames, crop_probability=1.0, crop_area=(1.0, 1.0), crop_aspect_jitter=0.0)

    torch.testing.assert_close(out, frames, atol=1e-5, rtol=0)


def test_what_comes_from_outside_the_frame_is_black():
    out = augment(torch.ones(4, 2, 40, 100), **shift_only())

    assert out.amin() == 0.0
    assert out.amax() == 1.0
    assert out[:, :, 20, 50].amin() == 1.0


def test_one_move_is_the_product_of_its_parts():
    seeds, size = Draws(torch.arange(3)), (4, 20, 30)
    parts = [
        replace(NONE, flip_probability=1.0),
        replace(NONE, crop_probability=1.0),
        replace(NONE, translation_probability=1.0),
        replace(NONE, rotation_probability=1.0),
        replace(NONE, camera_move_probability=1.0),
    ]
    together = replace(
        NONE,
        flip_probability=1.0,
        crop_probability=1.0,
        translation_probability=1.0,
        rotation_probability=1.0,
        camera_move_probability=1.0,
    )
    flip, crop, translation, rotation, camera = (frame_maps(part, seeds, size) for part in parts)

    torch.testing.assert_close(
        frame_maps(together, seeds, size), flip @ crop @ translation @ rotation @ camera
    )
