"""Results that version 0.1 wrote: read through the store, evaluated, scored, reported and exported."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from tiny import TINY_CONFIG

from bvas.cli import main
from bvas.data.matches import find_matches, match_halves
from bvas.experiment.experiment import load_experiment
from bvas.results.made_from import peak_settings, rows_settings
from bvas.results.read_spots import read_spots
from bvas.results.store import Split, predictions_folder, read_match, read_record, read_recording
from bvas.results.video_result import VideoFile, VideoResult

WRITTEN = Path(__file__).resolve().parents[1] / "data" / "results_0_1"
# With the operating point that the demo had then.
CONFIG = TINY_CONFIG.replace(
    "demo,\n", "demo,\n        peaks=replace(demo.peaks, operating_point=0.45),\n", 1
)
WEIGHTS_OF_FOLD_0 = "d963f78e27f80d1d19815663c667dbfeacb40b39b98fbeb223a60547060fcb11"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A copy of the results, in the working folder, with the experiment's config."""
    shutil.copytree(WRITTEN, tmp_path, dirs_exist_ok=True)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/tiny.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results_of(place, name, split):
    experiment = load_experiment("tiny")
    matches = {match.name: match for match in find_matches(experiment.task, place / "data")}
    match = matches[name]
    videos = [VideoFile.of_half(match.name, half) for half in match_halves(match, experiment.task.resolution)]
    return read_match(predictions_folder(place / "runs", "tiny", split) / name, videos, experiment.peaks)


def test_predictions_are_read_with_their_curves(place):
    first, second = results_of(place, "cup/2024/a", Split.CV)
    (challenge,) = results_of(place, "cup/2024/c", Split.CHALLENGE)

    assert [result.curve.scores.shape for result in (first, second, challenge)] == [(60, 2)] * 3
    assert first.curve.seconds[-1] == pytest.approx(59 / 25)
    assert (first.spots[0].label, first.spots[0].seconds, first.spots[0].confidence) == (
        "DRIVE",
        0.0,
        0.487418,
    )
    assert (len(first.spots) + len(second.spots), len(challenge.spots)) == (13, 6)
    assert second.clock.text(1.0) == "45:01"


def test_the_spots_are_those_of_the_curves(place):
    experiment = load_experiment("tiny")
    for result in (
        *results_of(place, "cup/2024/a", Split.CV),
        *results_of(place, "cup/2024/c", Split.CHALLENGE),
    ):
        again = VideoResult.from_curve(result.video, result.curve, experiment)
        # Files hold the frame in milliseconds, rounded up, and six digits of the confidence.
        assert {(s.label, round(25 * s.seconds), round(s.confidence, 6)) for s in again.spots} == {
            (s.label, round(25 * s.seconds), s.confidence) for s in result.spots
        }
        assert len(again.spots) == len(result.spots)


def test_a_match_that_was_finished_is_known_by_its_record(place):
    record = read_record(predictions_folder(place / "runs", "tiny", Split.CV) / "cup/2024/a")
    experiment = load_experiment("tiny")

    assert record.rows == rows_settings(experiment, {0: WEIGHTS_OF_FOLD_0}, stride=1, precision="auto")
    assert record.peaks == peak_settings(experiment)
    assert {number: video.backend for number, video in record.videos.items()} == {1: "pyav", 2: "pyav"}


def test_the_folder_of_bvas_spot_is_read_with_its_recording(place):
    recording = read_recording(place / "spots/a")
    assert [(part.number, part.name, part.begin_seconds) for part in recording.parts] == [
        (1, "1_64p", 0.0),
        (2, "2_64p", 2.4),
    ]
    found = read_spots([place / "spots/a"])
    assert [len(result.spots) for result in found.videos] == [6, 6]
    assert found.labels_are_known
    # The kick-off is 1 s after the begin of the first video, 1.4 s before that of the second.
    assert [result.clock.kickoff_seconds for result in found.videos] == [1.0, pytest.approx(-1.4)]


def test_an_evaluation_gives_the_same_figures(place):
    path = place / "runs/tiny/evaluation.json"
    before = json.loads(path.read_text())
    path.unlink()

    assert main(["evaluate", "--experiment", "tiny"]) == 0

    now = json.loads(path.read_text())
    assert before["official_map_at_1"] == pytest.approx(0.2879, abs=5e-5)
    assert now["official_map_at_1"] == pytest.approx(before["official_map_at_1"], abs=1e-9)
    assert now["map_at_0.2_seconds"] == pytest.approx(before["map_at_0.2_seconds"], abs=1e-9)
    assert now["matches"] == before["matches"]


def test_files_are_scored_alike(place, capsys):
    words = ["--labels", "data/spotting-ball-2023", "--predictions", "runs/tiny/predictions/cv"]
    assert main(["spots", "score", *words]) == 0
    assert "official mAP@1 0.2879" in capsys.readouterr().out


def test_pages_are_made_of_all_three(place):
    videos = [f"data/spotting-ball-2023/cup/2024/a/{half}_64p.mkv" for half in (1, 2)]
    named = [word for video in videos for word in ("--video", video)]

    assert main(["report", "tiny", "--match", "2024/a", "--quiet"]) == 0
    assert main(["report", "tiny", "--challenge", "--out", "challenge", "--quiet"]) == 0
    assert main(["report", "spots/a", *named, "--quiet"]) == 0

    for page in ("runs/tiny/report", "challenge", "spots/a/report"):
        assert "<title>" in (place / page / "index.html").read_text()
    assert {path.name for path in (place / "spots/a/report").glob("*.mp4")} == {"1_64p.mp4", "2_64p.mp4"}


def test_spots_are_exported(place):
    assert main(["spots", "export", "spots/a", "--to", "csv", "--out", "a.csv"]) == 0
    assert main(["spots", "export", "spots/a/spots.csv", "--to", "csv", "--out", "b.csv"]) == 0

    with (place / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert next(row["seconds"] for row in rows if row["part"] == "2") == "0.000"
    with (place / "b.csv").open(newline="") as file:
        assert sorted(row["label"] for row in csv.DictReader(file)) == sorted(row["label"] for row in rows)
