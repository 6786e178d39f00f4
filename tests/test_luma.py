import pytest
import torch

from bvas.errors import ConfigError
from bvas.luma import offset_and_scale, to_unit


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
