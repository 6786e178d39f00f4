"""4:2:0 planes to RGB: `to_rgb` on tensors, `to_unit_frames_array` without torch, `to_rgb_bytes` in integers."""

import numpy as np
import pytest
import torch
from color_reference import WEIGHTS, reference_rgb

from bvas.values.color import (
    PlaneLayout,
    Span,
    plane_bytes,
    split_planes,
    to_rgb,
    to_unit_frames,
    to_unit_frames_array,
)
from bvas.video.decode.rgb_bytes import to_rgb_bytes


def layout_of(size, *, matrix="bt709", color_range="limited", place=(1.0, 0.5)):
    rows, columns = (Span(0, length, first) for length, first in zip(size, place, strict=True))
    return PlaneLayout(size=size, matrix=matrix, color_range=color_range, rows=rows, columns=columns)


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


def test_around_a_picture_the_frame_is_black_and_its_edge_takes_no_chroma_from_there():
    # Rows 3 to 12 and columns 4 to 9 of a frame of 20 x 14; chroma around it is green's.
    rows, columns = Span(3, 10, 2.0), Span(4, 6, 0.5)
    layout = PlaneLayout(size=(20, 14), matrix="bt601", color_range="limited", rows=rows, columns=columns)
    frame = np.zeros(layout.num_bytes, np.uint8)
    luma, chroma = split_planes(frame, layout.size)
    luma[...] = 90
    chroma[:, rows.samples[0] : rows.samples[1] + 1, columns.samples[0] : columns.samples[1] + 1] = 128

    for rgb in (
        to_rgb(torch.from_numpy(frame), layout).numpy(),
        to_unit_frames_array(frame[None], layout, "range")[0],
        to_rgb_bytes(frame, layout).transpose(2, 0, 1) / 255,
    ):
        inside = rgb[:, 3:13, 4:10]
        np.testing.assert_allclose(inside, 74 / 219, atol=0.003)
        assert rgb.sum() == pytest.approx(inside.sum())


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
