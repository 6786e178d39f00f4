from dataclasses import replace

import pytest
import torch

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.augment.photometric import normal_noise

NONE = AugmentConfig.none()


def augment(frames, num=6, **changes):
    return ClipAugmenter(replace(NONE, **changes))(frames, torch.arange(num))


def test_brightness_adds_the_same_to_every_pixel_of_a_clip():
    out = augment(torch.full((6, 3, 4, 4), 0.5), brightness_probability=1.0)

    added = out - 0.5
    assert all(torch.equal(clip, clip[:1, :1, :1].expand(3, 4, 4)) for clip in added)
    assert added.abs().max() <= 0.2
    assert len(added[:, 0, 0, 0].unique()) == 6


def test_contrast_multiplies_every_pixel_of_a_clip():
    frames = torch.tensor([0.1, 0.2, 0.4]).expand(6, 2, 1, 3)

    out = augment(frames, contrast_probability=1.0)

    factors = out / frames
    torch.testing.assert_close(factors, factors[:, :1, :1, :1].expand(6, 2, 1, 3))
    assert factors.min() >= 0.8
    assert factors.max() <= 1.2


def colors(*rgb):
    """RGB frames [6, 1, 3, 1, 2] of one color."""
    return torch.tensor(rgb).reshape(1, 1, 3, 1, 1).expand(6, 1, 3, 1, 2)


def test_saturation_of_zero_makes_gray_and_of_one_changes_nothing():
    gray = augment(colors(0.8, 0.4, 0.2), saturation_probability=1.0, saturation_factor=(0.0, 0.0))
    # BT.601: 0.299 * 0.8 + 0.587 * 0.4 + 0.114 * 0.2.
    torch.testing.assert_close(gray, torch.full((6, 1, 3, 1, 2), 0.4968), rtol=0, atol=1e-4)

    same = augment(colors(0.8, 0.4, 0.2), saturation_probability=1.0, saturation_factor=(1.0, 1.0))
    torch.testing.assert_close(same, colors(0.8, 0.4, 0.2))


def test_hue_turns_colors_of_a_clip_alike_and_keeps_the_largest_and_smallest_value():
    out = augment(colors(0.8, 0.2, 0.2).repeat(1, 2, 1, 1, 1), hue_probability=1.0, hue_degrees=180.0)

    assert torch.equal(out[:, 0], out[:, 1])
    torch.testing.assert_close(out.amax(dim=2), torch.full((6, 2, 1, 2), 0.8))
    torch.testing.assert_close(out.amin(dim=2), torch.full((6, 2, 1, 2), 0.2))
    assert len(out[:, 0, :, 0, 0].unique(dim=0)) == 6
    assert 0 < (out[:, 0, 0, 0, 0] - 0.8).abs().max()


def test_colors_of_a_clip_do_not_depend_on_its_batch():
    frames = torch.rand(6, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    changes = {"saturation_probability": 0.5, "hue_probability": 0.5, "hue_degrees": 90.0}

    together = augment(frames, **changes)
    alone = ClipAugmenter(replace(NONE, **changes))(frames[3:4], torch.arange(3, 4))

    torch.testing.assert_close(alone, together[3:4])
    assert not torch.equal(together, frames)


def test_posterize_keeps_the_high_bits():
    frames = (torch.arange(256.0) / 255).reshape(1, 1, 16, 16).expand(6, 1, 16, 16)

    out = augment(frames, posterize_probability=1.0, posterize_bits=(3, 3))

    levels = (out[0].flatten() * 255).round().long()
    assert levels.tolist() == [v // 32 * 32 for v in range(256)]


def test_motion_blur_spreads_a_point_along_a_near_horizontal_line():
    frames = torch.zeros(6, 2, 21, 21)
    frames[:, :, 10, 10] = 1.0

    out = augment(frames, motion_blur_probability=1.0)

    torch.testing.assert_close(out.sum(dim=(2, 3)), torch.ones(6, 2))
    assert out[:, :, :8].abs().max() == 0
    assert out[:, :, 13:].abs().max() == 0
    assert (out[:, 0, 10] > 0).sum(dim=1).min() >= 5


def test_sharpness_below_one_smooths():
    frames = torch.zeros(6, 1, 9, 9)
    frames[:, :, 4, 4] = 1.0

    out = augment(frames, sharpness_probability=1.0, sharpness_factor=(0.0, 0.0))

    # kornia's kernel: 5 in the middle and 1 around, over 13.
    assert out[0, 0, 4, 4].item() == pytest.approx(5 / 13)
    assert out[0, 0, 4, 5].item() == pytest.approx(1 / 13)


def test_noise_has_its_deviation_and_differs_from_frame_to_frame():
    out = augment(torch.full((6, 4, 50, 50), 0.5), noise_probability=1.0)

    assert (out - 0.5).std().item() == pytest.approx(0.05, rel=0.02)
    assert (out - 0.5).mean().item() == pytest.approx(0.0, abs=0.001)
    assert not torch.equal(out[0, 0], out[0, 1])
    assert not torch.equal(out[0], out[1])


def test_the_noise_is_normal_and_without_correlation():
    noise = normal_noise(7, torch.Size((500, 1001)), torch.device("cpu"))

    # Shares of a normal distribution within 1, 2 and 3 deviations; the standard error is below 0.001.
    shares = [(noise.abs() < limit).float().mean().item() for limit in (1, 2, 3)]
    assert shares == pytest.approx([0.6827, 0.9545, 0.9973], abs=0.002)
    other = normal_noise(8, torch.Size((500, 1001)), torch.device("cpu"))
    for product in (noise * other, noise[1:] * noise[:-1], noise[:, 1:] * noise[:, :-1]):
        assert product.mean().item() == pytest.approx(0.0, abs=0.006)


@pytest.mark.gpu
def test_the_noise_of_a_gpu_is_that_of_the_cpu():
    shape = torch.Size((3, 10, 11))

    noise = normal_noise(7, shape, torch.device("cuda")).cpu()

    torch.testing.assert_close(noise, normal_noise(7, shape, torch.device("cpu")), atol=1e-5, rtol=0)


def test_the_result_stays_in_the_unit_range():
    frames = torch.rand(6, 3, 24, 24).round()

    out = augment(
        frames,
        brightness_probability=1.0,
        contrast_probability=1.0,
        noise_probability=1.0,
        sharpness_probability=1.0,
        sharpness_factor=(2.0, 3.0),
    )

    assert out.min() == 0.0
    assert out.max() == 1.0
