"""Training of the networks that an experiment's `video` names: starting weights, stages, averages, checkpoints."""

import copy
import logging
from dataclasses import replace

import pytest
import torch
from class_samples import bars_experiment, write_bars
from tiny import tiny_experiment
from torch import nn
from training_tiny import random_batch, train

from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.checkpoint import load_checkpoint, save_checkpoint
from bvas.experiment.experiment import Experiment
from bvas.inference.spotter import _check_same
from bvas.models.clip_model import ClipModel
from bvas.models.config import ModelConfig
from bvas.models.spotting import SpottingModel
from bvas.models.video.config import CnnLstmConfig, SmallR2plus1dConfig, VideoModelConfig
from bvas.models.video.video_model import VideoModel
from bvas.tasks.clip import ClipKind
from bvas.tasks.kind_choice import kind_of
from bvas.tasks.trained_model import trained_model
from bvas.training.initial_model import starting_model
from bvas.training.step import Trainer
from bvas.values.annotations import LabelSet
from bvas.values.clip_config import ClipConfig

SMALL = VideoModelConfig(network="small_r2plus1d", small_r2plus1d=SmallR2plus1dConfig(features=(4, 8)))
LSTM = VideoModelConfig(
    network="cnn_lstm", cnn_lstm=CnnLstmConfig(encoder="test_resnet.r160_in1k", num_features=8, num_hidden=6)
)
MC3 = VideoModelConfig(network="mc3_18")


def experiment_of(video, labels=("PASS", "SHOT", "DRIVE"), **train):
    tiny = tiny_experiment()
    return replace(
        tiny,
        kind="clip",
        task=replace(tiny.task, labels=LabelSet(labels)),
        input=replace(tiny.input, size=(32, 24)),
        clip=ClipConfig(num_frames=4, frame_step=1, stack_size=1 if video is LSTM else 4),
        model=ModelConfig(),
        video=video,
        train=replace(tiny.train, **train),
    )


def with_video(experiment, **changes):
    return replace(experiment, video=replace(experiment.video, **changes))


def save(experiment, path, *, seed=0):
    """Write random weights of an experiment; return them."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = kind_of(experiment).model().state_dict()
    save_checkpoint(path, state, experiment, {})
    return state


def batch_of(experiment, num_clips=4, seed=0):
    batch = random_batch(experiment, num_clips, seed)
    num_labels = len(experiment.task.labels)
    return replace(batch, targets=torch.eye(num_labels)[torch.arange(num_clips) % num_labels])


@pytest.mark.parametrize("video", [SMALL, LSTM, replace(MC3, pretrained=True, weights_file="mc3.pth")])
def test_an_experiment_with_a_network_is_the_same_after_json(video):
    experiment = experiment_of(video)
    assert Experiment.from_json(experiment.to_json()) == experiment


def test_settings_that_would_not_be_used_are_refused():
    experiment = experiment_of(SMALL)
    with pytest.raises(ConfigError, match=r"video is set \(small_r2plus1d\), and kind 'spot' scores frames"):
        replace(experiment, kind="spot")
    with pytest.raises(
        ConfigError, match=r"model has sizes of the spotting network, and the network is that of v"
    ):
        replace(experiment, model=ModelConfig(num_blocks_3d=1))


@pytest.mark.parametrize("video", [SMALL, LSTM], ids=["small", "lstm"])
def test_a_run_freezes_thaws_averages_and_is_read_again(video, tmp_path):
    stage = {"small_r2plus1d": "layer1", "cnn_lstm": "encoder.layer4"}[video.network]
    experiment = experiment_of(video, unfreeze={2: stage}, ema_decay=0.5, activation_checkpointing=True)
    model = starting_model(experiment, 0, tmp_path)
    trainer = Trainer(experiment, model, torch.device("cpu"), steps_per_epoch=1)
    module = model.stages()[stage]

    before = copy.deepcopy(module.state_dict())
    trainer.step(batch_of(experiment))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    trainer.begin_epoch(1)
    trainer.step(batch_of(experiment, seed=1))
    changed = {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {"weight", "running_mean"} <= {name.rpartition(".")[2] for name in changed}

    trainer.save(tmp_path / "w.safetensors", {})
    read = trained_model(load_checkpoint(tmp_path / "w.safetensors"), ClipModel)
    assert not read.training
    averaged = trainer.averaged.module.state_dict()
    assert all(torch.equal(tensor, averaged[name]) for name, tensor in read.state_dict().items())


def test_published_weights_are_loaded_from_the_file_when_a_run_starts(tmp_path):
    wanted = torch.full((64, 3, 3, 7, 7), 0.5)
    experiment = experiment_of(MC3)
    network = kind_of(experiment).model()
    assert isinstance(network, VideoModel)
    state = {name.removeprefix("encoder."): tensor for name, tensor in network.state_dict().items()}
    state |= {"stem.0.weight": wanted, "fc.weight": torch.zeros(400, 512), "fc.bias": torch.zeros(400)}
    state = {name: tensor for name, tensor in state.items() if not name.startswith("classifier.")}
    torch.save(state, tmp_path / "mc3.pth")

    pretrained = with_video(experiment, pretrained=True, weights_file=str(tmp_path / "mc3.pth"))
    model = starting_model(pretrained, 0, tmp_path)
    assert torch.equal(model.encoder.stem[0].weight, wanted)
    assert model.classifier.weight.abs().sum() > 0
    # A run that has weights already needs no file.
    gone = with_video(pretrained, weights_file=str(tmp_path / "gone.pth"))
    starting_model(gone, 0, tmp_path, is_begun=True)
    with pytest.raises(CheckpointError, match=r"cannot read the weights .*gone\.pth"):
        starting_model(gone, 0, tmp_path)


@pytest.mark.parametrize("video", [SMALL, LSTM], ids=["small", "lstm"])
def test_another_experiments_weights_are_a_start_and_known_labels_keep_their_rows(video, tmp_path, caplog):
    path = tmp_path / "before.safetensors"
    state = save(experiment_of(video), path)
    after = experiment_of(video, ("DRIVE", "OUT", "PASS"), start_from=str(path))
    with caplog.at_level(logging.INFO):
        model = starting_model(after, 0, tmp_path)
    assert torch.equal(model.classifier.weight[[0, 2]], state["classifier.weight"][[2, 0]])
    assert not torch.equal(model.classifier.weight[1], state["classifier.weight"][1])
    own = model.state_dict()
    assert all(torch.equal(own[name], state[name]) for name in own if not name.startswith("classifier."))
    assert "new labels: 1 (OUT)" in caplog.text


def test_weights_of_another_backbone_are_refused_by_name(tmp_path):
    path = tmp_path / "other.safetensors"
    save(experiment_of(SMALL), path)
    message = (
        r"has 0 of the \d+ tensors of experiment tiny's backbone \(cnn_lstm with test_resnet.r160_in1k, stacks of "
        r"1 frame\), and at least half must fit; it was trained with small_r2plus1d, stacks of 4 frames"
    )
    with pytest.raises(CheckpointError, match=message):
        starting_model(experiment_of(LSTM, start_from=str(path)), 0, tmp_path)


def test_trained_weights_of_other_sizes_or_another_class_are_refused(tmp_path):
    experiment = experiment_of(SMALL)
    save(experiment, tmp_path / "w.safetensors")
    checkpoint = load_checkpoint(tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=r"holds a SmallR2plus1d .* a SpottingModel is needed here"):
        trained_model(checkpoint, SpottingModel)
    _check_same(
        with_video(experiment, small_r2plus1d=SmallR2plus1dConfig(features=(4, 8), drop_rate=0.7)), checkpoint
    )
    with pytest.raises(CheckpointError, match="was trained with another video than experiment tiny has"):
        _check_same(with_video(experiment, small_r2plus1d=None), checkpoint)


def test_a_run_with_a_network_that_ends_in_softmax_is_refused_before_its_first_step(tmp_path, monkeypatch):
    experiment = bars_experiment()
    model = kind_of(experiment).model()
    model.classifier = nn.Sequential(model.classifier, nn.Softmax(dim=1))
    monkeypatch.setattr(ClipKind, "model", lambda self, *, pretrained=False: model)
    with pytest.raises(ConfigError, match="outputs of SpottingModel are probabilities"):
        train(experiment, write_bars(tmp_path), tmp_path / "runs")
    assert not [*(tmp_path / "runs").rglob("*.safetensors")]
