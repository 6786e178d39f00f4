"""One export of each kind for all tests: it takes seconds."""

import json

import pytest
from class_samples import LABELS, bars_experiment
from exported_models import make_runs
from number_reader import save_folds

from bvas.cli import main
from bvas.commands.console import OK
from bvas.experiment.experiment import InputConfig
from bvas.metrics.class_scores import classification_scores
from bvas.models.config import ModelConfig
from bvas.models.video.config import SmallR2plus1dConfig, VideoModelConfig
from bvas.values.clip_config import ClipConfig


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Return a runs folder with the experiment `tiny`."""
    runs = tmp_path_factory.mktemp("runs")
    make_runs(runs)
    return runs


@pytest.fixture(scope="session")
def exported(runs):
    """Return the folder of its export."""
    assert main(["weights", "export", "tiny", "--to", "onnx", "--runs", str(runs), "--quiet"]) == OK
    return runs / "tiny" / "onnx"


@pytest.fixture(scope="session")
def class_runs(tmp_path_factory):
    """Two folds of a small network over RGB clips whose frames the device scales."""
    runs = tmp_path_factory.mktemp("runs")
    experiment = bars_experiment(
        input=InputConfig(size=(32, 32), rate=10.0, channels="rgb", fit="stretch", resample="bilinear"),
        clip=ClipConfig(num_frames=8, frame_step=1, stack_size=8),
        model=ModelConfig(),
        video=VideoModelConfig(network="small_r2plus1d", small_r2plus1d=SmallR2plus1dConfig(features=(4,))),
        flip_tta=True,
    )
    save_folds(experiment, runs)
    scores = classification_scores([0, 0, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], LABELS, ["a", "b", "c"])
    evaluation = {"sides": ["test"], "scores": scores.to_json(), "folds": {}}
    (runs / "bars" / "evaluation.json").write_text(json.dumps(evaluation))
    return runs


@pytest.fixture(scope="session")
def exported_classifier(class_runs):
    """Return the folder of its export."""
    assert main(["weights", "export", "bars", "--runs", str(class_runs), "--quiet"]) == 0
    return class_runs / "bars" / "onnx"
