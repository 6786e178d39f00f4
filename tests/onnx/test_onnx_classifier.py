"""An exported classifier gives the probabilities of its folds, says what it is, and is refused where it is none."""

import numpy as np
import onnx
import pytest
from class_samples import LABELS, moving_bar, write_clip

from bvas import classify_clip
from bvas.cli import main
from bvas.errors import CheckpointError
from bvas.inference.classifier import load_classifier
from bvas.onnx.classifier import load_onnx_classifier
from bvas.onnx.clip_graph import measure_clips


@pytest.fixture
def video(tmp_path):
    return write_clip(tmp_path / "bar.mp4", moving_bar("LEFT"))


def test_one_file_and_a_card_are_written(exported_classifier):
    assert sorted(path.name for path in exported_classifier.iterdir()) == ["README.md", "classifier.onnx"]
    graph = onnx.load(exported_classifier / "classifier.onnx")
    onnx.checker.check_model(graph)
    assert {entry.key for entry in graph.metadata_props} == {"bvas_format", "bvas_part", "bvas_settings"}
    card = (exported_classifier / "README.md").read_text()
    assert "one of 2 labels: a probability for each" in card
    assert "| labels, in the order of the probabilities | LEFT, RIGHT |" in card
    assert "the frames `c -4`, `c -3`, `c -2`, `c -1`, `c +0`, `c +1`, `c +2`, `c +3`." in card
    assert "bilinear interpolation between pixels, without antialias" in card
    assert "bvas classify VIDEO --model FOLDER" in card


def test_the_card_has_the_figures_of_the_last_evaluation(exported_classifier):
    card = (exported_classifier / "README.md").read_text()
    assert "mean of 2 folds, each of a clip and its mirror image." in card
    # LEFT: precision 1, recall 1/2; RIGHT: precision 1/2, recall 1.
    for row in (
        "samples | 3",
        "accuracy | 0.6667",
        "macro F1 | 0.6667",
        "F1 of LEFT | 0.6667",
        "always LEFT | 0.6667",
    ):
        assert f"{row} |" in card


def test_clips_come_in_any_number(exported_classifier):
    part = load_onnx_classifier(exported_classifier, device="cpu").part
    assert part.input_shape == ("num_clips", 8, 3, 32, 32)
    for num in (1, 5):
        probabilities = part(np.zeros((num, 8, 3, 32, 32), np.float32))
        assert probabilities.shape == (num, 2)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_a_video_gets_the_probabilities_of_the_folds_mean(exported_classifier, class_runs, video):
    trained = load_classifier("bars", class_runs, device="cpu")
    assert len(trained.models) == 2
    exported = load_onnx_classifier(exported_classifier, device="cpu")
    wanted, found = (dict(classify_clip(video, one)) for one in (trained, exported))
    assert sorted(found) == sorted(LABELS)
    assert all(found[label] == pytest.approx(wanted[label], abs=1e-4) for label in LABELS)
    # Folds differ, so that the mean is none of them.
    alone = dict(classify_clip(video, load_classifier("bars", class_runs, folds=[0], device="cpu")))
    assert abs(alone["LEFT"] - wanted["LEFT"]) > 1e-3


def test_the_command_takes_the_folder(exported_classifier, video, tmp_path, capsys):
    out = ["--out", str(tmp_path / "found"), "--quiet"]
    assert main(["classify", str(video), "--model", str(exported_classifier), *out]) == 0
    assert "bar.mp4 (1 clip)" in capsys.readouterr().out
    assert main(["classify", str(video), "--model", str(exported_classifier), "--precision", "float16"]) == 2
    assert "--precision float16 does not go with exports" in capsys.readouterr().err


def test_each_verb_is_told_of_the_other(exported_classifier, exported, video, capsys):
    assert main(["spot", str(video), "--model", str(exported_classifier)]) == 2
    assert "this one is for 'bvas classify'" in capsys.readouterr().err
    assert main(["classify", str(video), "--model", str(exported)]) == 2
    assert "this one is for 'bvas spot'" in capsys.readouterr().err


def test_a_graph_that_differs_from_its_models_is_not_written(exported_classifier, class_runs):
    models = load_classifier("bars", class_runs, folds=[0], device="cpu").models
    with pytest.raises(CheckpointError, match="would differ from PyTorch by"):
        measure_clips(models, (exported_classifier / "classifier.onnx").read_bytes(), flip_tta=True)
