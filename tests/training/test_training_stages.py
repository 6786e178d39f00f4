"""Stages that begin to learn in an epoch, and those that never do: weights, statistics and averages, bit by bit."""

import logging
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training_parallel import TORCHRUN, environment
from tiny import tiny_experiment
from training_tiny import StoppedError, random_batch, restless_experiment, stop_before_step, train

from bvas.errors import CheckpointError, ConfigError
from bvas.experiment.checkpoint import load_checkpoint, save_checkpoint
from bvas.experiment.experiment import Experiment, TrainConfig
from bvas.models.spotting import build_model
from bvas.training.loop import FoldRun
from bvas.training.stage_schedule import stage_schedule
from bvas.training.step import Trainer

STEM = "encoder.backbone.conv_stem.", "encoder.backbone.bn1."
FOURTH = "encoder.backbone.blocks.4."
COUNTER = "num_batches_tracked"


def started(path) -> Experiment:
    """Return an experiment of 6 epochs whose weights are loaded from a file: two stages learn late, one never."""
    experiment = restless_experiment(
        epochs=5,
        validation_clips=4,
        ema_decay=0.9,
        start_from=str(path),
        # Two steps an epoch.
        clips_per_epoch=8,
        frozen=("encoder.stem",),
        unfreeze={5: "encoder.blocks.4", 3: "blocks"},
    )
    model = restless_model(experiment)
    state = {
        # 0.9 * 12 + 0.1 * 12 is less than 12 in float32, and 11 as an integer.
        name: torch.full_like(value, 12) if name.endswith(COUNTER) else value + 0.01
        for name, value in model.state_dict().items()
    }
    save_checkpoint(path, state, experiment, {})
    return experiment


def restless_model(experiment):
    torch.manual_seed(5)
    return build_model(experiment.model, experiment.clip, len(experiment.task.labels))


def changed(before, after):
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run(league, tmp_path_factory):
    """Return the experiment, the weights it starts from, those after each epoch (latest, averaged), and the runs."""
    folder = tmp_path_factory.mktemp("stages")
    experiment = started(folder / "start.safetensors")
    after = []
    with pytest.MonkeyPatch.context() as patch:
        end_epoch = FoldRun._end_epoch

        def noting(self):
            end_epoch(self)
            modules = self.trainer.model, self.trainer.averaged.module
            after.append([{n: v.clone() for n, v in module.state_dict().items()} for module in modules])

        patch.setattr(FoldRun, "_end_epoch", noting)
        train(experiment, league, folder / "runs")
    return experiment, load_checkpoint(folder / "start.safetensors").state, after, folder / "runs"


def test_a_stage_has_its_loaded_weights_until_the_epoch_in_which_it_begins_to_learn(run):
    _, start, after, _ = run
    assert len(after) == 6
    for epoch, modules in enumerate(after, start=1):
        for state in modules:
            moved = changed(start, state)
            assert not moved.intersection(name for name in start if name.startswith(STEM))
            fourth = {name for name in start if name.startswith(FOURTH)}
            assert len(fourth) > 20
            if epoch < 5:
                assert moved.isdisjoint(fourth), epoch
            else:
                # Weights and statistics; counters of the average are rounded down.
                assert {name for name in fourth if not name.endswith(COUNTER)} <= moved, epoch
            assert ("blocks.0.expand.weight" in moved) == (epoch >= 3)
            assert {"classifier.weight", "encoder.backbone.blocks.3.0.bn1.running_mean"} <= moved


@pytest.mark.parametrize("steps", [8, 9], ids=["before epoch 5", "in epoch 5"])
def test_a_run_resumed_at_the_change_or_behind_it_ends_with_the_same_bits(
    run, league, tmp_path, steps, monkeypatch
):
    experiment, _, after, runs = run
    with monkeypatch.context() as patch, pytest.raises(StoppedError):
        stop_before_step(patch, steps)
        train(experiment, league, tmp_path)
    train(experiment, league, tmp_path)

    (expected, got) = (
        load_checkpoint(one / "tiny/fold_0/model.safetensors").state for one in (runs, tmp_path)
    )
    assert changed(expected, got) == set()
    assert changed(expected, after[-1][1]) == set()


@pytest.mark.slow
def test_so_it_is_with_two_ranks(run, league, tmp_path):
    experiment, start, _, _ = run
    program = str(Path(__file__).with_name("stages_program.py"))
    command = [*TORCHRUN, program, str(league), str(tmp_path), experiment.train.start_from]
    ended = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stderr

    def after(epoch, rank=0, name="stopped-None"):
        return torch.load(tmp_path / f"{name}-{epoch}-{rank}.pt", weights_only=True)

    fourth = {name for name in start if name.startswith(FOURTH)}
    for rank in range(2):
        assert fourth.isdisjoint(changed(start, after(4, rank)))
        assert fourth <= changed(start, after(5, rank))
    weights = {name for name in start if not name.endswith((COUNTER, "running_mean", "running_var"))}
    # Each rank has statistics of its own share.
    assert weights.isdisjoint(changed(after(6), after(6, rank=1)))
    for name in ("stopped-8", "stopped-9"):
        assert changed(after(6), after(6, name=name)) == set()


def trainer_of(**train_config):
    experiment = restless_experiment(**train_config)
    return Trainer(experiment, restless_model(experiment), torch.device("cpu"), steps_per_epoch=2)


@pytest.mark.parametrize(
    "config",
    [
        {"optimizer": "sgd", "weight_decay": 0.1},
        {"precision": "float16"},
        {"activation_checkpointing": True},
        {"learning_rate_factors": {"encoder": 0.5}},
    ],
    ids=lambda config: next(iter(config)),
)
def test_frozen_stages_stay_with_every_kind_of_step(config):
    trainer = trainer_of(frozen=("encoder",), unfreeze={2: "blocks"}, **config)
    trainer._scaler = torch.GradScaler("cpu", init_scale=256.0, enabled=config.get("precision") == "float16")
    first = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    for epoch in range(2):
        trainer.begin_epoch(epoch)
        for seed in range(2):
            trainer.step(random_batch(trainer.experiment, 4, seed))
        moved = changed(first, trainer.model.state_dict())
        assert changed(first, trainer.averaged.module.state_dict()) == moved
        assert {name.split(".")[0] for name in moved} == {"classifier", "pool", "stack_projection"} | (
            {"blocks"} if epoch else set()
        )
        # Nothing is computed below the lowest stage that learns.
        assert all(parameter.grad is None for parameter in trainer.model.encoder.parameters())


def test_the_log_names_what_is_frozen_and_what_begins_to_learn(caplog):
    with caplog.at_level(logging.INFO):
        trainer = trainer_of(frozen=("encoder.stem",), unfreeze={2: "blocks"})
        for epoch in (0, 1, 1, 2):
            trainer.begin_epoch(epoch)
    assert [record.getMessage() for record in caplog.records] == [
        "epoch 1: frozen: encoder.stem, blocks.0",
        "epoch 2: learning from here on: blocks.0; frozen: encoder.stem",
    ]


def test_dropout_of_a_frozen_stage_is_off_and_containers_of_frozen_stages_are_too():
    trainer = trainer_of(frozen=("encoder", "blocks.0"))
    modes = {name: module.training for name, module in trainer.model.named_modules()}
    assert not any(modes[name] for name in ("encoder", "encoder.backbone", "blocks", "blocks.0.drop_path"))
    assert modes["dropout"]
    assert modes["stack_projection"]


def test_a_stage_may_have_its_own_learning_rate():
    trainer = trainer_of(learning_rate_factors={"encoder": 0.5, "encoder.blocks.4": 0.25}, warmup_epochs=0)
    trainer.step(random_batch(trainer.experiment, 4))
    rates = {
        parameter: group["lr"] for group in trainer._optimizer.param_groups for parameter in group["params"]
    }
    by_name = {name: rates[parameter] for name, parameter in trainer.model.named_parameters()}
    assert trainer.learning_rate == 3e-3
    assert by_name["encoder.backbone.conv_stem.weight"] == by_name["encoder.projection.conv.weight"] == 1.5e-3
    assert by_name["encoder.backbone.blocks.4.0.conv_pw.weight"] == 0.75e-3
    assert by_name["classifier.weight"] == 3e-3


def test_without_factors_all_weights_are_one_group_in_the_order_of_the_model():
    trainer = trainer_of()
    (group,) = trainer._optimizer.param_groups
    assert [*map(id, group["params"])] == [*map(id, trainer.model.parameters())]


def test_a_state_whose_optimizer_held_other_weights_is_refused():
    trainer = trainer_of()
    state = trainer.state_dict()
    state["optimizer"]["param_groups"][0]["params"].pop()
    with pytest.raises(CheckpointError, match=r"an earlier version .* start over with --overwrite"):
        trainer.load_state_dict(state)


STAGES = ("encoder.stem", "encoder.layer1", "encoder.layer10", "head")


def test_a_name_means_the_stage_of_this_name_or_all_behind_its_dot():
    schedule = stage_schedule(STAGES, TrainConfig(frozen=("encoder.layer1",), unfreeze={4: "head"}))
    assert schedule.learning(3) == ("encoder.stem", "encoder.layer10")
    assert schedule.learning(4) == ("encoder.stem", "encoder.layer10", "head")
    schedule = stage_schedule(STAGES, TrainConfig(unfreeze={7: "encoder"}))
    assert [schedule.learning(epoch) == STAGES for epoch in (6, 7, 36)] == [False, True, True]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"frozen": ("layer1",)},
            "no stage 'layer1'; its stages are encoder.stem, encoder.layer1, encoder.layer10, head",
        ),
        ({"unfreeze": {2: "enc"}}, "no stage 'enc'"),
        ({"learning_rate_factors": {"tail": 1.0}}, "no stage 'tail'"),
        (
            {"frozen": ("encoder",), "unfreeze": {5: "encoder.stem"}},
            r"encoder.stem is named twice, by frozen = 'encoder' and by unfreeze\[5\] = 'encoder.stem'",
        ),
        ({"unfreeze": {5: "head", 6: "head"}}, "head is named twice"),
        ({"frozen": ("encoder",), "unfreeze": {2: "head"}}, "no stage learns in epoch 1"),
    ],
)
def test_names_that_make_no_schedule_are_refused(config, message):
    with pytest.raises(ConfigError, match=message):
        stage_schedule(STAGES, TrainConfig(**config))


@pytest.mark.parametrize("epoch", [0, 37])
def test_an_epoch_that_does_not_come_is_refused(epoch):
    with pytest.raises(ConfigError, match=f"unfreeze has epoch {epoch}, and epochs are counted from 1 to 36"):
        TrainConfig(unfreeze={epoch: "head"})


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_a_factor_that_is_not_positive_is_refused(factor):
    with pytest.raises(ConfigError, match="learning_rate_factors must be positive"):
        TrainConfig(learning_rate_factors={"head": factor})


def test_experiments_with_stages_pass_through_json_and_those_of_version_0_1_are_read():
    experiment = tiny_experiment()
    late = replace(
        experiment,
        train=replace(
            experiment.train, unfreeze={2: "blocks"}, frozen=("encoder",), learning_rate_factors={"head": 2.0}
        ),
    )
    assert Experiment.from_json(late.to_json()) == late

    text = experiment.to_json()
    for value, frozen in (("false", ()), ("true", ("encoder",))):
        old = text.replace('"frozen": [],', f'"freeze_encoder2d": {value},')
        assert Experiment.from_json(old).train.frozen == frozen
