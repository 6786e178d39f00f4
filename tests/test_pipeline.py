"""The whole pipeline on a tiny league, through the commands that a user types."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from tiny import TINY_CONFIG, TINY_LEAGUE

from bvas.cli import main
from bvas.commands.console import INTERRUPTED, OK, WRONG_INPUT
from bvas.experiment.checkpoint import load_checkpoint
from bvas.experiment.experiment import load_experiment
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.results.store import read_results
from bvas.results.tuned_peaks import Postprocessing
from bvas.synthetic.league import make_league


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a league, a config, and a trained fold 0."""
    folder = tmp_path_factory.mktemp("workplace")
    make_league(folder / "data", TINY_LEAGUE, jobs=1)
    (folder / "configs").mkdir()
    (folder / "configs" / "tiny.py").write_text(TINY_CONFIG)
    here = Path.cwd()
    os.chdir(folder)
    try:
        assert main(["train", "--experiment", "tiny", "--folds", "0", "--workers", "0", "--quiet"]) == OK
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def there(workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    return workplace


def _match_videos(workplace):
    return sorted((workplace / "data").rglob("1_*.mkv"))


def test_training_leaves_weights_logs_and_what_they_were_made_with(there):
    fold = there / "runs/tiny/fold_0"
    figures = {"log.csv", "metrics.json", "tensorboard", "curves.png"}
    facts = {"experiment.json", "environment.json", "matches.json", ".lock"}
    weights = {"model.safetensors", "best.safetensors"}
    assert {path.name for path in fold.iterdir()} == weights | facts | figures
    rows = list(csv.DictReader((fold / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])


@pytest.mark.slow
def test_training_twice_gives_the_same_weights(there, tmp_path):
    command = ["train", "--experiment", "tiny", "--folds", "0", "--quiet", "--runs", str(tmp_path)]
    assert main([*command, "--workers", "pyav=2"]) == OK

    first, second = (
        load_checkpoint(folder / "tiny/fold_0/model.safetensors").state
        for folder in (there / "runs", tmp_path)
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_predictions_hold_a_row_per_frame_and_are_scored(there, capsys):
    assert main(["predict", "--experiment", "tiny", "--quiet"]) == OK
    assert main(["evaluate", "--experiment", "tiny", "--folds", "0", "--quiet"]) == OK

    out = capsys.readouterr().out.strip().splitlines()
    (match,) = (there / "runs/tiny/predictions/cv").rglob("results_spotting.json")
    with np.load(match.parent / "1_64p_scores.npz") as curve:
        assert curve["scores"].shape == (300, 2)  # 0.2 minutes at 25 frames per second
        assert curve["scores"].dtype == np.float32
        assert curve["seconds"][:3].tolist() == pytest.approx([0.0, 0.04, 0.08])
        assert curve["labels"].tolist() == ["PASS", "DRIVE"]
        assert not np.isnan(curve["scores"]).any()
    figures = json.loads((there / "runs/tiny/evaluation.json").read_text())
    assert out[-1] == f"official mAP@1 {figures['official_map_at_1']:.4f}"
    labels = there / "data" / load_experiment("demo").task.folder
    words = ["--labels", str(labels), "--predictions", str(there / "runs/tiny/predictions/cv"), "--partial"]
    assert main(["spots", "score", *words]) == OK
    assert f"official mAP@1 {figures['official_map_at_1']:.4f}" in capsys.readouterr().out
    assert figures["matches"] == [match.parent.relative_to(there / "runs/tiny/predictions/cv").as_posix()]


def test_the_challenge_is_predicted_and_not_scored(there):
    assert main(["predict", "--experiment", "tiny", "--challenge", "--quiet"]) == OK
    results = list((there / "runs/tiny/predictions/challenge").rglob("results_spotting.json"))
    assert len(results) == 1


def test_rules_of_a_file_that_is_named_take_the_place_of_the_experiments_own(there, tmp_path, capsys):
    own = PeakConfig(sigma_frames=0, min_height=0, min_distance_frames=1, operating_point=0)
    peaks = replace(own, per_label={"DRIVE": PeakRule(min_height=1, operating_point=1)})
    Postprocessing(labels=("PASS", "DRIVE"), rate=25.0, peaks=peaks).save(tmp_path / "rules.json")
    out = tmp_path / "out"
    common = ["--experiment", "tiny", "--postprocessing", str(tmp_path / "rules.json"), "--quiet"]

    assert main(["spot", str(_match_videos(there)[0]), "--to", "2", "--out", str(out), *common]) == OK
    assert main(["predict", "--challenge", *common]) == OK

    (challenge,) = (there / "runs/tiny/predictions/challenge").rglob("results_spotting.json")
    for path in (out / "results_spotting.json", challenge):
        spots = read_results(path)[1]
        assert {spot.label for spot in spots} == {"PASS"}
        assert min(np.diff([spot.seconds for spot in spots])) < 0.2
    spots = read_results(out / "results_spotting.json")[1]
    assert len((out / "spots.csv").read_text().splitlines()) == 1 + len(spots)
    assert "(confidence from PASS 0, DRIVE 1)" in capsys.readouterr().out
    assert main(["spot", "x", "--experiment", "tiny", "--postprocessing", "nowhere.json"]) == WRONG_INPUT


def test_the_mean_of_folds_is_the_mean_of_their_curves(there, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(there / "runs/tiny/fold_0", runs / "tiny/fold_0")
    main(["train", "--experiment", "tiny", "--folds", "1", "--workers", "0", "--quiet", "--runs", str(runs)])
    video = str(_match_videos(there)[0])
    for folds in ("0", "1", "0,1"):
        out = str(tmp_path / folds)
        command = ["spot", video, "--experiment", "tiny", "--folds", folds, "--runs", str(runs), "--out", out]
        assert main([*command, "--quiet"]) == OK

    curves = {}
    for folds in ("0", "1", "0,1"):
        with np.load(tmp_path / folds / "1_64p_scores.npz") as stored:
            curves[folds] = stored["scores"]
    assert np.abs(curves["0"] - curves["1"]).max() > 1e-4
    assert np.allclose(curves["0,1"], (curves["0"] + curves["1"]) / 2, atol=1e-6)


def test_spotting_a_part_gives_the_rows_of_the_whole(there, tmp_path):
    video = str(_match_videos(there)[0])
    command = ["spot", video, "--experiment", "tiny", "--quiet", "--out"]
    assert main([*command, str(tmp_path / "whole")]) == OK
    assert main([*command, str(tmp_path / "part"), "--from", "2", "--to", "0:05"]) == OK

    with (
        np.load(tmp_path / "whole/1_64p_scores.npz") as whole,
        np.load(tmp_path / "part/1_64p_scores.npz") as part,
    ):
        assert part["seconds"][[0, -1]].tolist() == pytest.approx([2.0, 4.96])
        assert np.allclose(part["scores"], whole["scores"][50:125], atol=1e-5)


def test_spotting_two_parts_gives_one_table_on_one_clock(there, tmp_path, capsys):
    videos = [str(path) for path in _match_videos(there)[:2]]
    assert (
        main(["spot", *videos, "--experiment", "tiny", "--quiet", "--out", str(tmp_path), "--kickoff", "3"])
        == OK
    )

    assert "PASS" in capsys.readouterr().out
    names = {path.name for path in tmp_path.iterdir()}
    assert {"results_spotting.json", "spots.csv", "1_1_64p_scores.npz", "2_1_64p_timeline.png"} <= names
    with (tmp_path / "spots.csv").open() as table:
        assert next(csv.reader(table)) == ["seconds", "clock", "label", "confidence", "file", "frame"]
    predictions = json.loads((tmp_path / "results_spotting.json").read_text())["predictions"]
    assert {entry["half"] for entry in predictions} == {"1", "2"}


def _fails(capsys, *command):
    """Run a command that the user got wrong; return its one line."""
    assert main([*command, "--quiet"]) == WRONG_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_wrong_input_is_one_line_with_value_rule_and_remedy(there, tmp_path, capsys):
    video = str(_match_videos(there)[0])
    assert "no experiment named 'tinny'" in _fails(capsys, "train", "--experiment", "tinny")
    assert "--data" in _fails(capsys, "train", "--experiment", "tiny", "--data", str(tmp_path / "none"))
    assert "no fold 7; existing folds: 0, 1" in _fails(
        capsys, "train", "--experiment", "tiny", "--folds", "7"
    )
    assert "bvas train --experiment tiny" in _fails(
        capsys, "predict", "--experiment", "tiny", "--runs", str(tmp_path / "empty")
    )
    assert "no file nothing.mp4" in _fails(capsys, "spot", "nothing.mp4", "--experiment", "tiny")
    assert "holds no frame" in _fails(
        capsys, "spot", video, "--experiment", "tiny", "--from", "99", "--out", str(tmp_path / "o")
    )
    assert not (tmp_path / "o").exists()
    (tmp_path / "page.mp4").write_text("<html>")
    assert "page.mp4" in _fails(capsys, "spot", str(tmp_path / "page.mp4"), "--experiment", "tiny")


def test_a_range_is_one_of_the_whole_recording_and_alike_names_are_told_apart(there, tmp_path, capsys):
    # Two parts of 12 s, both called 1_64p: 10 s to 14 s is the end of one and the start of the other.
    first, second, *_ = (str(path) for path in _match_videos(there))
    command = ["spot", first, second, "--experiment", "tiny", "--quiet", "--out", str(tmp_path)]
    assert main([*command, "--from", "10", "--to", "14"]) == OK

    with np.load(tmp_path / "1_1_64p_scores.npz") as one, np.load(tmp_path / "2_1_64p_scores.npz") as two:
        assert one["seconds"][[0, -1]].tolist() == pytest.approx([10.0, 11.96])
        assert two["seconds"][[0, -1]].tolist() == pytest.approx([0.0, 1.96])
    assert "(0 to 24.00 s)" in _fails(capsys, *command[:-3], "--from", "30")


def test_annotations_of_a_half_without_a_video_are_an_error(there, tmp_path, capsys):
    for path in _copy_data(there, tmp_path):
        (path.parent / "2_64p.mkv").unlink()
    for verb in ("train", "evaluate"):
        line = _fails(capsys, verb, "--experiment", "tiny", "--data", str(tmp_path / "data"))
        assert "lies in half 2, which has no video" in line


def test_an_experiment_is_found_by_name_without_its_config(there, tmp_path, monkeypatch):
    video, runs = str(_match_videos(there)[0].absolute()), str((there / "runs").absolute())
    monkeypatch.chdir(tmp_path)
    assert main(["spot", video, "--runs", runs, "--quiet"]) == OK
    # A file called 1_64p is known by its match.
    assert (tmp_path / "spots" / _match_videos(there)[0].parent.name / "spots.csv").is_file()


def test_times_that_are_no_times_are_refused(there, capsys):
    for wrong in ("nan", "inf", "soon"):
        with pytest.raises(SystemExit) as stop:
            main(["spot", "x.mp4", "--from", wrong])
        assert stop.value.code == WRONG_INPUT
        assert "is not a time" in capsys.readouterr().err


def test_without_a_model_spot_says_how_to_get_one(there, tmp_path, capsys):
    video = str(_match_videos(there)[0])
    assert main(["spot", video, "--runs", str(tmp_path), "--quiet"]) == WRONG_INPUT
    err = capsys.readouterr().err
    assert "bvas weights download ball" in err


def test_the_newest_model_that_is_not_the_demo_is_taken(there, tmp_path):
    from bvas.commands.recording_run import newest_experiment

    for name, age in (("demo", 0), ("old", 500), ("new", 100)):
        file = tmp_path / name / "fold_0" / "model.safetensors"
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (time.time() - age, time.time() - age))
    assert newest_experiment(tmp_path) == "new"


def _copy_data(there, tmp_path):
    shutil.copytree(there / "data", tmp_path / "data")
    return sorted((tmp_path / "data").rglob("Labels-ball.json"))


def test_a_label_file_that_is_no_json_stops_training_before_it_starts(there, tmp_path, capsys):
    _copy_data(there, tmp_path)[0].write_text("PASS at 3 s")
    line = _fails(
        capsys,
        "train",
        "--experiment",
        "tiny",
        "--data",
        str(tmp_path / "data"),
        "--runs",
        str(tmp_path / "runs"),
    )
    assert "is not JSON" in line
    assert not (tmp_path / "runs").exists()


def test_an_annotation_past_the_end_is_named(there, tmp_path, capsys):
    path = _copy_data(there, tmp_path)[1]
    content = json.loads(path.read_text())
    content["annotations"].append({"gameTime": "1 - 59:59", "label": "PASS", "position": "3599000"})
    path.write_text(json.dumps(content))
    line = _fails(
        capsys,
        "train",
        "--experiment",
        "tiny",
        "--data",
        str(tmp_path / "data"),
        "--runs",
        str(tmp_path / "runs"),
    )
    assert "3599.0 s lies after the end of " in line
    assert f"{path.parent / '1_64p.mkv'} (12.000 s)" in line


def test_weights_of_another_architecture_are_refused(there, tmp_path, capsys):
    (tmp_path / "configs").mkdir()
    text = (there / "configs/tiny.py").read_text().replace("num_features_3d=24", "num_features_3d=32")
    (tmp_path / "configs/tiny.py").write_text(text)
    line = _fails(
        capsys,
        "spot",
        str(_match_videos(there)[0]),
        "--experiment",
        str(tmp_path / "configs/tiny.py"),
        "--out",
        str(tmp_path / "out"),
    )
    assert "was trained with another model" in line


def test_a_shift_of_two_frames_in_the_labels_shows_in_the_timing_error(there, tmp_path):
    # Spots exactly on the true annotations, scored against labels that were shifted by 2 frames.
    from bvas.data.matches import annotated_halves, find_matches
    from bvas.evaluation.experiment_scores import evaluate_predictions
    from bvas.results.store import RESULTS_NAME, write_results
    from bvas.values.annotations import Spot

    experiment = load_experiment("tiny")
    matches = [match for match in find_matches(experiment.task, there / "data") if match.fold is not None]
    for match in matches:
        spots = {
            half.number: [Spot(a.label, a.seconds, 0.9) for a in annotations]
            for half, annotations in annotated_halves(match, experiment.task)
        }
        write_results(tmp_path / "predictions" / match.name / RESULTS_NAME, match.name, spots, rate=25.0)
    for path in _copy_data(there, tmp_path):
        content = json.loads(path.read_text())
        for entry in content["annotations"]:
            entry["position"] = str(int(entry["position"]) + 80)
        path.write_text(json.dumps(content))

    true = evaluate_predictions(experiment, matches, tmp_path / "predictions")
    moved = find_matches(experiment.task, tmp_path / "data")
    shifted = evaluate_predictions(
        experiment, [match for match in moved if match.fold is not None], tmp_path / "predictions"
    )

    assert true.sheet.timing.median_seconds == pytest.approx(0.0, abs=1e-3)
    assert shifted.sheet.timing.median_seconds == pytest.approx(-0.08, abs=2e-3)
    assert shifted.official == pytest.approx(true.official)  # which the official figure does not show


@pytest.mark.slow
def test_ctrl_c_ends_training_with_130_and_leaves_no_worker(there, tmp_path):
    command = [sys.executable, "-m", "bvas", "train", "--experiment", "tiny", "--folds", "0"]
    endless = (there / "configs/tiny.py").read_text().replace("epochs=2", "epochs=500")
    (tmp_path / "endless.py").write_text(endless)
    command[command.index("tiny")] = str(tmp_path / "endless.py")
    process = subprocess.Popen(
        [*command, "--workers", "pyav=2", "--runs", str(tmp_path / "runs")],
        cwd=there,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        log = tmp_path / "runs/endless/fold_0/log.csv"
        deadline = time.monotonic() + 90
        while not log.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        assert log.exists(), process.stderr.read() if process.poll() is not None else "no epoch in 90 s"
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        # As a terminal does: to the whole group, workers included.
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == INTERRUPTED
    assert "interrupted" in err
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert not (tmp_path / "runs/endless/fold_0/model.safetensors").exists()


@pytest.mark.gpu
def test_a_gpu_trains_and_spots_as_the_cpu_does(there, tmp_path):
    train = ["train", "--experiment", "tiny", "--folds", "0", "--quiet", "--device", "cuda"]
    assert main([*train, "--runs", str(tmp_path / "runs")]) == OK
    video = str(_match_videos(there)[0])
    for device in ("cuda", "cpu"):
        spot = ["spot", video, "--experiment", "tiny", "--runs", str(tmp_path / "runs"), "--quiet"]
        assert main([*spot, "--device", device, "--out", str(tmp_path / device)]) == OK

    with (
        np.load(tmp_path / "cuda/1_64p_scores.npz") as gpu,
        np.load(tmp_path / "cpu/1_64p_scores.npz") as cpu,
    ):
        # Half precision on the GPU.
        assert np.abs(gpu["scores"] - cpu["scores"]).max() < 2e-2
