"""bvas spots export: what is refused, left out or kept, and the line that says so."""

import json
import re
import sys

import numpy as np
import pytest
from export_samples import BALL, SPOTS, export, recording_in, results_in, rows_of
from video_samples import make_video

from bvas.commands.console import OK, WRONG_INPUT
from bvas.results.store import RESULTS_NAME, save_curve
from bvas.values.annotations import Spot
from bvas.values.score_curve import ScoreCurve


def edited(source, change):
    content = json.loads(source.read_text())
    change(content["predictions"])
    source.write_text(json.dumps(content))
    return source


def in_seconds(entries):
    for number, entry in enumerate(entries, 1):
        entry["gameTime"], entry["position"] = f"1 - {number:02d}:00", str(60 * number)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda entries: entries[0].update(confidence="nan"),
            "needs 'confidence', a finite number, got 'nan'",
        ),
        (lambda entries: entries[0].update(position="-40"), "position -40 is negative"),
        (lambda entries: entries[0].pop("label"), "needs 'label'"),
        (lambda entries: entries[0].update(half="0"), "half 0; halves and parts count from 1"),
        (lambda entries: entries[0].update(label="\ud800"), "holds half of a character"),
        (in_seconds, "these are seconds, and positions are milliseconds"),
    ],
    ids=["nan", "negative", "label", "half", "surrogate", "unit"],
)
def test_results_that_cannot_be_right_are_refused_and_nothing_is_written(tmp_path, capsys, change, expected):
    source = edited(results_in(tmp_path / "m"), change)

    assert export(source, "--to", "csv", "--out", tmp_path / "a.csv") == WRONG_INPUT

    error = capsys.readouterr().err
    assert re.search(expected, error), error
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "seconds,label\n1,PASS\n", "lacks the column 'confidence'"),
        (
            "a.csv",
            "seconds,label,confidence\n1,PASS,nan\n",
            "line 2: confidence is 'nan'; it must be a finite number",
        ),
        (
            "a.csv",
            "seconds,label,confidence\nsoon,PASS,1\n",
            "line 2: seconds is 'soon'; it must be a finite number",
        ),
        ("a.csv", "seconds,label,confidence\n-1,PASS,1\n", "times count from the first shown frame"),
        ("a.csv", "part,seconds,label,confidence\n1.5,1,PASS,1\n", "part is '1.5'; parts count from 1"),
        ("a.csv", 'seconds,label,confidence\n1,"PASS,1\n', "line 3?"),
        ("a.csv", "", "lacks the column 'seconds'"),
        (
            "a.csv",
            "seconds,clock,label,confidence\n61000,01:01,PASS,1\n65000,01:05,PASS,1\n95500,01:35,PASS,1\n",
            "61000 seconds beside a clock of 61 s, and the others likewise: these are milliseconds",
        ),
        ("a.jsonl", "{\n", "is not JSON: line 1, column 2"),
        ("a.jsonl", "[1]\n", "line 1 is not a spot"),
        ("a.jsonl", '{"seconds": 1, "label": 5, "confidence": 1}\n', "the label is 5; it must be a name"),
        ("a.jsonl", '{"seconds": 1, "label": "P", "confidence": NaN}\n', "confidence is nan"),
        ("a.json", "{}", "has no list 'predictions'"),
        ("a.json", "no", "is not JSON"),
        ("a.mp4", "no", "is not a file of spots by its name"),
        ("a.csv", b"\xff\xfe\x00", "line 1, column 1 is not UTF-16"),
    ],
)
def test_what_is_no_file_of_spots_is_refused(tmp_path, capsys, name, text, expected):
    source = tmp_path / name
    source.write_bytes(text if isinstance(text, bytes) else text.encode())

    assert export(source, "--to", "csv", "--out", tmp_path / "out" / "b.csv") == WRONG_INPUT

    error = capsys.readouterr().err
    assert re.search(expected, error), error
    assert not (tmp_path / "out").exists()


def test_a_folder_without_results_and_a_missing_file_are_named(tmp_path, capsys):
    assert export(tmp_path, "--to", "csv") == WRONG_INPUT
    assert f"no {RESULTS_NAME} or results_intervals.json in {tmp_path}" in capsys.readouterr().err
    assert export(tmp_path / "no.csv", "--to", "csv") == WRONG_INPUT
    assert f"no file or folder {tmp_path / 'no.csv'}" in capsys.readouterr().err


def test_spots_after_the_end_of_the_video_are_left_out_and_counted(tmp_path, capsys):
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    source = results_in(tmp_path / "m", [*SPOTS, Spot("PASS", 2.6, 0.9)])

    assert export(source, "--to", "csv", "--video", video, "--out", tmp_path / "a.csv") == OK

    assert len(rows_of(tmp_path / "a.csv")) == 2
    assert "1 after the end of" in capsys.readouterr().err


def test_milliseconds_in_a_table_are_noticed_by_the_length_of_the_video(tmp_path, capsys):
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    (tmp_path / "a.csv").write_text("seconds,label,confidence\n400,PASS,0.9\n1600,PASS,0.8\n")

    assert export(tmp_path / "a.csv", "--to", "jsonl", "--video", video) == WRONG_INPUT

    assert "these are milliseconds, or spots of another video" in capsys.readouterr().err


def test_a_label_that_the_model_does_not_know_is_counted(tmp_path, capsys):
    folder = tmp_path / "m"
    results_in(folder, [Spot("PASS", 1.0, 0.9), Spot("KICK", 1.5, 0.9)])
    recording_in(folder, [tmp_path / "gone.mp4"])
    assert export(folder, "--to", "csv") == OK
    assert "1 of label 'KICK' or others that the model does not know" in capsys.readouterr().err


def test_files_that_are_there_are_kept_unless_they_may_be_replaced(tmp_path, capsys):
    source = results_in(tmp_path / "m")
    out = tmp_path / "a.csv"
    out.write_text("old")

    assert export(source, "--to", "csv", "--out", out) == WRONG_INPUT
    assert "exists already; --overwrite replaces it" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert export(source, "--to", "csv", "--out", out, "--overwrite") == OK
    assert out.read_text().startswith("part,")


def test_what_is_exported_is_never_replaced(tmp_path, capsys):
    source = results_in(tmp_path / "m")
    before = source.read_text()
    assert export(source, "--to", "soccernet", "--out", source, "--overwrite") == WRONG_INPUT
    assert "is what is exported; choose another --out" in capsys.readouterr().err
    assert source.read_text() == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--to", "edl", "--rate", "26"], "no rate '26'"),
        (["--to", "edl", "--start-timecode", "1:0"], "'1:0' is not a timecode"),
        (["--to", "srt", "--hold", "0"], "at least 0.001 s, got 0"),
        (["--to", "sportscode", "--lead", "-1"], "lead_seconds must be finite and not negative, got -1"),
        (["--to", "edl", "--lag", "nan"], "lag_seconds must be finite and not negative, got nan"),
        (["--to", "csv", "--confidence", "2"], r"must lie in \[0, 1\], got 2"),
        (
            ["--to", "csv", "--label", "KICK"],
            "no spot or interval has the label 'KICK'; there are DRIVE, PASS",
        ),
        (["--to", "csv", "--video", "a.mp4", "--video", "b.mp4"], "a.mp4 does not exist"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, capsys, arguments, expected):
    for module in ("srt", "otio_cmx3600_adapter"):
        pytest.importorskip(module, reason="pip install -e '.[export]'")
    assert export(results_in(tmp_path / "m"), *arguments) == WRONG_INPUT
    error = capsys.readouterr().err
    assert re.search(expected, error), error
    assert [path.name for path in (tmp_path / "m").iterdir()] == [RESULTS_NAME]


def test_a_place_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert (
        export(results_in(tmp_path / "m"), "--to", "csv", "--out", tmp_path / "file" / "a.csv") == WRONG_INPUT
    )
    assert "cannot write" in capsys.readouterr().err


def test_a_missing_package_is_named_with_what_brings_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "srt", None)
    assert export(results_in(tmp_path / "m"), "--to", "srt") == WRONG_INPUT
    assert "needs the package srt: pip install -e '.[export]'" in capsys.readouterr().err


def test_a_score_curve_says_the_labels_where_nothing_else_does(tmp_path):
    folder = tmp_path / "m"
    results_in(folder, [])
    save_curve(
        ScoreCurve(np.zeros((5, 2), np.float32), np.arange(5) / 25, BALL.names), folder / "m_scores.npz"
    )
    assert export(folder, "--to", "csv", "--label", "DRIVE") == OK
