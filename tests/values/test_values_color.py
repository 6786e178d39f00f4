"""4:2:0 planes to RGB: `to_rgb` on tensors, `to_unit_frames_array` without torch, `to_rgb_bytes` in integers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from color_reference import WEIGHTS, reference_rgb

from bvas.values.color import (
    PlaneLayout,
    plane_bytes,
    split_planes,
    to_rgb,
    to_unit_frames,
    to_unit_frames_array,
)
from bvas.video.decode.rgb_bytes import to_rgb_bytes


def layout_of(size, *, matrix="bt709", color_range="limited", place=(1.0, 0.5)):
    return PlaneLayout(size=size, matrix=matrix, color_range=color_range, chroma=place)


def planes_of(layout, seed=0):
    return np.random.default_rng(seed).integers(0, 256, layout.num_bytes).astype(np.uint8)


def expected(frame, layout, place):
    luma, (blue, red) = split_planes(frame, layout.size)
    return reference_rgb(luma, blue, red, matrix=layout.matrix, color_range=layout.color_range, place=place)


@pytest.mark.parametrize("size", [(48, 64), (35, 47), (1, 1), (2, 3), (145, 30)])
@pytest.mark.parametrize("matrix", sorted(WEIGHTS))
@pytest.mark.parametrize("color_range", ["limited", "full"])
@pytest.mark.parametrize("place", [(1.0, 0.5), (1.0, 1.0), (0.5, 0.5), (0.5, 1.0), (1.5, 0.5), (1.5, 1.0)])
def test_random_planes_become_the_rgb_of_the_standard(size, matrix, color_range, place):
    layout = layout_of(size, matrix=matrix, color_range=color_range, place=place)
    frame = planes_of(layout)
    wanted = expected(frame, layout, place)

    np.testing.assert_allclose(to_rgb(torch.from_numpy(frame), layout), wanted, atol=1e-5)
    np.testing.assert_allclose(to_unit_frames_array(frame[None], layout, "range")[0], wanted, atol=1e-5)
    # Rounding to bytes is half a code.
    assert np.abs(to_rgb_bytes(frame, layout).transpose(2, 0, 1) - 255 * wanted).max() < 0.6


def test_colors_by_hand():
    # 75 % red of BT.709 in limited range: Y 51, Cb 109, Cr 212 (SMPTE RP 219, table 1), and gray.
    layout = layout_of((2, 2))
    red = np.array([51] * 4 + [109, 212], np.uint8)
    rgb = to_rgb(torch.from_numpy(red), layout)[:, 0, 0]
    assert rgb.tolist() == pytest.approx([0.75, 0, 0], abs=0.005)
    gray = np.array([126] * 4 + [128, 128], np.uint8)
    assert to_rgb(torch.from_numpy(gray), layout)[:, 1, 1].tolist() == pytest.approx(
        [110 / 219] * 3, abs=1e-6
    )


def test_a_frame_of_odd_sides_has_chroma_for_the_last_row_and_column():
    assert plane_bytes((4, 6)) == 24 + 2 * 6
    assert plane_bytes((5, 7)) == 35 + 2 * 12


def test_where_luma_is_0_a_padded_frame_is_black_whatever_the_chroma():
    layout = replace(layout_of((20, 14), matrix="bt601"), is_padded=True)
    frame = np.zeros(layout.num_bytes, np.uint8)
    luma, chroma = split_planes(frame, layout.size)
    luma[3:13, 4:10] = 90
    chroma[...] = 160

    for rgb in (
        to_rgb(torch.from_numpy(frame), layout).numpy(),
        to_unit_frames_array(frame[None], layout, "range")[0],
        to_rgb_bytes(frame, layout).transpose(2, 0, 1) / 255,
    ):
        assert rgb[:, 3:13, 4:10].min() > 0.1
        assert rgb.sum() == pytest.approx(rgb[:, 3:13, 4:10].sum())


@pytest.mark.parametrize(
    ("frames", "layout"),
    [
        (torch.zeros(4, 4, dtype=torch.uint8), "limited"),
        (torch.zeros(4, 4, dtype=torch.uint8), layout_of((4, 4))),
        (torch.zeros(24), layout_of((4, 4))),
    ],
)
def test_frames_that_are_no_planes_are_refused_with_what_to_open(frames, layout):
    with pytest.raises(ValueError, match='channels="planes"'):
        to_rgb(frames, layout)


def test_clips_of_several_layouts_make_one_batch():
    layouts = [layout_of((6, 8)), layout_of((6, 8), matrix="bt601", color_range="full")]
    frames = torch.from_numpy(np.stack([planes_of(layout, seed) for seed, layout in enumerate(layouts)]))[
        :, None
    ]
    batch = to_unit_frames(frames, layouts, "range")
    assert batch.shape == (2, 1, 3, 6, 8)
    for clip, frame, layout in zip(batch, frames, layouts, strict=True):
        assert torch.equal(clip, to_rgb(frame, layout))


def test_luma_and_floats_pass_as_they_did():
    luma = torch.full((1, 2, 4, 4), 16 + 219, dtype=torch.uint8)
    assert to_unit_frames(luma, ["limited"], "range").eq(1).all()
    assert to_unit_frames(luma, ["limited"], "stored")[0, 0, 0, 0] == pytest.approx(235 / 255)
    unit = torch.rand(1, 2, 3, 4, 4)
    assert to_unit_frames(unit, ["limited"], "range") is unit
