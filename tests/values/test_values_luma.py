import numpy as np
import pytest
import torch

from bvas.errors import ConfigError
from bvas.values import luma
from bvas.values.luma import offset_and_scale, to_unit, to_unit_array


def test_each_clip_is_scaled_by_its_own_range():
    stored = torch.tensor([[[[16, 235, 0, 255]]], [[[16, 235, 0, 255]]]], dtype=torch.uint8)

    unit = to_unit(stored, ["limited", "full"], "range")

    assert unit[0].flatten().tolist() == [0.0, 1.0, 0.0, 1.0]
    assert unit[1].flatten().tolist() == pytest.approx([16 / 255, 235 / 255, 0.0, 1.0])


def test_stored_scaling_takes_no_notice_of_the_range():
    stored = torch.tensor([[16], [16]], dtype=torch.uint8)

    assert to_unit(stored, ["limited", "full"], "stored").flatten().tolist() == pytest.approx([16 / 255] * 2)


def test_an_unknown_range_is_refused():
    with pytest.raises(ConfigError, match="unknown color range 'tv'"):
        offset_and_scale("tv", "range")


@pytest.mark.parametrize("color_range", ["limited", "full"])
@pytest.mark.parametrize("scaling", ["range", "stored"])
def test_arrays_are_scaled_to_the_same_bits(color_range, scaling):
    stored = np.arange(256, dtype=np.uint8).reshape(2, 8, 16)

    unit = to_unit_array(stored, color_range, scaling)

    expected = to_unit(torch.from_numpy(stored)[None], [color_range], scaling)[0].numpy()
    assert unit.dtype == np.float32
    np.testing.assert_array_equal(unit, expected)


def test_the_rules_of_a_device_are_copied_there_once(monkeypatch):
    luma._on_device.cache_clear()
    frames = torch.arange(256, dtype=torch.uint8).expand(3, 256)
    for _ in range(2):
        alike = to_unit(frames, ["limited"] * 3, "range")
        mixed = to_unit(frames, ["limited", "full", "limited"], "range")

    assert luma._on_device.cache_info().misses == 2
    assert torch.equal(alike[0], mixed[0])
    assert torch.equal(mixed[1], frames[1].float() / 255)
    with torch.inference_mode():
        to_unit(frames, ["full"] * 3, "stored")
    assert not luma._on_device(((0.0, 255.0),), frames.device)[0].is_inference()
