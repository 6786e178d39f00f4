from dataclasses import replace

import cv2
import numpy as np
import pytest

from bvas.report import palette
from bvas.report.contact_sheet import (
    COLUMN,
    EDGE,
    GAP,
    TEXT_SCALE,
    THUMB_WIDTH,
    SheetClip,
    contact_sheet,
    png,
    shown_frames,
    wrapped,
)
from bvas.report.lettering import text_width

LEFT = EDGE + COLUMN + GAP
"""Column of the sheet in which the first frame begins."""


def clip(value=100, augmented=50, targets=(("PASS", 1.0),), **words):
    frames = np.full((5, 36, 64), value, np.uint8)
    given = {"title": "a match/1_720p.mkv", "changes": ("flip",), "frame_names": tuple("abcde")} | words
    return SheetClip(targets=targets, read=frames, augmented=frames - augmented, center=2, **given)


def heights_of(sheet, value):
    """Rows of the first frame's middle column that have a shade of gray, as lengths of stretches."""
    is_there = (sheet[:, LEFT + THUMB_WIDTH // 2] == value).all(axis=1).astype(int)
    borders = np.flatnonzero(np.diff(np.concatenate([[0], is_there, [0]])))
    return (borders[1::2] - borders[::2]).tolist()


@pytest.mark.parametrize(
    ("num_frames", "shown"),
    [(15, [0, 3, 7, 10, 14]), (33, [0, 8, 16, 24, 32]), (6, [0, 1, 3, 4, 5]), (2, [0, 1]), (1, [0])],
)
def test_a_clip_is_shown_by_its_ends_its_center_and_two_frames_between(num_frames, shown):
    assert shown_frames(num_frames) == shown


def test_each_clip_is_there_as_read_and_as_changed():
    sheet = contact_sheet([clip(100), clip(200), clip(100)], heading="mine")

    # 256 pixels wide at 64:36 are 144 high.
    assert heights_of(sheet, 100) == [144, 144]
    assert heights_of(sheet, 50) == [144, 144]
    assert heights_of(sheet, 200) == [144]
    assert heights_of(sheet, 150) == [144]
    assert sheet.dtype == np.uint8


def test_frames_in_color_are_shown_in_color():
    frames = np.full((5, 36, 64, 3), (200, 100, 60), np.uint8)

    sheet = contact_sheet([replace(clip(), read=frames, augmented=frames - 50)], heading="mine")

    column = sheet[:, LEFT + THUMB_WIDTH // 2]
    assert [(column == color).all(axis=1).sum() for color in ((200, 100, 60), (150, 50, 10))] == [144, 144]


def test_the_frame_that_an_action_belongs_to_is_framed():
    def orange(sheet):
        return np.argwhere((np.abs(sheet.astype(int) - palette.rgb(palette.MISS)) < 12).all(axis=2))[:, 1]

    center = LEFT + 2 * (THUMB_WIDTH + GAP)
    columns = orange(contact_sheet([clip(targets=(("PASS", 1.0),))], heading="mine"))
    assert columns[columns > LEFT].min() == pytest.approx(center, abs=2)
    assert columns.max() == pytest.approx(center + THUMB_WIDTH, abs=2)
    assert len(orange(contact_sheet([clip(targets=(("PASS", 0.0),))], heading="mine"))) == 0


def test_no_word_is_cut_or_runs_into_a_frame():
    long = clip(
        title="england_efl/2019-2020/2019-10-01 - A Very Long Name Indeed - "
        + "Another" * 12
        + "/1_720p.mkv",
        targets=tuple((f"PLAYER SUCCESSFUL TACKLE {number}", 1.0) for number in range(12)),
        changes=tuple(
            f"camera: turn {number} to and fro, shifted and zoomed and more" for number in range(14)
        ),
    )
    notes = ["a note that goes on and on " * 20]
    sheet = contact_sheet([long, clip()], heading="mine", notes=notes)

    white = (sheet == 255).all(axis=2)
    # Between the words and the frames, but for the notes and the lines above the clips.
    below_notes = np.flatnonzero(~white[:, -EDGE - 1])[0]
    assert (~white[below_notes:, EDGE + COLUMN : LEFT].all(axis=1)).sum() == 2
    assert white[:, :EDGE].all()
    assert white[:, -EDGE:].all()
    assert white[-EDGE:].all()
    # The words of the first clip make it higher; the second one's frames are all there.
    assert heights_of(sheet, 100) == [144, 144]
    assert heights_of(sheet, 50) == [144, 144]


@pytest.mark.parametrize("bold", [False, True])
def test_lines_are_no_wider_than_asked_for_and_hold_every_letter(bold):
    text = "WWWW and iiii " * 9 + "W" * 60

    lines = wrapped(text, 200, bold=bold, indent="   ")

    assert max(text_width(line, TEXT_SCALE, bold=bold) for line in lines) <= 200
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def heading_width(sheet):
    """Columns from the first to the last letter of the heading, the only words right of the frames' begin."""
    return np.ptp(np.flatnonzero((sheet[: EDGE + 30] < 128).all(axis=2).any(axis=0)))


def test_dollars_and_underscores_in_names_are_not_formulas():
    # As a formula, "$x_1$" would be narrower than "x_1"; the others are not formulas at all, and would fail.
    odd = clip(title="a$b_c$^{", targets=(("$x_", 1.0),), changes=("$_{",))
    widths = [heading_width(contact_sheet([odd], heading=name)) for name in ("x1", "x_1", "$x_1$")]
    assert widths == sorted(set(widths))


def test_the_png_holds_the_picture():
    sheet = contact_sheet([clip()], heading="mine")

    again = cv2.imdecode(np.frombuffer(png(sheet), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    assert np.array_equal(again, sheet)


def test_a_sheet_without_clips_has_its_heading():
    sheet = contact_sheet([], heading="mine", notes=["nothing"])
    assert heading_width(sheet) > text_width("mine", TEXT_SCALE)
    assert (sheet[EDGE + 30 :] < 128).any()
    assert not (contact_sheet([], heading="")[EDGE + 30 :] < 128).any()
