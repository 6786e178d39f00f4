"""One step: what it changes, and that how it is computed does not matter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_experiment
from torch._dynamo.exc import TorchDynamoException
from training_tiny import random_batch, restless_experiment

from bvas.augment.config import AugmentConfig
from bvas.errors import ConfigError, TrainingError
from bvas.experiment.experiment import TrainConfig
from bvas.loading.labelled_video import LabelledVideo
from bvas.models.spotting import build_model
from bvas.tasks.kind_choice import kind_of
from bvas.training.compile import compiled_forward
from bvas.training.divergence import LossWatch
from bvas.training.step import StepResult, Trainer
from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_grid import Grid


def _trainer(experiment, device="cpu"):
    torch.manual_seed(0)
    model = build_model(experiment.model, experiment.clip, len(experiment.task.labels)).to(device)
    return Trainer(experiment, model, torch.device(device), steps_per_epoch=5)


def _with(experiment, **train):
    return replace(experiment, train=replace(experiment.train, **train))


def _same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_parts_of_a_batch_add_up_to_the_step_of_the_whole():
    # The seven clips come in parts of 3, 3 and 1. BatchNorm sees parts, so its statistics are left alone.
    config = TrainConfig(
        batch_size=7, optimizer="sgd", learning_rate=0.1, warmup_epochs=0, weight_decay=0.0, ema_decay=0.5
    )
    experiment = replace(restless_experiment(), train=config, augment=AugmentConfig.none())
    experiment = replace(experiment, model=replace(experiment.model, drop_rate=0.0, drop_path_rate=0.0))
    results, states = [], []
    for parts in (1, 3):
        trainer = _trainer(_with(experiment, accumulation_steps=parts))
        trainer.model.eval().train = lambda mode=True: None
        before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
        results.append(trainer.step(random_batch(experiment, 7)))
        states.append(trainer.model.state_dict())

    assert results[0].loss.item() == pytest.approx(results[1].loss.item(), rel=1e-5)
    moved = max((states[0][name] - before[name]).abs().max().item() for name in before)
    differs = max((states[0][name] - states[1][name]).abs().max().item() for name in before)
    assert moved > 1e-2
    assert differs < 1e-5


@pytest.mark.parametrize("frozen", [(), ("encoder",)])
def test_activations_computed_twice_give_the_same_weights_and_statistics(frozen):
    experiment = restless_experiment(frozen=frozen)
    states, kept = [], []
    for twice in (False, True):
        trainer = _trainer(_with(experiment, activation_checkpointing=twice))
        sizes = []

        def note(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        for seed in range(3):
            with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
                trainer.step(random_batch(experiment, 4, seed))
        states.append(trainer.state_dict())
        kept.append(sum(sizes))

    for part in ("model", "averaged"):
        assert _same(states[0][part], states[1][part]), part
    assert torch.equal(states[0]["random_cpu"], states[1]["random_cpu"])
    tracked = states[1]["model"]["stack_projection.norm.num_batches_tracked"]
    assert tracked == 3 * experiment.train.accumulation_steps
    assert kept[1] < 0.7 * kept[0]


def test_single_frames_of_a_transformer_made_for_squares_train_at_the_size_of_the_experiment():
    experiment = tiny_experiment()
    experiment = replace(
        experiment,
        clip=ClipConfig(num_frames=1, stack_size=1),
        model=replace(experiment.model, encoder="test_vit3", num_blocks_3d=0),
        train=replace(experiment.train, warmup_epochs=0, optimizer="sgd"),
    )
    torch.manual_seed(0)
    trainer = Trainer(experiment, kind_of(experiment).model(), torch.device("cpu"), steps_per_epoch=5)
    before = {name: value.clone() for name, value in trainer.model.named_parameters()}
    trainer.step(random_batch(experiment, 4))
    assert [
        name for name, value in trainer.model.named_parameters() if torch.equal(value, before[name])
    ] == []


def test_averaged_weights_and_statistics_are_the_moving_average_of_each_step():
    experiment = restless_experiment(ema_decay=0.9)
    trainer = _trainer(experiment)
    expected = None
    for seed in range(3):
        trainer.step(random_batch(experiment, 4, seed))
        now = {name: value.double() for name, value in trainer.model.state_dict().items()}
        expected = (
            now
            if expected is None
            else {name: 0.9 * expected[name] + 0.1 * value for name, value in now.items()}
        )

    averaged = trainer.averaged.module.state_dict()
    floating = [name for name, value in averaged.items() if value.is_floating_point()]
    assert any(name.endswith("running_var") for name in floating)
    for name in floating:
        assert torch.allclose(averaged[name].double(), expected[name], atol=1e-6), name
        differs = (expected[name] - trainer.model.state_dict()[name]).abs().max()
        assert differs > 0 or name.endswith("bias"), name


def test_a_frozen_encoder_keeps_its_statistics():
    experiment = restless_experiment(frozen=("encoder",))
    trainer = _trainer(experiment)
    before = {name: value.clone() for name, value in trainer.model.encoder.named_buffers()}
    trainer.step(random_batch(experiment, 4))
    assert _same(before, dict(trainer.model.encoder.named_buffers()))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_step_in_half_precision_is_near_that_in_float32(precision):
    experiment = restless_experiment(optimizer="sgd", learning_rate=0.1, warmup_epochs=0)
    losses = {}
    for name in ("float32", precision):
        trainer = _trainer(_with(experiment, precision=name))
        # The usual first scale is too large here, which costs a step and is another test.
        trainer._scaler = torch.GradScaler("cpu", init_scale=256.0, enabled=name == "float16")
        first = {key: value.clone() for key, value in trainer.model.state_dict().items()}
        losses[name] = trainer.step(random_batch(experiment, 4)).loss.item()
        assert trainer.model.classifier.weight.dtype == torch.float32
        assert not torch.equal(first["classifier.weight"], trainer.model.classifier.weight)
    assert losses[precision] == pytest.approx(losses["float32"], rel=0.05)
    assert losses[precision] != losses["float32"]


def test_gradients_too_large_for_float16_leave_a_step_out_and_lower_the_scale():
    experiment = restless_experiment(precision="float16")
    trainer = _trainer(experiment)
    trainer._scaler = torch.GradScaler("cpu", init_scale=2.0**60)
    before = trainer.model.classifier.weight.clone()

    result = trainer.step(random_batch(experiment, 4))

    assert torch.equal(before, trainer.model.classifier.weight)
    assert trainer._scaler.get_scale() == 2.0**59
    assert result.gradient_norm == 0


def test_gradients_are_scaled_down_to_the_norm():
    experiment = restless_experiment(max_gradient_norm=1e-3)
    trainer = _trainer(experiment)
    norm = trainer.step(random_batch(experiment, 4)).gradient_norm
    after = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]).norm()
    assert norm > 1e-2
    assert after.item() == pytest.approx(1e-3, rel=1e-3)


class _RunsBackends:
    """In place of torch.compile, which takes long: what it returns runs the model, or fails as a compiler does."""

    def __init__(self, fails):
        self.fails = fails
        self.calls = 0

    def __call__(self, model, **_):
        def run(frames):
            self.calls += 1
            if self.fails:
                raise TorchDynamoException("no such intrinsic\nand much more")
            return model(frames)

        return run


@pytest.mark.parametrize("fails", [False, True])
def test_a_model_that_does_not_compile_runs_as_it_is_and_trying_changes_nothing(monkeypatch, caplog, fails):
    experiment = restless_experiment()
    model = _trainer(experiment).model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    backend = _RunsBackends(fails)
    monkeypatch.setattr(torch, "compile", backend)

    forward = compiled_forward(model, (2, 6, 64, 96), torch.device("cpu"), None)

    assert _same(before, model.state_dict())
    assert torch.equal(random, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert ("runs uncompiled: slower, same results (no such intrinsic)" in caplog.text) == fails
    forward(torch.rand(2, 6, 64, 96))
    forward(torch.rand(1, 6, 64, 96))  # another shape is not worth a compilation
    assert backend.calls == (1 if fails else 2)


def test_an_error_that_is_not_the_compilers_is_not_hidden(monkeypatch):
    model = _trainer(restless_experiment()).model
    monkeypatch.setattr(torch, "compile", lambda model, **_: model)
    with pytest.raises(AssertionError, match="5 frames for a model of 6"):
        compiled_forward(model, (2, 5, 64, 96), torch.device("cpu"), None)


def _watch():
    grid = Grid(rate=25, indices=np.arange(100), seconds=np.arange(100) / 25)
    video = LabelledVideo(
        path=Path("match/1_720p.mkv"),
        form="limited",
        size=(48, 64),
        grid=grid,
        keyframes=np.array([0]),
        num_labels=2,
        annotation_frames=np.array([], dtype=np.int64),
        label_ids=np.array([], dtype=np.int64),
    )
    return LossWatch([video], "kept is kept")


@pytest.mark.parametrize(
    ("loss", "norm", "what"), [("nan", 1.0, "the loss is nan"), (0.5, "inf", "the gradients' norm is inf")]
)
def test_a_value_that_is_no_number_is_named_with_its_step_and_clips(loss, norm, what):
    watch = _watch()
    batch = random_batch(restless_experiment(), 2)
    watch.add(6, StepResult(torch.tensor(0.25), torch.tensor(1.0)), batch)
    assert watch.loss == 0.25
    with pytest.raises(TrainingError) as caught:
        watch.add(7, StepResult(torch.tensor(float(loss)), torch.tensor(float(norm))), batch)
    assert f"{what} in step 7" in str(caught.value)
    assert "match/1_720p.mkv frames 0, 10; kept is kept" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"accumulation_steps": 5}, {"accumulation_steps": 0}, {"precision": "half"}, {"save_minutes": -1.0}],
)
def test_settings_of_a_step_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrainConfig(batch_size=4, **wrong)


def _on_gpu(batch):
    return replace(batch, frames=batch.frames.cuda(), targets=batch.targets.cuda())


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("twice", [False, True])
def test_steps_on_a_gpu_are_near_those_on_a_cpu(precision, twice):
    experiment = restless_experiment(activation_checkpointing=twice)
    # Dropout draws otherwise there.
    experiment = replace(experiment, model=replace(experiment.model, drop_rate=0.0, drop_path_rate=0.0))
    here = _trainer(experiment)
    there = _trainer(_with(experiment, precision=precision), "cuda")
    there._scaler = torch.GradScaler("cuda", init_scale=256.0, enabled=precision == "float16")
    for seed in range(3):
        batch = random_batch(experiment, 4, seed)
        expected, got = here.step(batch).loss.item(), there.step(_on_gpu(batch)).loss.item()
        assert got == pytest.approx(expected, rel=0.1), seed


@pytest.mark.gpu
def test_the_right_step_is_named_though_a_gpu_is_not_waited_for():
    experiment = restless_experiment()
    trainer, watch = _trainer(experiment, "cuda"), _watch()
    for step in range(1, 8):
        if step == 5:
            torch.nn.init.constant_(trainer.model.classifier.weight, float("nan"))
        batch = replace(random_batch(experiment, 2), centers=torch.tensor([step, 10 * step]))
        try:
            watch.add(step, trainer.step(_on_gpu(batch)), batch)
        except TrainingError as error:
            caught = error
            break
    else:
        with pytest.raises(TrainingError) as info:
            watch.settle()
        caught = info.value
    assert "the loss is nan in step 5, with the clips at match/1_720p.mkv frames 5, 50;" in str(caught)
