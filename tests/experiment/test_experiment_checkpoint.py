import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from tiny import tiny_experiment

from bvas.errors import CheckpointError, DataError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint, save_checkpoint, trained_folds
from bvas.models.spotting import SpottingModel, build_model
from bvas.tasks.trained_model import trained_model


def _model(experiment):
    torch.manual_seed(0)
    return build_model(experiment.model, experiment.clip, 2).eval()


def test_a_model_comes_back_with_its_experiment_and_scores_the_same(tmp_path):
    experiment = tiny_experiment()
    model = _model(experiment)
    save_checkpoint(tmp_path / "a" / FILE_NAME, model.state_dict(), experiment, {"epoch": "3"})

    checkpoint = load_checkpoint(tmp_path / "a" / FILE_NAME)

    assert checkpoint.experiment == experiment
    assert checkpoint.facts == {"epoch": "3"}
    clip = torch.rand(1, 6, 64, 96)
    assert torch.equal(trained_model(checkpoint, SpottingModel)(clip), model(clip))


def test_weights_of_another_architecture_are_counted_and_named(tmp_path):
    experiment = tiny_experiment()
    state = _model(experiment).state_dict()
    other = replace(experiment, model=replace(experiment.model, num_blocks_3d=2, num_features_stack=8))
    save_checkpoint(tmp_path / FILE_NAME, state, other, {})

    with pytest.raises(
        CheckpointError, match=r"another architecture .*: \d+ missing \(.*; \d+ of another shape"
    ):
        trained_model(load_checkpoint(tmp_path / FILE_NAME), SpottingModel)


def test_files_that_are_no_weights_of_ours_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"no weights at .*bvas weights download ball"):
        load_checkpoint(tmp_path / "none.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"not at all")
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        load_checkpoint(tmp_path / "b.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "c.safetensors")
    with pytest.raises(CheckpointError, match="format None"):
        load_checkpoint(tmp_path / "c.safetensors")
    facts = {"format": "bvas-1", "experiment": json.dumps({"name": "x"})}
    save_file({"x": torch.zeros(1)}, tmp_path / "d.safetensors", metadata=facts)
    with pytest.raises(CheckpointError, match="not a valid experiment of this version"):
        load_checkpoint(tmp_path / "d.safetensors")


def test_a_checkpoint_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "folder").write_text("a file is in the way")
    with pytest.raises(DataError, match="cannot write"):
        save_checkpoint(tmp_path / "folder" / FILE_NAME, {"x": torch.zeros(1)}, tiny_experiment(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_weights_may_be_read_by_whoever_may_read_their_folder(tmp_path):
    (tmp_path / "any").touch()
    save_checkpoint(tmp_path / FILE_NAME, {"x": torch.zeros(1)}, tiny_experiment(), {})
    assert (tmp_path / FILE_NAME).stat().st_mode == (tmp_path / "any").stat().st_mode


def test_trained_folds_are_those_with_weights(tmp_path):
    for fold in (0, 2, 11):
        save_checkpoint(fold_folder(tmp_path, "x", fold) / FILE_NAME, {}, tiny_experiment(), {})
    fold_folder(tmp_path, "x", 3).mkdir()

    assert trained_folds(tmp_path, "x") == [0, 2, 11]
    assert trained_folds(tmp_path, "y") == []
