"""Boxes and captions of players drawn into single pictures: places, cuts, colors and lines."""

from dataclasses import replace

import numpy as np
import pytest
from player_samples import is_colored

from bvas.players.players_result import PlayerRow
from bvas.report import palette
from bvas.report.player_drawing import PlayerDrawing, color_of, style_of


def row_of(**changes):
    row = PlayerRow(
        frame=0,
        seconds=0.0,
        player=1,
        name="",
        x=300.0,
        y=200.0,
        width=60.0,
        height=120.0,
        label="pass",
        confidence=None,
    )
    return replace(row, **changes)


def drawn(rows, size=(540, 960)):
    picture = np.full((*size, 3), 128, np.uint8)
    PlayerDrawing(size, size).draw(picture, rows)
    return picture


def found_plate(picture, plate):
    """Left upper corners where a caption stands in a picture."""
    height, width = plate.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(picture, plate.shape)[:, :, 0]
    first = (windows[:, :, height // 2] == plate[height // 2]).all(axis=(-2, -1))
    corners = [(int(left), int(top)) for top, left in np.argwhere(first)]
    return [
        (left, top)
        for left, top in corners
        if (picture[top : top + height, left : left + width] == plate).all()
    ]


def test_the_caption_stands_above_the_box_or_below_where_there_is_no_room():
    drawing = PlayerDrawing((540, 960), (540, 960))
    height = drawing.plate(row_of()).shape[0]
    for y, place in ((200.0, 200 - height), (float(height), 0), (height - 1.0, height - 1 + 120)):
        row = row_of(y=y)
        assert found_plate(drawn([row]), drawing.plate(row)) == [(300, place)]


def test_in_a_box_as_tall_as_the_picture_the_caption_stands_inside():
    row = row_of(y=-5.0, height=560.0)
    drawing = PlayerDrawing((540, 960), (540, 960))
    assert found_plate(drawn([row]), drawing.plate(row)) == [(300, 0)]


@pytest.mark.parametrize(
    ("changes", "corner"),
    [
        ({"x": -40.0}, (0, None)),
        ({"x": 930.0}, (None, None)),
        ({"y": -100.0}, (300, 20)),
        ({"y": 500.0}, (300, None)),
        ({"x": -30.0, "y": 480.0, "width": 50.0}, (0, None)),
    ],
)
def test_a_box_partly_outside_of_the_picture_keeps_its_visible_sides_and_its_caption(changes, corner):
    row = row_of(**changes)
    drawing = PlayerDrawing((540, 960), (540, 960))
    picture = drawn([row])
    ((left, top),) = found_plate(picture, drawing.plate(row))
    assert corner[0] in (None, left)
    assert corner[1] in (None, top)
    rect = drawing.rect_of(row)
    mask = is_colored(picture, 1)
    mask[top : top + drawing.plate(row).shape[0], left : left + drawing.plate(row).shape[1]] = False
    rows, columns = np.nonzero(mask)
    seen = rect.clipped(540, 960)
    for found, side, at_edge in (
        (columns.min(), rect.left, rect.left < 0),
        (columns.max() + 1, rect.right, rect.right > 960),
        (rows.min(), rect.top, rect.top < 0),
        (rows.max() + 1, rect.bottom, rect.bottom > 540),
    ):
        assert found == (side if not at_edge else found)
    assert seen.left <= columns.min()


@pytest.mark.parametrize("changes", [{"x": 970.0}, {"x": -70.0}, {"y": 560.0}, {"y": -150.0}])
def test_a_box_outside_of_the_picture_is_not_drawn(changes):
    assert np.ptp(drawn([row_of(**changes)])) == 0


def test_neighbors_do_not_cover_each_others_captions():
    rows = [row_of(player=number, x=300.0 + 15 * number, y=200.0 + 3 * number) for number in range(1, 5)]
    drawing = PlayerDrawing((540, 960), (540, 960))
    picture = drawn(rows)
    assert [len(found_plate(picture, drawing.plate(row))) for row in rows] == [1, 1, 1, 1]


def test_a_long_name_is_cut_and_a_name_in_any_script_is_drawn():
    drawing = PlayerDrawing((540, 960), (540, 960))
    widths = [
        drawing.plate(row_of(name=name)).shape[1] for name in ("Ann", "x" * 500, "Łukasz Öztürk", "李娜")
    ]
    assert max(widths) <= 0.16 * 960 + 12
    assert widths[1] > widths[0]
    # Cut behind as much as has room.
    assert widths[1] > 0.12 * 960
    names = [drawing.plate(row_of(name=name)) for name in ("Łukasz", "Lukasz")]
    assert names[0].shape != names[1].shape or (names[0] != names[1]).any()


@pytest.mark.parametrize("ground", [0, 90, 255])
def test_captions_are_readable_on_any_ground(ground):
    picture = np.full((540, 960, 3), ground, np.uint8)
    drawing = PlayerDrawing((540, 960), (540, 960))
    drawing.draw(picture, [row_of()])
    plate = drawing.plate(row_of())
    assert len(found_plate(picture, plate)) == 1
    assert plate[4:-4, 4:-4].max() == 255
    assert np.median(plate[4:-4, 4:-4]) < 30


def test_tracks_have_colors_of_their_own_and_then_lines_of_their_own():
    looks = [(color_of(number), style_of(number)) for number in range(1, 37)]
    assert len(set(looks)) == 36
    assert {style for _, style in looks[:12]} == {"solid"}
    assert (color_of(37), style_of(37)) == looks[0]


def lab_of(linear):
    """CIELAB of linear RGB [N, 3] under D65."""
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.072175],
        [0.0193339, 0.119192, 0.9503041],
    ]
    xyz = np.clip(linear, 0, 1) @ np.transpose(to_xyz) / (0.95047, 1.0, 1.08883)
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1
    )


@pytest.mark.parametrize(
    "vision",
    [
        np.eye(3),
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    ],
    ids=["all cones", "no middle cones", "no long cones", "no short cones"],
)
def test_colors_of_tracks_differ_also_to_the_color_blind(vision):
    # Matrices of Machado et al. 2009, severity 1; about 2 in CIELAB is just noticeable side by side.
    codes = np.array([palette.rgb(color) for color in palette.PLAYERS]) / 255
    linear = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    lab = lab_of(linear @ np.transpose(vision))
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(12, 1)]
    assert len(distances) == 66
    assert distances.min() > 20
