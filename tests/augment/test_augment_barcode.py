"""Every geometric change on a clip that shows where it was moved, against numbers drawn for its seed."""

from dataclasses import replace

import pytest
import torch
from barcode_clip import (
    CENTER,
    NUM_BITS,
    SPOTS,
    H,
    T,
    W,
    barcode_clip,
    numbers_in,
    poses_of,
    spots_in,
    turned,
)

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws

NONE = AugmentConfig.none()
SEEDS = [0, 1, 2, 3]
# Pixels: what bilinear weights and the window around it may shift a spot by.
CLOSE = 0.02
GEOMETRIC = ("camera_move", "rotation", "crop")


def augmented(seed, **changes):
    return ClipAugmenter(replace(NONE, **changes))(barcode_clip()[None], torch.tensor([seed]))[0]


def drawn(seed, name, low, high):
    return Draws(torch.tensor([seed])).uniform(name, low, high).item()


def assert_at(spots, wanted):
    torch.testing.assert_close(spots, wanted.expand_as(spots), atol=CLOSE, rtol=0)


def test_the_spots_of_an_untouched_clip_are_where_they_were_put():
    clip = barcode_clip()

    assert_at(spots_in(clip, SPOTS.expand(T, 4, 2)), SPOTS)
    assert numbers_in(clip) == list(range(T))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rotation_turns_all_frames_about_the_center_by_the_degrees_drawn(seed):
    out = augmented(seed, rotation_probability=1.0)

    wanted = turned(drawn(seed, "rotation_degrees", -2.5, 2.5))
    assert_at(spots_in(out, wanted.expand(T, 4, 2)), wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crop_enlarges_all_frames_about_one_point(seed):
    out = augmented(seed, crop_probability=1.0, crop_aspect_jitter=0.0)

    # A part of area a has sides of sqrt(a); where it begins is drawn of the room that is left.
    side = drawn(seed, "crop_area", 0.9, 1.0) ** 0.5
    room = (1 - side) * torch.tensor([W, H])
    begin = room * torch.tensor([drawn(seed, "crop_x", 0, 1), drawn(seed, "crop_y", 0, 1)])
    wanted = (SPOTS + 0.5 - begin) / side - 0.5
    assert_at(spots_in(out, wanted.expand(T, 4, 2)), wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_camera_goes_in_equal_steps_from_the_pose_drawn_for_its_start_to_that_for_its_end(seed):
    # Half the shift: the spots of all seeds stay in the picture.
    out = augmented(seed, camera_move_probability=1.0, camera_move_translation=(0.05, 0.025))

    ends = [
        [
            drawn(seed, f"camera_{end}_degrees", -2.5, 2.5),
            drawn(seed, f"camera_{end}_scale", 0.95, 1.05),
            drawn(seed, f"camera_{end}_shift_x", -0.05 * W, 0.05 * W),
            drawn(seed, f"camera_{end}_shift_y", -0.025 * H, 0.025 * H),
        ]
        for end in ("start", "end")
    ]
    start, end = torch.tensor(ends, dtype=torch.float64)
    wanted = start + (end - start) * (torch.arange(T, dtype=torch.float64) / (T - 1))[:, None]
    places = torch.stack([turned(d, zoom, (x, y)) for d, zoom, x, y in wanted.tolist()])
    found = poses_of(spots_in(out, places))
    # Degrees, zoom, pixels: what a spot may be off by, seen from 134 pixels away.
    allowed = torch.tensor([0.01, 0.0002, CLOSE, CLOSE])
    assert ((found - wanted).abs() <= allowed).all(), found - wanted
    steps = found.diff(dim=0)
    assert ((steps - steps.mean(dim=0)).abs() <= 2 * allowed).all()
    assert ((end - start).abs() > 2 * allowed).all(), "this seed's camera hardly moves"


def test_a_flip_moves_no_value_by_a_bit_and_reverses_the_bars():
    out = augmented(0, flip_probability=1.0)

    assert torch.equal(out, barcode_clip().flip(-1))
    assert numbers_in(out) == [int(f"{t:0{NUM_BITS}b}"[::-1], 2) for t in range(T)]
    mirrored = torch.stack([2 * CENTER[0] - SPOTS[:, 0], SPOTS[:, 1]], dim=1)
    assert_at(spots_in(out, mirrored.expand(T, 4, 2)), mirrored)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_every_frame_keeps_its_place_in_the_clip(name):
    out = augmented(3, **{f"{name}_probability": 1.0}, camera_move_translation=(0.02, 0.02))

    assert numbers_in(out) == list(range(T))


def test_without_a_camera_move_all_frames_move_as_one():
    still = barcode_clip()[:1].expand(1, T, H, W)
    config = replace(NONE, rotation_probability=1.0, crop_probability=1.0, flip_probability=1.0)

    out = ClipAugmenter(config)(still, torch.tensor([5]))[0]

    assert all(torch.equal(frame, out[0]) for frame in out)
    assert not torch.equal(out[0], still[0, 0])
