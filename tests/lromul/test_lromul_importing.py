"""Files of the reference system become an experiment that spots."""

import json
import shutil

import numpy as np
import pytest
import torch

from bvas.cli import main
from bvas.commands.console import OK, WRONG_INPUT
from bvas.experiment.checkpoint import load_checkpoint, trained_folds
from bvas.experiment.experiment import load_experiment
from bvas.models.spotting import SpottingModel
from bvas.results.store import curve_path, predictions_folder
from bvas.tasks.trained_model import trained_model
from bvas.values.luma import to_unit

MATCH = "england_efl/2019-2020/2019-10-01 - Leeds United - West Bromwich"


@pytest.fixture
def checkpoint(shared_data):
    return shared_data / "weights" / "seed_small.pth"


@pytest.fixture
def published_folder(checkpoint, tmp_path):
    """Two folds and their predictions, laid out as the README of the reference system has them."""
    root = tmp_path / "ball_action"
    for fold, value in ((0, "0.801"), (1, "0.766")):
        folder = root / "experiments" / "small" / f"fold_{fold}"
        folder.mkdir(parents=True)
        shutil.copy(checkpoint, folder / f"model-005-{value}.pth")
    rng = np.random.default_rng(0)
    for split, folds in (("cv", [0]), ("challenge", [0, 1])):
        for fold in folds:
            for half in (1, 2):
                path = (
                    root
                    / "predictions/small"
                    / split
                    / f"fold_{fold}"
                    / MATCH
                    / f"{half}_raw_predictions.npz"
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                scores = rng.random((100, 2), dtype=np.float32)
                np.savez(path, frame_indexes=np.arange(15, 115), raw_predictions=scores)
    return root / "experiments" / "small"


def test_one_checkpoint_becomes_fold_0_and_gives_the_stored_logits(checkpoint, shared_data, tmp_path):
    assert (
        main(["weights", "import", str(checkpoint), "--name", "seed", "--runs", str(tmp_path), "--quiet"])
        == OK
    )

    experiment = load_experiment("seed", tmp_path)
    assert (experiment.input.size, experiment.input.luma_scaling) == ((96, 160), "stored")
    assert trained_folds(tmp_path, "seed") == [0]
    model = trained_model(load_checkpoint(tmp_path / "seed/fold_0/model.safetensors"), SpottingModel)
    with np.load(shared_data / "weights/seed_small_io.npz") as stored:
        frames, logits = torch.from_numpy(stored["frames"]), torch.from_numpy(stored["logits"])
    padded = torch.nn.functional.pad(frames, (0, 0, 3, 3))
    with torch.inference_mode():
        found = model(to_unit(padded, ["limited"] * 4, "stored"))
    assert (found - logits).abs().max() < 1e-5


def test_a_folder_of_folds_comes_with_the_predictions_beside_it(published_folder, tmp_path):
    runs = tmp_path / "runs"
    assert (
        main(["weights", "import", str(published_folder), "--name", "seed", "--runs", str(runs), "--quiet"])
        == OK
    )

    assert trained_folds(runs, "seed") == [0, 1]
    with np.load(runs / "seed/predictions/cv" / MATCH / "1_720p_scores.npz") as curve:
        assert curve["seconds"][[0, -1]].tolist() == pytest.approx([15 / 25, 114 / 25])
        assert curve["labels"].tolist() == ["PASS", "DRIVE"]
    # Where a stage that draws hard negatives from them looks for the curve of this match's first half.
    assert curve_path(predictions_folder(runs, "seed"), f"{MATCH}/1_720p").is_file()
    predictions = published_folder.parents[1] / "predictions/small/challenge"
    raw = [
        np.load(predictions / f"fold_{k}" / MATCH / "2_raw_predictions.npz")["raw_predictions"]
        for k in (0, 1)
    ]
    with np.load(runs / "seed/predictions/challenge" / MATCH / "2_720p_scores.npz") as curve:
        assert np.allclose(curve["scores"], (raw[0] + raw[1]) / 2)
    results = json.loads((runs / "seed/predictions/challenge" / MATCH / "results_spotting.json").read_text())
    assert {entry["half"] for entry in results["predictions"]} == {"1", "2"}


def test_imported_weights_spot_in_a_video(checkpoint, shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["weights", "import", str(checkpoint), "--name", "seed", "--quiet"]) == OK
    video = shared_data / "videos/h265_video.mp4"
    # The newest model is taken without being named.
    assert main(["spot", str(video), "--quiet"]) == OK
    with np.load("spots/h265_video/h265_video_scores.npz") as curve:
        assert len(curve["scores"]) == 25


def _refusal(capsys, *command):
    assert main([*command, "--quiet"]) == WRONG_INPUT
    return capsys.readouterr().err


def test_names_and_files_that_will_not_do_are_refused(checkpoint, tmp_path, capsys):
    runs = ["--runs", str(tmp_path)]
    assert "is the name of the config" in _refusal(
        capsys, "weights", "import", str(checkpoint), "--name", "ball_base", *runs
    )
    assert "plain name" in _refusal(capsys, "weights", "import", str(checkpoint), "--name", "a/b", *runs)
    assert "no file or folder" in _refusal(capsys, "weights", "import", "nowhere.pth", "--name", "x", *runs)
    (tmp_path / "evil.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert "evil.pth" in _refusal(
        capsys, "weights", "import", str(tmp_path / "evil.pth"), "--name", "x", *runs
    )
    assert "no checkpoints in" in _refusal(capsys, "weights", "import", str(tmp_path), "--name", "x", *runs)
    assert not (tmp_path / "x").exists()
