"""bvas report as a user runs it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from report_samples import EVIL, LABELS, SPOTS, curve_of
from video_samples import make_video

from bvas.cli import main
from bvas.errors import DataError
from bvas.experiment.peak_config import PeakConfig
from bvas.results.recording import Recording
from bvas.results.store import read_recording, save_curve, write_recording, write_results
from bvas.results.video_result import VideoFile
from bvas.values.annotations import Spot


def data_of(page):
    text = page.read_text("utf-8")
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])


def recording_of(*paths):
    parts = [
        VideoFile(
            number=number,
            name=path.stem,
            match=path.parent.name,
            path=path,
            begin_seconds=20.0 * (number - 1),
        )
        for number, path in enumerate(paths, start=1)
    ]
    return Recording(
        experiment="mine",
        labels=LABELS,
        peaks=PeakConfig(operating_point=0.3, sigma_frames=0.0),
        kickoff_seconds=5.0,
        parts=tuple(parts),
    )


@pytest.fixture
def results(tmp_path):
    """What bvas spot leaves of a recording in two parts; the second has no spots."""
    videos = [make_video(tmp_path / f"part{number}.mkv", num_frames=60) for number in (1, 2)]
    folder = tmp_path / "spots" / "cup"
    spots = [Spot(label, frame / 250, confidence) for frame, label, confidence in SPOTS]
    write_results(folder / "results_spotting.json", "cup", {1: spots}, rate=25)
    write_recording(folder, recording_of(*videos))
    curve = curve_of([], num_frames=60)
    scores = curve.scores.copy()
    scores[10:20] = np.nan
    save_curve(replace(curve, scores=scores), folder / "part1_scores.npz")
    return folder


def test_results_of_a_recording_become_a_page_with_previews(results, capsys):
    assert main(["report", str(results), "--quiet"]) == 0

    page = results / "report" / "index.html"
    assert str(page) in capsys.readouterr().out
    data = data_of(page)
    assert (data["title"], data["experiment"], data["confidence"]) == ("cup", "mine", 0.3)
    assert data["labels"] == list(LABELS)
    first, second = data["videos"]
    assert [video["href"] for video in data["videos"]] == ["part1.mp4", "part2.mp4"]
    assert [video["clock_offset"] for video in data["videos"]] == [-5.0, 15.0]
    assert len(first["spots"]["frame"]) == 5  # of 0.3 and more
    assert first["gaps"] == [[0.4, 0.76]]
    assert (second["spots"]["frame"], second["curves"]) == ([], None)
    names = sorted(path.name for path in page.parent.iterdir())
    assert names == [".lock", "index.html", "part1.mp4", "part2.mp4", "report.json"]


def test_a_recording_comes_back_as_it_was_written(tmp_path):
    recording = recording_of(tmp_path / "a.mkv")
    write_recording(tmp_path, recording)
    assert read_recording(tmp_path) == recording
    assert read_recording(tmp_path / "none") is None
    (tmp_path / "recording.json").write_text('{"format": "bvas-recording-9"}')
    with pytest.raises(DataError, match="is not of this version"):
        read_recording(tmp_path)


def test_results_of_another_system_take_their_videos_by_name_and_a_confidence(results, tmp_path):
    (results / "recording.json").unlink()
    command = ["report", str(results / "results_spotting.json"), "--quiet", "--out", str(tmp_path / "out")]
    videos = ["--video", str(tmp_path / "part1.mkv")]
    assert main([*command, *videos, "--confidence", "0.85"]) == 0
    data = data_of(tmp_path / "out" / "index.html")
    assert data["labels"] == list(LABELS)  # as in the curve beside the results
    assert data["videos"][0]["spots"]["confidence"] == [0.9]


def test_a_video_that_browsers_play_is_linked_and_another_gets_a_preview(results, tmp_path):
    played = make_video(tmp_path / "a b#.mp4", num_frames=60)
    videos = ["--video", str(played), "--video", str(tmp_path / "part2.mkv")]
    assert main(["report", str(results), *videos, "--link", "--quiet"]) == 0
    hrefs = [video["href"] for video in data_of(results / "report" / "index.html")["videos"]]
    assert hrefs == ["../../../a%20b%23.mp4", "part2.mp4"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--match", "x"], "--match and --challenge are for experiments"),
        (["--video", "one.mkv"], "is about 2 videos, and --video names 1"),
        (["--height", "0"], "max_height must be at least 2"),
    ],
)
def test_wrong_use_is_one_line_and_leaves_nothing(results, capsys, options, message):
    assert main(["report", str(results), "--quiet", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (results / "report" / "index.html").exists()


def test_what_is_missing_is_named(results, tmp_path, capsys):
    (tmp_path / "part2.mkv").unlink()
    assert main(["report", str(results), "--quiet"]) == 2
    assert "say where it is with --video" in capsys.readouterr().err
    (results / "recording.json").unlink()
    assert main(["report", str(results), "--quiet"]) == 2
    assert "name them, in order: --video FILE" in capsys.readouterr().err
    assert main(["report", "no_such", "--quiet"]) == 2
    assert "no_such" in capsys.readouterr().err


def test_a_label_from_results_is_data_and_no_tag(results):
    assert main(["report", str(results), "--quiet"]) == 0
    text = (results / "report" / "index.html").read_text()
    assert EVIL not in text
