"""`bvas classify`: what is printed and written, several videos, bad files, Ctrl-C, estimates.

The network reads the number that each frame of a video shows, so that every answer can be worked out by hand.
"""

import csv
import json
import urllib.error
import wave
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from class_samples import bars_experiment, moving_bar, write_clip
from number_reader import NumberReader, class_experiment, classifier_of, save_folds
from video_samples import make_video

from bvas.cli import main
from bvas.commands import class_run
from bvas.experiment.class_config import ClassConfig
from bvas.inference import classifier as classifiers
from bvas.results.read_spots import read_spots
from bvas.results.store import load_curve
from bvas.values.clip_config import ClipConfig

SINGLE = ClipConfig(num_frames=1, frame_step=1, stack_size=1)


class Interrupted(NumberReader):
    """Ctrl-C arrives with the second batch, after the two trials of the estimate."""

    def forward(self, frames):
        if sum(self.num_clips) == 10:
            raise KeyboardInterrupt
        return super().forward(frames)


@pytest.fixture
def model(monkeypatch):
    return NumberReader()


@pytest.fixture
def bvas(model, tmp_path, monkeypatch):
    """Run `bvas classify`; --model r3d_18 is the reader of numbers."""

    def made(name, weights, **_):
        return classifier_of(model, class_experiment(clip=SINGLE, classes=ClassConfig(test_clips=5)))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(classifiers, "published_classifier", made)

    def run(*words):
        return main(["classify", *map(str, words), "--model", "r3d_18", "--device", "cpu"])

    return run


@pytest.fixture
def video(tmp_path):
    """Sixty frames, 2.4 s."""
    return make_video(tmp_path / "numbers.mp4")


def write_sound(path):
    """A second of silence."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", ""))
        file.writeframes(bytes(16000))


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_short_video_gets_one_answer_of_five_clips(bvas, video, model, tmp_path, capsys):
    assert bvas("numbers.mp4", "--top", "3", "--quiet") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "numbers.mp4 (5 clips)"
    assert len(lines) == 5
    assert lines[1].split()[:2] == ["0.1999", "frame"]
    assert lines[-1] == "results in clips/numbers"
    (row,) = table(tmp_path / "clips" / "numbers" / "classes.csv")
    assert list(row) == [
        "file",
        "seconds",
        "label",
        "confidence",
        "label_2",
        "confidence_2",
        "label_3",
        "confidence_3",
    ]
    assert (row["file"], row["seconds"]) == ("numbers.mp4", "1.200000")


def test_a_table_has_a_row_every_so_many_seconds(bvas, video, tmp_path, capsys):
    assert bvas("numbers.mp4", "--every", "0.8", "--quiet") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[2:5]] == [
        ["0.40", "0.9993", "frame", "10"],
        ["1.20", "0.9993", "frame", "30"],
        ["2.00", "0.9993", "frame", "50"],
    ]
    folder = tmp_path / "clips" / "numbers"
    rows = table(folder / "classes.csv")
    assert [(row["seconds"], row["label"]) for row in rows] == [
        ("0.400000", "frame 10"),
        ("1.200000", "frame 30"),
        ("2.000000", "frame 50"),
    ]
    assert len([name for name in rows[0] if name.startswith("label")]) == 5
    assert sorted(path.name for path in folder.glob("[!.]*")) == [
        "classes.csv",
        "intervals.csv",
        "numbers_scores.npz",
        "numbers_timeline.png",
        "recording.json",
        "results_intervals.json",
    ]


def test_the_curve_has_all_classes_and_the_stretches_cover_the_video(bvas, video, tmp_path):
    assert bvas("numbers.mp4", "--every", "0.8", "--quiet") == 0
    folder = tmp_path / "clips" / "numbers"
    curve = load_curve(folder / "numbers_scores.npz")
    assert curve.scores.shape == (3, 128)
    np.testing.assert_allclose(curve.scores.sum(axis=1), 1, atol=1e-6)
    rows = [(row["label"], row["first_frame"], row["last_frame"]) for row in table(folder / "intervals.csv")]
    # Half-way between 0.4, 1.2 and 2.0 s.
    assert rows == [("frame 10", "0", "19"), ("frame 30", "20", "39"), ("frame 50", "40", "59")]


def test_report_and_cut_take_the_results(bvas, video, tmp_path, capsys):
    assert bvas("numbers.mp4", "--every", "0.8", "--quiet") == 0
    (result,) = read_spots([tmp_path / "clips" / "numbers"]).videos
    assert [one.label for one in result.intervals] == ["frame 10", "frame 30", "frame 50"]
    assert main(["report", "clips/numbers", "--quiet"]) == 0
    page = (tmp_path / "clips" / "numbers" / "report" / "index.html").read_text()
    # Of 128 classes those that were found.
    assert '"labels":["frame 10","frame 30","frame 50"]' in page
    cut = ["--intervals", "clips/numbers", "--labels", "frame 30", "--out", "cut.mp4", "--quiet"]
    assert main(["cut", "numbers.mp4", *cut]) == 0
    assert "1 cut, 20 frames" in capsys.readouterr().out


def test_of_several_videos_each_is_classified_by_itself(bvas, video, tmp_path, capsys):
    make_video(tmp_path / "more.mp4", num_frames=20, first_number=80)
    assert bvas("numbers.mp4", "more.mp4", "--clips", "1", "--quiet") == 0
    out = capsys.readouterr().out
    assert "numbers.mp4 (1 clip)\n  0.9993  frame 29" in out
    assert "more.mp4 (1 clip)\n  0.9993  frame 89" in out
    assert sorted(path.name for path in (tmp_path / "clips").glob("[!.]*")) == ["more", "numbers"]


def test_a_bad_video_does_not_end_the_others(bvas, video, tmp_path, capsys):
    write_sound(tmp_path / "song.wav")
    (tmp_path / "empty.mp4").touch()
    bad = ["song.wav", "empty.mp4", "missing.mp4"]
    assert bvas(*bad, "numbers.mp4", "--out", "found", "--quiet") == 3
    assert (tmp_path / "found" / "numbers" / "classes.csv").is_file()
    assert "3 of 4 videos failed: song.wav, empty.mp4, missing.mp4" in capsys.readouterr().err
    listed = [json.loads(line) for line in (tmp_path / "found" / "failed.jsonl").read_text().splitlines()]
    assert [entry["match"] for entry in listed] == ["song", "empty", "missing"]
    assert "no file missing.mp4" in listed[2]["reason"]
    assert bvas(*bad, "--out", "found", "--quiet") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.mp4"], "no file missing.mp4"),
        (["empty.mp4"], "empty.mp4"),
        (["song.wav"], "song.wav"),
        (["-"], "bvas classify takes files"),
        ([], "no VIDEO; name a file"),
        (
            ["numbers.mp4", "--every", "0"],
            "every must be a positive number of seconds between windows, got 0",
        ),
        (["numbers.mp4", "--every", "-0.8"], "got -0.8"),
        (["numbers.mp4", "--clips", "0"], "clips must be at least 1"),
        (["numbers.mp4", "--top", "0"], "top must be at least 1, got 0"),
        (["numbers.mp4", "--folds", "0"], "--folds goes with --experiment"),
        (["numbers.mp4", "--sports"], "--sports goes with --list"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(bvas, video, tmp_path, capsys, words, message):
    (tmp_path / "empty.mp4").touch()
    write_sound(tmp_path / "song.wav")
    assert bvas(*words) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("classes.csv"))


def test_results_of_another_video_stay(bvas, video, tmp_path, capsys):
    make_video(tmp_path / "other.mp4", num_frames=20)
    assert bvas("numbers.mp4", "--out", "found", "--quiet") == 0
    assert bvas("other.mp4", "--out", "found", "--quiet") == 2
    assert "take another --out, or replace them with --overwrite" in capsys.readouterr().err
    assert bvas("other.mp4", "--out", "found", "--quiet", "--overwrite") == 0
    assert [path.name for path in (tmp_path / "found").glob("*.npz")] == ["other_scores.npz"]


class TestInterrupted:
    @pytest.fixture
    def model(self):
        return Interrupted()

    def test_ctrl_c_leaves_the_rows_before(self, bvas, video, tmp_path, capsys):
        assert bvas("numbers.mp4", "--every", "0.04", "--quiet") == 130
        rows = table(tmp_path / "clips" / "numbers" / "classes.csv")
        # A batch on a CPU is eight clips.
        assert [row["label"] for row in rows] == [f"frame {number}" for number in range(8)]
        recording = json.loads((tmp_path / "clips" / "numbers" / "recording.json").read_text())
        assert recording["in_part"] == "interrupted at 0.3 s of numbers"
        assert "in part: interrupted at 0.3 s" in capsys.readouterr().out


def test_work_of_more_than_a_minute_is_announced_with_ways_to_shorten_it(bvas, video, monkeypatch, capsys):
    from bvas.inference import class_windows

    monkeypatch.setattr(class_windows, "clip_seconds", lambda classifier: 2.5)
    assert bvas("numbers.mp4", "--every", "0.04", "--weights", "r3d_18.pth") == 0
    said = capsys.readouterr().err
    assert "numbers.mp4: 60 windows of 1 frame, 2.50 s each on cpu: about 2 min" in said
    assert (
        "a CUDA device (--device cuda); a lighter network (--model s3d); fewer windows (--every 0.08)" in said
    )
    # Less than a minute.
    assert bvas("numbers.mp4", "--every", "0.12") == 0
    assert "about" not in capsys.readouterr().err


def test_the_time_that_is_left_is_said_once_ten_seconds_have_passed(monkeypatch, caplog):
    moments = iter([0.0, 5.0, 12.0, 24.0])
    monkeypatch.setattr(class_run, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    caplog.set_level("INFO")
    report = class_run.with_time_left(lambda done, total, note="": None)
    for done in (8, 16, 32, 56):
        report(done, 1000)
    # 24 windows in 12 s: the other 968 take 484 s.
    assert caplog.messages == ["32 of 1000 windows done; about 8 min left"]


def test_weights_that_cannot_be_downloaded_are_answered_with_the_remedy(tmp_path, monkeypatch, capsys):
    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    make_video(tmp_path / "a.mp4", num_frames=2)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    assert (
        main(["classify", str(tmp_path / "a.mp4"), "--model", "r3d_18", "--out", str(tmp_path / "out")]) == 2
    )
    error = capsys.readouterr().err
    assert "the weights of r3d_18 are unavailable" in error
    assert "download https://download.pytorch.org/models/r3d_18-b3b3357e.pth elsewhere" in error
    assert "(--weights FILE)" in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "r4d"], "--model 'r4d' is neither a published network (r3d_18, "),
        (["--weights", "a.pth"], "--weights a.pth needs a published --model: r3d_18, "),
        ([], "bvas classify VIDEO --model r3d_18 [--weights FILE]"),
        (["--experiment", "demo"], "'bvas classify' takes kind 'clip'"),
    ],
)
def test_what_names_no_network_is_answered_with_those_there_are(
    tmp_path, monkeypatch, capsys, words, message
):
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", num_frames=2)
    assert main(["classify", "a.mp4", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_classes_of_a_network_are_listed_with_their_numbers(capsys):
    assert main(["classify", "--list", "r3d_18"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 400
    assert lines[337] == "337  surfing water"
    assert main(["classify", "--list", "r4d"]) == 2


def test_sports_are_listed_by_sport(capsys):
    assert main(["classify", "--list", "r3d_18", "--sports"]) == 0
    lines = capsys.readouterr().out.splitlines()
    classes = [line for line in lines if line.startswith(" ")]
    assert len(classes) == len(set(classes)) == 116
    assert "  337  surfing water" in classes
    assert lines.index("golf") < lines.index(next(line for line in classes if line.endswith("golf putting")))


@pytest.fixture(scope="module")
def class_runs(tmp_path_factory):
    """Two folds of an experiment of kind clip, and one of kind spot that is newer."""
    runs = tmp_path_factory.mktemp("class_runs")
    save_folds(bars_experiment(), runs)
    save_folds(replace(bars_experiment(), name="spots", kind="spot"), runs, 1)
    return runs


@pytest.fixture
def bar(tmp_path):
    return write_clip(tmp_path / "bar.mp4", moving_bar("LEFT"))


def test_the_newest_experiment_of_kind_clip_is_taken_and_its_folds_are_averaged(
    class_runs, bar, tmp_path, capsys
):
    def answer(*words):
        out = ["--out", str(tmp_path / "found"), "--quiet", "--device", "cpu"]
        assert main(["classify", str(bar), "--runs", str(class_runs), *out, *words]) == 0
        lines = capsys.readouterr().out.splitlines()
        return {label: float(probability) for probability, label in map(str.split, lines[1:3])}

    mean, first, second = answer(), answer("--experiment", "bars", "--folds", "0"), answer("--folds", "1")
    assert sorted(mean) == ["LEFT", "RIGHT"]
    assert first["LEFT"] != second["LEFT"]
    assert mean["LEFT"] == pytest.approx((first["LEFT"] + second["LEFT"]) / 2, abs=1.1e-4)


def test_an_experiment_of_another_kind_is_refused_with_the_verb_that_fits(class_runs, bar, capsys):
    assert main(["classify", str(bar), "--runs", str(class_runs), "--experiment", "spots"]) == 2
    assert "'bvas classify' takes kind 'clip'" in capsys.readouterr().err
    assert main(["spot", str(bar), "--runs", str(class_runs), "--experiment", "bars"]) == 2
    assert "'bvas classify VIDEO'" in capsys.readouterr().err
