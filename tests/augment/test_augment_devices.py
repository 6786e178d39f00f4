"""For the same draws two ways of computing give the same clips: a GPU and a CPU, or on a CPU two precisions."""

from dataclasses import fields, replace

import pytest
import torch

from bvas.augment.augmenter import ClipAugmenter
from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws

NONE = AugmentConfig.none()
CHANGES = [
    field.name.removesuffix("_probability")
    for field in fields(AugmentConfig)
    if field.name.endswith("_probability")
]
# Posterize makes a level of a rounding; so does all that follows it.
STEPLESS = [name for name in CHANGES if name != "posterize"]
LEVEL = 1 / 255
MOST_OFF = 0.001
"""Share of the pixels that may differ by more than a level after posterize and in whole chains."""
GPU = ("cuda", torch.float32)
DOUBLE = ("cpu", torch.float64)
SMALL, FULL = (6, 1, 3, 92, 160), (2, 2, 3, 736, 1280)


def only(*names):
    return replace(NONE, **{f"{name}_probability": 1.0 for name in names})


def share_off(config, size, there):
    """Share of the pixels that differ by more than a level between the CPU in float32 and another way."""
    device, dtype = there
    # RGB of 8 bits.
    frames = torch.randint(256, size, generator=torch.Generator().manual_seed(0)) / 255
    seeds = torch.arange(size[0]) * 7919
    here = ClipAugmenter(config)(frames, seeds)
    other = ClipAugmenter(config)(frames.to(device, dtype), seeds).cpu()
    return ((here.double() - other.double()).abs() > LEVEL).double().mean().item()


def assert_alike(name, size, there):
    most = 0.0 if name in STEPLESS else MOST_OFF
    assert share_off(only(name), size, there) <= most


def assert_chains_alike(size, there):
    assert share_off(only(*CHANGES), size, there) <= MOST_OFF
    assert share_off(AugmentConfig(), size, there) <= MOST_OFF


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_the_same_in_double_precision(name):
    assert_alike(name, SMALL, DOUBLE)


def test_whole_chains_are_the_same_in_double_precision():
    assert_chains_alike(SMALL, DOUBLE)


@pytest.mark.gpu
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_the_same_on_a_gpu(name):
    assert_alike(name, SMALL, GPU)


@pytest.mark.gpu
def test_whole_chains_are_the_same_on_a_gpu():
    assert_chains_alike(SMALL, GPU)


@pytest.mark.gpu
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_the_same_on_a_gpu_at_full_size(name):
    assert_alike(name, FULL, GPU)


def test_what_differs_by_more_than_a_level_is_found(monkeypatch):
    # A turn that is a hundredth of a degree off in one of the two ways moves corners by 0.016 pixels.
    honest = Draws.either_side
    calls = []

    def off_in_the_second(self, name, most):
        calls.append(name)
        return honest(self, name, most) + (0.01 if calls.count(name) % 2 == 0 else 0.0)

    monkeypatch.setattr(Draws, "either_side", off_in_the_second)
    assert share_off(only("rotation"), SMALL, DOUBLE) > MOST_OFF


@pytest.mark.parametrize("name", CHANGES)
def test_no_draw_comes_from_the_devices_own_generator(name):
    frames, seeds = torch.rand(4, 2, 3, 24, 32), torch.arange(4)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = ClipAugmenter(only(name))(frames, seeds)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(ClipAugmenter(only(name))(frames, seeds), first)


@pytest.mark.gpu
def test_seeds_on_a_gpu_draw_the_same_numbers():
    here, there = Draws(torch.arange(9)), Draws(torch.arange(9).cuda())

    for name in CHANGES:
        assert torch.equal(here.uniform(name, 0, 1), there.uniform(name, 0, 1))


@pytest.mark.gpu
def test_a_gpus_generator_is_left_alone():
    frames, seeds = torch.rand(4, 2, 24, 32, device="cuda"), torch.arange(4)
    state = torch.cuda.get_rng_state()

    ClipAugmenter(only(*CHANGES))(frames, seeds)

    assert torch.equal(torch.cuda.get_rng_state(), state)
