"""Labels in any script: drawn where a font has them, spelled out where none does, and never a question mark."""

import logging
from pathlib import Path

import numpy as np
import pytest
from report_samples import shown_video

from bvas.report import fonts
from bvas.report.captions import draw_captions
from bvas.report.content import ShownEvent
from bvas.report.fonts import drawable_text, font_families, font_runs
from bvas.report.lettering import draw_text, text_width
from bvas.report.timeline import timeline_png
from bvas.system import notices as said
from bvas.values.annotations import LabelSet, Spot


@pytest.fixture
def without_system_fonts(monkeypatch):
    """Only what comes with matplotlib: Latin, Greek, Cyrillic, Arabic and more."""
    monkeypatch.setattr(fonts, "_system_fonts", lambda: ())
    monkeypatch.setattr(said, "_said", set())
    fonts.font_of.cache_clear()
    yield
    fonts.font_of.cache_clear()


def drawn(text, **options):
    picture = np.zeros((60, 400, 3), np.uint8)
    draw_text(picture, text, 5, 40, 1.0, (255, 255, 255), **options)
    return picture


@pytest.mark.parametrize("text", ["Schuß über Höhe", "Γκολ", "Удар головой", "PASS 0.91"])
def test_scripts_that_dejavu_has_are_drawn_as_they_are(without_system_fonts, text, caplog):
    assert drawable_text(text) == text
    assert [path.name for _, path in font_runs(text)] == ["DejaVuSans.ttf"]
    assert (drawn(text) > 0).any()
    assert not caplog.records


def test_different_labels_look_different_and_none_like_question_marks(without_system_fonts):
    pictures = [drawn(text) for text in ("Удар", "Гол", "Pass", "????", "パス", "シュート", "⚽", "🥅")]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.parametrize(
    ("text", "spelled", "package"),
    [
        ("シュート", "siyu-to", "fonts-noto-cjk"),
        ("슛", "syus", "fonts-noto-cjk"),
        ("パス 内", "pasu [U+5185]", "fonts-noto-cjk"),
        ("Goal ⚽", "Goal [soccer ball]", "fonts-symbola"),
        ("\uff27OAL", "GOAL", "fonts-noto-core"),
    ],
)
def test_what_no_font_has_is_spelled_out_and_said_once(without_system_fonts, text, spelled, package, caplog):
    with caplog.at_level(logging.WARNING):
        found = [drawable_text(text), drawable_text(text)]
    assert found == [spelled, spelled]
    assert len(caplog.records) == 1
    assert package in caplog.text


def test_a_font_of_the_system_is_taken_where_it_has_the_character(monkeypatch, without_system_fonts):
    bold = Path(fonts._own_font(True))
    missing = "試"
    codes = fonts._codes
    monkeypatch.setattr(fonts, "_system_fonts", lambda: (bold,))
    monkeypatch.setattr(
        fonts, "_codes", lambda path: codes(path) | ({ord(missing)} if path == bold else set())
    )
    fonts.font_of.cache_clear()
    assert drawable_text(f"A{missing}") == f"A{missing}"
    assert [(run, path.name) for run, path in font_runs(f"A{missing}")] == [
        ("A", "DejaVuSans.ttf"),
        (missing, "DejaVuSans-Bold.ttf"),
    ]
    assert font_families("A") == ["DejaVu Sans"]


@pytest.mark.parametrize("text", ["PASS", "Schuß über Höhe", "Удар головой", "Goal ⚽"])
@pytest.mark.parametrize("bold", [False, True])
def test_a_text_fills_the_columns_that_were_measured(without_system_fonts, text, bold):
    columns = np.flatnonzero(drawn(text, bold=bold).any(axis=(0, 2)))
    width = text_width(text, 1.0, bold=bold)
    assert width - 4 <= columns[-1] - 5 <= width + 1


def test_text_is_cut_at_the_edges_of_the_picture():
    picture = np.zeros((20, 30, 3), np.uint8)
    for left, baseline in ((-10, 5), (25, 30), (-500, 10), (10, 500)):
        draw_text(picture, "Höhe", left, baseline, 1.0, (255, 255, 255))
    assert (picture > 0).any()


def test_a_caption_keeps_within_the_picture_in_every_script(without_system_fonts):
    picture = np.zeros((540, 720, 3), np.uint8)
    draw_captions(picture, [ShownEvent("hit", "シュート 枠内 0.90 " * 3, 0.0, 0.9, 0.1)], 0.5)
    assert (picture > 0).any()


def test_the_timeline_draws_all_labels_without_a_missing_glyph(without_system_fonts):
    # A missing glyph is a warning of matplotlib's, and warnings are errors here.
    labels = LabelSet(("Höhe", "Гол", "シュート", "⚽"))
    spots = [Spot(label, 1.0, 0.9) for label in labels]
    video = shown_video("試合.mp4", spots, labels, duration_seconds=3.0, operating_point=0.2)
    assert timeline_png(video, labels).startswith(b"\x89PNG")
    assert text_width("シュート", 1.0) > text_width("シ", 1.0)
