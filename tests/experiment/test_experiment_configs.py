"""Every shipped config loads, builds its network and trains a step."""

from dataclasses import replace

import pytest
import torch
from tiny import SHIPPED_CONFIGS

from bvas.augment.augmenter import ClipAugmenter
from bvas.errors import CheckpointError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint, save_checkpoint
from bvas.experiment.experiment import experiment_names, load_experiment
from bvas.loading.clip_batch import ClipBatch
from bvas.models.spotting import build_model
from bvas.training.initial_model import starting_model
from bvas.training.stage_schedule import stage_schedule
from bvas.training.step import Trainer

PARAMETERS = {"ball_base": 6_770_547, "ball_transfer": 6_770_547, "ball_long": 6_773_619}


def test_the_configs_of_the_folder_ship(tmp_path):
    assert {"demo", "ball_base", "ball_long", "action_pretrain"} <= set(SHIPPED_CONFIGS)
    assert experiment_names(tmp_path) == SHIPPED_CONFIGS


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_networks_have_the_number_of_parameters_of_the_reference_system(name):
    experiment = load_experiment(name)
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
    assert sum(weight.numel() for weight in model.parameters()) == PARAMETERS[name]


@pytest.fixture(scope="module")
def runs_before(tmp_path_factory):
    """A runs folder with weights of the stages that others start from."""
    runs = tmp_path_factory.mktemp("runs")
    for name in ("action_pretrain", "ball_transfer", "mini_action_pretrain", "mini_ball_transfer"):
        experiment = load_experiment(name)
        model = build_model(experiment.model, experiment.clip, len(experiment.task.labels))
        save_checkpoint(fold_folder(runs, name, 0) / FILE_NAME, model.state_dict(), experiment, {})
    return runs


@pytest.mark.parametrize("name", SHIPPED_CONFIGS)
def test_a_config_trains_a_step(name, runs_before):
    # The networks are convolutional: smaller pictures run the same layers. Published weights cannot be had here.
    shipped = load_experiment(name)
    if shipped.video is None:
        experiment = replace(shipped, model=replace(shipped.model, pretrained=False))
    else:
        experiment = replace(shipped, video=replace(shipped.video, pretrained=False))
    num_labels, T = len(experiment.task.labels), experiment.clip.num_frames
    # RGB comes in the model's range where the device scales.
    if experiment.input.channels == "rgb":
        frames = torch.rand(2, T, 3, 64, 96)
    else:
        frames = torch.randint(0, 256, (2, T, 64, 96), dtype=torch.uint8)
    torch.manual_seed(0)
    model = starting_model(experiment, fold=0, runs=runs_before)
    trainer = Trainer(experiment, model, torch.device("cpu"), steps_per_epoch=10)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    batch = ClipBatch(
        frames=frames,
        targets=torch.randint(0, 2, (2, num_labels)).float(),
        video_ids=torch.zeros(2, dtype=torch.int64),
        centers=torch.zeros(2, dtype=torch.int64),
        forms=("limited", "full"),
        seeds=torch.tensor([1, 2]),
    )

    result = trainer.step(batch)

    assert torch.isfinite(result.loss)
    changed = {key for key, value in model.state_dict().items() if not torch.equal(before[key], value)}
    assert "classifier.weight" in changed
    learning = stage_schedule(model.stages(), experiment.train).learning(1)
    of_stage = {
        value.data_ptr(): stage
        for stage, part in model.stages().items()
        for value in part.state_dict().values()
    }
    frozen = {key for key, value in model.state_dict().items() if of_stage[value.data_ptr()] not in learning}
    assert not frozen & changed


def test_weights_carry_over_from_the_stage_before_save_for_the_classifier(runs_before):
    experiment = load_experiment("ball_transfer")
    model = starting_model(experiment, fold=3, runs=runs_before)
    start = fold_folder(runs_before, "action_pretrain", 0) / FILE_NAME
    state = load_checkpoint(start).state
    assert torch.equal(model.state_dict()["blocks.0.expand.weight"], state["blocks.0.expand.weight"])
    assert model.classifier.out_features == 2
    assert state["classifier.weight"].shape[0] == 15


def test_a_stage_whose_start_is_missing_says_which_command_makes_it(tmp_path):
    with pytest.raises(CheckpointError, match="train them first: bvas train --experiment action_pretrain"):
        starting_model(load_experiment("ball_transfer"), fold=0, runs=tmp_path)


def test_augmentations_of_every_config_run():
    for name in SHIPPED_CONFIGS:
        experiment = load_experiment(name)
        frames = torch.rand((2, 2, 3, 32, 48) if experiment.input.channels == "rgb" else (2, 6, 32, 48))
        out = ClipAugmenter(experiment.augment)(frames, torch.tensor([5, 6]))
        assert out.shape == frames.shape
        assert 0.0 <= float(out.min())
        assert float(out.max()) <= 1.0
