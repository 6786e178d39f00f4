"""`bvas intervals`, and what the other verbs do with its results and its kind of experiment.

The model is not trained: its scores lie between 0.05 and 0.95, so that the threshold decides what is found.
"""

import csv
import json
from dataclasses import replace

import pytest
import torch
from task_videos import write_video
from tiny import tiny_experiment

from bvas.cli import main
from bvas.data.spotting_task import dataset_task
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, save_checkpoint
from bvas.experiment.interval_config import IntervalConfig
from bvas.results.read_spots import read_spots
from bvas.system.atomic_files import write_text
from bvas.tasks.kind_choice import kind_of
from bvas.values.clip_config import ClipConfig


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    for name, kind in (("presence_tiny", "interval"), ("spotting_tiny", "spot")):
        experiment = replace(
            tiny_experiment(),
            name=name,
            kind=kind,
            task=dataset_task(("IN_FRAME",)),
            clip=ClipConfig(num_frames=1, frame_step=1, stack_size=1),
            intervals=IntervalConfig(threshold=0.05, keep_threshold=0.05),
        )
        torch.manual_seed(0)
        model = kind_of(experiment).model()
        save_checkpoint(fold_folder(runs, name, 0) / FILE_NAME, model.state_dict(), experiment, {})
        write_text(runs / name / "experiment.json", experiment.to_json())
    return runs


@pytest.fixture
def bvas(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return main([str(word) for word in words])

    return run


@pytest.fixture
def found(bvas, runs, tmp_path):
    write_video(tmp_path / "court.mp4", 50)
    write_video(tmp_path / "late.mp4", 25)
    assert bvas("intervals", "court.mp4", "late.mp4", "--runs", runs, "--quiet") == 0
    return tmp_path / "intervals" / "court"


def test_a_table_in_seconds_and_frames_and_activitynets_form_are_written(found):
    with (found / "intervals.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["video"], first["label"], first["first_frame"], first["last_frame"]) == (
        "court.mp4",
        "IN_FRAME",
        "0",
        "49",
    )
    assert (float(first["start_seconds"]), float(first["end_seconds"])) == (0.0, 2.0)
    assert (second["video"], second["last_frame"], float(second["end_seconds"])) == ("late.mp4", "24", 1.0)
    results = json.loads((found / "results_intervals.json").read_text())["results"]
    assert [one["segment"] for one in results["court"]] == [[0.0, 2.0]]
    assert results["late"][0]["label"] == "IN_FRAME"
    assert sorted(path.name for path in found.glob("[!.]*")) == [
        "court_scores.npz",
        "court_timeline.png",
        "intervals.csv",
        "late_scores.npz",
        "late_timeline.png",
        "recording.json",
        "results_intervals.json",
    ]


def test_results_are_read_back_as_they_were(found):
    read = read_spots([found])
    assert [result.video.name for result in read.videos] == ["court", "late"]
    assert [[(one.start_seconds, one.end_seconds) for one in result.intervals] for result in read.videos] == [
        [(0.0, 2.0)],
        [(0.0, 1.0)],
    ]
    # Curves are drawn with the threshold as operating point.
    assert read.videos[0].peaks.operating_point == 0.05


@pytest.mark.parametrize("form", ["edl", "otio", "csv"])
def test_intervals_are_exported_as_clips_of_their_own_length(found, bvas, form, capsys):
    assert bvas("spots", "export", found, "--to", form) == 0
    assert "interval" in capsys.readouterr().out
    if form == "csv":
        assert "court.mp4,IN_FRAME,0.000000,2.000000,0,49" in (found / "court.csv").read_text()
    elif form == "edl":
        # Two seconds at 25 frames a second, without lead and lag.
        assert "00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00" in (found / "court.edl").read_text()
    else:
        track = json.loads((found / "late.otio").read_text())["tracks"]["children"][0]
        assert track["children"][0]["source_range"]["duration"]["value"] == 25.0


def test_formats_of_spots_alone_are_refused_for_intervals(found, bvas, capsys):
    assert bvas("spots", "export", found, "--to", "soccernet") == 2
    assert (
        "holds intervals, and 'soccernet' has spots alone; take one of csv, edl, otio"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cut", "court.mp4", "late.mp4"), "holds intervals, not spots; give it as --intervals"),
        (
            ("spots", "overlay", "court.mp4"),
            "holds intervals, and the overlay shows spots alone; bvas report",
        ),
    ],
)
def test_verbs_of_spots_alone_refuse_intervals(found, bvas, tmp_path, capsys, words, message):
    assert bvas(*words, "--spots", found, "--out", "made.mp4") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "made.mp4").exists()


def test_parts_of_one_name_are_told_apart_by_their_folders(bvas, runs, tmp_path, capsys):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        write_video(tmp_path / folder / "court.mp4", 25)
    parts = ("first/court.mp4", "second/court.mp4")
    assert bvas("intervals", *parts, "--runs", runs, "--out", "found", "--quiet") == 0
    with (tmp_path / "found" / "intervals.csv").open() as file:
        assert [row["video"] for row in csv.DictReader(file)] == list(parts)
    assert bvas("cut", *parts, "--intervals", "found", "--out", "cut.mp4", "--quiet") == 0
    assert "2 cuts, 50 frames" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["20:15 a:b.mp4", "a:b.mp4", "back\\slash.mp4", "two\nlines.mp4", "b\udcff.mp4"]
)
def test_results_of_a_file_with_an_odd_name_are_cut_out_of_it(bvas, runs, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(write_video(tmp_path / "a.mp4", 25).read_bytes())
    assert bvas("intervals", name, "--runs", runs, "--out", "found", "--quiet") == 0
    for file in ("found", "found/results_intervals.json"):
        cut = ("--intervals", file, "--out", "cut.mp4", "--overwrite", "--quiet")
        assert bvas("cut", name, *cut) == 0
    assert bvas("cut", "a.mp4", *cut) == 2


def test_nothing_found_is_a_result_too(bvas, runs, tmp_path, capsys):
    write_video(tmp_path / "empty.mp4", 25)
    assert bvas("intervals", "empty.mp4", "--runs", runs, "--threshold", "1", "--quiet") == 0
    assert "0 intervals, 0.0 s in all" in capsys.readouterr().out
    folder = tmp_path / "intervals" / "empty"
    assert json.loads((folder / "results_intervals.json").read_text())["results"] == {"empty": []}
    assert read_spots([folder]).videos[0].intervals == ()
    assert bvas("cut", "empty.mp4", "--intervals", folder, "--out", "cut.mp4") == 2
    assert "holds no interval" in capsys.readouterr().err
    assert not (tmp_path / "cut.mp4").exists()


def test_a_verb_takes_the_newest_experiment_of_its_own_kind_and_refuses_the_other(
    bvas, runs, tmp_path, capsys
):
    write_video(tmp_path / "a.mp4", 25)
    assert bvas("spot", "a.mp4", "--runs", runs, "--experiment", "presence_tiny") == 2
    error = capsys.readouterr().err
    assert "presence_tiny is of kind 'interval', and 'bvas spot' takes kind 'spot'" in error
    assert "'bvas intervals VIDEO'" in error
    assert bvas("intervals", "a.mp4", "--runs", runs, "--experiment", "spotting_tiny") == 2
    assert "'bvas intervals' takes kind 'interval'" in capsys.readouterr().err
    assert bvas("spot", "a.mp4", "--runs", runs, "--quiet") == 0
    assert (tmp_path / "spots" / "a" / "spots.csv").is_file()


def test_without_a_model_the_lines_that_get_one_are_printed(bvas, tmp_path, capsys):
    write_video(tmp_path / "a.mp4", 25)
    assert bvas("intervals", "a.mp4") == 2
    error = capsys.readouterr().err
    assert "bvas label VIDEO" in error
    assert "bvas train --experiment presence" in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.mp4"], "no file missing.mp4"),
        (["-"], "bvas intervals takes files"),
        (["a.mp4", "--threshold", "2"], "--threshold is a score and must lie in (0, 1], got 2"),
        (["a.mp4", "--stride", "0"], "--stride must be at least 1"),
        (["a.mp4", "--from", "9"], "holds no frame of the recording"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(bvas, runs, tmp_path, capsys, words, message):
    write_video(tmp_path / "a.mp4", 25)
    assert bvas("intervals", *words, "--runs", runs) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "intervals" / "a" / "intervals.csv").exists()


def test_an_untrained_experiment_of_intervals_is_not_told_to_take_weights_of_spots(bvas, tmp_path, capsys):
    write_video(tmp_path / "a.mp4", 25)
    assert bvas("intervals", "a.mp4", "--experiment", "mini_presence", "--runs", "none") == 2
    assert capsys.readouterr().err.endswith("train them with 'bvas train --experiment mini_presence'\n")


def test_results_of_another_recording_stay(found, bvas, runs, tmp_path, capsys):
    write_video(tmp_path / "other.mp4", 30)
    assert bvas("intervals", "other.mp4", "--runs", runs, "--out", found) == 2
    assert "another recording than other.mp4" in capsys.readouterr().err
