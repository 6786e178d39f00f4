"""bvas spots overlay: which spots, which annotations, what is said and refused."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import av
import numpy as np
import pytest
from video_samples import make_video

from bvas.cli import main
from bvas.commands.console import INTERRUPTED, OK, WRONG_INPUT
from bvas.report.overlaying import drawn_report, part_of_video, read_annotations
from bvas.results.read_spots import read_spots
from bvas.results.store import RESULTS_NAME, save_curve, write_results
from bvas.values.annotations import Annotation, Spot
from bvas.values.score_curve import ScoreCurve

SPOTS = [Spot("PASS", 0.4, 0.9), Spot("DRIVE", 1.2, 0.1)]


def overlay(*arguments):
    return main(["spots", "overlay", *map(str, arguments), "--quiet"])


@pytest.fixture
def match(tmp_path):
    """Predictions of two halves with their curves, as `bvas predict` writes them, and the first half's video."""
    folder = tmp_path / "match"
    folder.mkdir()
    write_results(folder / RESULTS_NAME, "match", {1: SPOTS, 2: [Spot("PASS", 1.0, 0.8)]}, rate=25)
    curve = ScoreCurve(np.full((50, 2), 0.5, np.float32), np.arange(50) / 25, ("PASS", "DRIVE"))
    save_curve(curve, folder / "1_112p_scores.npz")
    save_curve(curve, folder / "2_112p_scores.npz")
    make_video(tmp_path / "1_112p.mkv", num_frames=50)
    return folder


def label_file(path, *entries):
    annotations = [
        {"gameTime": f"{half} - 00:00", "label": label, "position": str(position), "visibility": "visible"}
        for half, label, position in entries
    ]
    path.write_text(json.dumps({"annotations": annotations}))
    return path


def test_the_half_is_that_of_the_videos_name_with_its_curve(tmp_path, match):
    source = read_spots([match])
    part = part_of_video(source, tmp_path / "2_112p.mkv", None)
    assert (part.video.number, [spot.seconds for spot in part.spots]) == (2, [1.0])
    assert part.smoothed_curve(source.labels).scores.shape == (50, 2)
    assert part_of_video(source, tmp_path / "other.mkv", 1).video.number == 1


def test_annotations_are_those_of_the_half_with_labels_that_the_curve_knows(tmp_path, match):
    labels = label_file(tmp_path / "l.json", (1, "PASS", 440), (2, "PASS", 900), (1, "KICK", 100))
    source = read_spots([match])

    annotations, names = read_annotations(labels, 1, source)

    assert annotations == [Annotation("PASS", 0.44)]
    assert names.names == ("PASS", "DRIVE")
    assert any("of unknown label 'KICK' left out" in line for line in source.notices.lines())


def test_where_nothing_says_the_labels_those_of_the_file_are_drawn_too(tmp_path):
    write_results(tmp_path / "r.json", "m", {1: SPOTS}, rate=25)
    source = read_spots([tmp_path / "r.json"])
    labels = label_file(tmp_path / "l.json", (1, "KICK", 100))

    annotations, names = read_annotations(labels, 1, source)

    assert (annotations, set(names)) == ([Annotation("KICK", 0.1)], {"PASS", "DRIVE", "KICK"})


def test_what_is_drawn_is_shown_from_the_operating_point_up_and_matched(tmp_path, match):
    source = read_spots([match])
    part = part_of_video(source, tmp_path / "1_112p.mkv", None)
    video = replace(part.video, path=tmp_path / "1_112p.mkv")
    part = replace(part, video=video, annotations=(Annotation("PASS", 0.44),))

    shown = drawn_report(part, source.labels, tolerance_seconds=0.5)
    everything = drawn_report(part.shown_from(0.05), source.labels, tolerance_seconds=0.5)

    assert (len(shown.spots), len(everything.spots)) == (1, 2)
    assert len(everything.matching.hits) == 1
    assert len(everything.matching.false_alarms) == 1


def test_the_command_writes_the_annotated_video_beside_the_spots(tmp_path, match, capsys):
    labels = label_file(tmp_path / "l.json", (1, "PASS", 440))

    assert (
        overlay(
            tmp_path / "1_112p.mkv", "--spots", match, "--labels", labels, "--to", "0.2", "--height", "96"
        )
        == OK
    )

    out = match / "1_112p_overlay.mp4"
    assert f"5 frames with no sound in {out}" in capsys.readouterr().out
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


def test_a_file_that_is_there_and_the_video_itself_are_kept(tmp_path, match, capsys):
    video = tmp_path / "1_112p.mkv"
    out = tmp_path / "o.mp4"
    out.write_text("old")
    assert overlay(video, "--spots", match, "--out", out) == WRONG_INPUT
    assert "is there already; --overwrite replaces it" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert overlay(video, "--spots", match, "--out", tmp_path / "o.avi") == WRONG_INPUT
    assert "must be an .mp4" in capsys.readouterr().err
    mp4 = make_video(tmp_path / "1_9p.mp4", num_frames=5)
    assert overlay(mp4, "--spots", match, "--out", mp4, "--overwrite") == WRONG_INPUT
    assert "is the video itself" in capsys.readouterr().err


def test_wrong_input_leaves_nothing(tmp_path, match, capsys):
    video = tmp_path / "1_112p.mkv"
    broken = match / "nan.json"
    broken.write_text(
        json.dumps(
            {"predictions": [{"gameTime": "1 - 00:00", "label": "P", "position": "1", "confidence": "nan"}]}
        )
    )
    wrong_labels = tmp_path / "wrong.json"
    wrong_labels.write_text("{}")
    for arguments, expected in [
        ((tmp_path / "no.mkv", "--spots", match), "no file"),
        ((broken, "--spots", match, "--part", "1"), "is not a video that can be opened"),
        ((video, "--spots", tmp_path / "no"), "no file or folder"),
        ((video, "--spots", broken), "needs 'confidence', a finite number"),
        ((video, "--spots", match, "--part", "3"), "holds no part 3; there are 1, 2"),
        ((video, "--spots", match, "--labels", wrong_labels), "has no list 'annotations'"),
        ((video, "--spots", match, "--from", "9"), "no frames between 9 s and the end"),
        ((video, "--spots", match, "--confidence", "7"), "--confidence must lie in [0, 1], got 7"),
    ]:
        assert overlay(*arguments, "--out", tmp_path / "out" / "o.mp4") == WRONG_INPUT
        assert expected in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.mp4*"))


def test_which_part_a_video_is_has_to_be_known(tmp_path, match, capsys):
    other = make_video(tmp_path / "other.mkv", num_frames=5)
    assert overlay(other, "--spots", match, "--out", tmp_path / "o.mp4") == WRONG_INPUT
    assert "is about 2 videos; say with --part which one" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_leaves_no_half_file(tmp_path, match):
    video = make_video(tmp_path / "1_long.mkv", num_frames=400, options={"bf": "0", "preset": "ultrafast"})
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bvas",
            "spots",
            "overlay",
            video,
            "--spots",
            match,
            "--part",
            "1",
            "--out",
            tmp_path / "o.mp4",
        ],
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "o.mp4.part").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)

    assert process.returncode == INTERRUPTED, error
    assert not list(tmp_path.glob("o.mp4*"))
