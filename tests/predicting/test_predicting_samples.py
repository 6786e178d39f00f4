"""Predictions of samples: what is kept, what is predicted again, and what is refused."""

import json

import numpy as np
import pytest
import torch
from class_samples import bars_experiment, write_bars

from bvas.data.matches import find_matches
from bvas.errors import DataError, ScoresError
from bvas.evaluation.class_evaluation import evaluate_classes
from bvas.inference.classifier import Classifier
from bvas.predicting.samples import current_predictions, predict_samples
from bvas.results.sample_predictions import save_sample_predictions
from bvas.results.store import sample_predictions_path
from bvas.training.fold import run_fold


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root of three folds."""
    root = write_bars(tmp_path_factory.mktemp("bars"))
    content = json.loads((root / "dataset.json").read_text())
    for sample in content["samples"]:
        del sample["split"]
        sample["fold"] = int(sample["group"][1:]) % 3
    (root / "dataset.json").write_text(json.dumps(content))
    return root


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """Trained folds 0 and 1."""
    runs = tmp_path_factory.mktemp("runs")
    experiment = bars_experiment()
    matches = find_matches(experiment.task, root)
    for fold in (0, 1):
        run_fold(experiment, fold, matches, runs=runs, device=torch.device("cpu"), workers={})
    return runs


def predict(root, runs, *folds, known=True):
    experiment = bars_experiment()
    found = predict_samples(
        experiment,
        find_matches(experiment.task, root),
        folds,
        runs,
        device=torch.device("cpu"),
        workers=0,
        known=current_predictions(experiment, runs) if known else None,
    )
    save_sample_predictions(found.predictions, sample_predictions_path(runs, experiment.name))
    return found


def test_the_predictions_of_other_folds_are_kept(root, runs):
    first = predict(root, runs, 0, known=False)
    assert first.new_folds == (0,)
    second = predict(root, runs, 1)
    assert second.new_folds == (1,)
    assert sorted(second.predictions.folds.tolist()) == [0] * 4 + [1] * 4
    assert set(second.predictions.made_with["weights"]) == {"0", "1"}
    kept = second.predictions.of_folds([0])
    assert kept.identities() == first.predictions.identities()
    assert np.array_equal(kept.scores, first.predictions.scores)
    assert predict(root, runs, 0, 1).new_folds == ()


def test_a_fold_is_predicted_again_where_a_class_was_corrected(root, runs):
    predict(root, runs, 0, 1, known=False)
    before = (root / "dataset.json").read_text()
    content = json.loads(before)
    sample = next(one for one in content["samples"] if one["fold"] == 1 and one["label"] == "LEFT")
    sample["label"] = "RIGHT"
    try:
        (root / "dataset.json").write_text(json.dumps(content))
        found = predict(root, runs, 0, 1)
    finally:
        (root / "dataset.json").write_text(before)
    assert found.new_folds == (1,)
    assert found.predictions.of_folds([1]).truth.tolist().count(1) == 3


def test_the_predictions_of_weights_that_are_gone_are_dropped(root, runs):
    predict(root, runs, 0, 1, known=False)
    weights = runs / "bars" / "fold_1" / "model.safetensors"
    weights.rename(weights.with_suffix(".away"))
    try:
        with pytest.raises(DataError, match=r"weights that are missing .* make it again: bvas predict"):
            evaluate_classes(bars_experiment(), runs)
        found = predict(root, runs, 0)
        assert (found.new_folds, set(found.predictions.folds.tolist())) == ((), {0})
        assert evaluate_classes(bars_experiment(), runs).sides == ["fold 0"]
    finally:
        weights.with_suffix(".away").rename(weights)


def test_probabilities_of_nan_are_not_taken_for_a_damaged_video(root, runs, monkeypatch):
    monkeypatch.setattr(
        Classifier, "probabilities", lambda self, frames: np.full((len(frames), 2), np.nan, np.float32)
    )
    with pytest.raises(
        ScoresError, match="gives probabilities that are NaN or infinite, first of clips/0_LEFT"
    ):
        predict(root, runs, 0, known=False)
