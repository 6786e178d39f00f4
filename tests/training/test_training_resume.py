"""Runs that are stopped, and what they come to when they go on."""

import csv
import errno
import io
import json
import os
import random
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_tiny import random_batch, restless_experiment, train, training_process

from bvas.data.matches import find_matches
from bvas.errors import CheckpointError, ConfigError, DataError, TrainingError
from bvas.experiment.checkpoint import load_checkpoint
from bvas.system.cpu_cores import CoreWatch
from bvas.system.locks import locked
from bvas.training.distributed import World
from bvas.training.divergence import LossWatch
from bvas.training.fold import run_fold
from bvas.training.loop import FoldRun
from bvas.training.resume import check_finished
from bvas.training.run_state import FILE_NAME as STATE_NAME
from bvas.training.run_state import TrainingState, load_state, save_state
from bvas.training.step import StepResult, Trainer
from bvas.training.validation import Answers

EXPERIMENT = restless_experiment()


class StoppedError(Exception):
    """Stands for a kill."""


def _stop_after(clips):
    def progress(done, total, note):
        if done >= clips:
            raise StoppedError

    return progress


def _fold(runs):
    return runs / "tiny" / "fold_0"


def _weights(runs, name="model.safetensors"):
    return load_checkpoint(_fold(runs) / name).state


def _assert_same_result(runs, undisturbed):
    for name in ("model.safetensors", "best.safetensors"):
        got, expected = _weights(runs, name), _weights(undisturbed, name)
        assert got.keys() == expected.keys()
        assert [key for key in got if not torch.equal(got[key], expected[key])] == []
    kept = ("epoch", "train_loss", "learning_rate", "val_loss", "val_average_precision")
    rows, expected_rows = (
        [
            [row[name] for name in kept]
            for row in csv.DictReader((_fold(folder) / "log.csv").read_text().splitlines())
        ]
        for folder in (runs, undisturbed)
    )
    assert rows == expected_rows
    events = EventAccumulator(str(_fold(runs) / "tensorboard")).Reload()
    for tag in kept[1:]:
        assert [event.step for event in events.Scalars(tag)] == [0, 1, 2], tag
    assert json.loads((_fold(runs) / "metrics.json").read_text())["steps"] == 12
    left = {path.name for path in _fold(runs).iterdir()}
    assert STATE_NAME not in left
    assert not [name for name in left if ".part" in name]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    # Sums are cut into as many parts as there are threads, so runs are alike at the same number only.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def undisturbed(league, tmp_path_factory, _one_thread):
    """The runs folder of a run that was left alone."""
    runs = tmp_path_factory.mktemp("undisturbed")
    train(EXPERIMENT, league, runs)
    return runs


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_with_the_weights_of_one_left_alone(
    league, tmp_path, undisturbed, kills
):
    draw = random.Random(kills + 1)
    for _ in range(kills):
        process = training_process(EXPERIMENT, league, tmp_path)
        # From before the first save to beyond the last step, on a machine with nothing else to do.
        process.join(draw.uniform(0.0, 2.5))
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
    process = training_process(EXPERIMENT, league, tmp_path)
    process.join(120)
    assert process.exitcode == 0
    _assert_same_result(tmp_path, undisturbed)


@pytest.mark.parametrize(
    "clips", [pytest.param(0, marks=pytest.mark.slow), 9, pytest.param(14, marks=pytest.mark.slow)]
)
def test_a_run_goes_on_from_where_it_was_stopped(league, tmp_path, undisturbed, clips):
    seen = []
    with pytest.raises(StoppedError):
        train(EXPERIMENT, league, tmp_path, progress=_stop_after(clips))
    train(EXPERIMENT, league, tmp_path, progress=lambda done, total, note: seen.append((done, total)))

    _assert_same_result(tmp_path, undisturbed)
    # The first report is of what was done before: at most a step less than where it was stopped.
    assert clips - 4 <= seen[0][0] <= clips + 3
    assert seen[-1] == (42, 42)
    resumed = json.loads((_fold(tmp_path) / "environment.json").read_text())["resumed"]
    assert [entry["changed"] for entry in resumed] == [{}]


@pytest.mark.slow
def test_without_saves_in_between_an_epoch_is_done_again(league, tmp_path, undisturbed):
    experiment = restless_experiment(save_minutes=60.0)
    with pytest.raises(StoppedError):
        train(experiment, league, tmp_path, progress=_stop_after(20))
    assert load_state(_fold(tmp_path) / STATE_NAME).epoch == 1
    assert load_state(_fold(tmp_path) / STATE_NAME).batches == 0
    # How often a run is saved is no part of what it is.
    train(EXPERIMENT, league, tmp_path)
    _assert_same_result(tmp_path, undisturbed)


def test_a_full_disk_at_a_save_is_a_clear_error_and_the_run_goes_on_later(
    league, tmp_path, undisturbed, monkeypatch
):
    real = os.fsync
    calls = iter(range(100))

    def full(descriptor):
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match=rf"cannot write .*{STATE_NAME}: No space left on device; free some"):
        train(EXPERIMENT, league, tmp_path)
    assert load_state(_fold(tmp_path) / STATE_NAME).batches == 4
    train(EXPERIMENT, league, tmp_path)
    _assert_same_result(tmp_path, undisturbed)


def test_a_save_that_fails_leaves_no_buffer_on_loan(tmp_path, monkeypatch):
    buffers = []

    class Buffer(io.BytesIO):
        def __init__(self, *args):
            super().__init__(*args)
            buffers.append(self)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("io.BytesIO", Buffer)
    monkeypatch.setattr("os.fsync", full)
    # The error holds on to the frames that failed, and these to the buffer.
    with pytest.raises(DataError) as failed:
        save_state(tmp_path / STATE_NAME, TrainingState(experiment="{}", data=[], trainer={}))
    assert failed.value
    buffers[0].close()  # A BufferError while a view of it lives.


@pytest.mark.slow
def test_a_finished_fold_is_left_alone_and_overwritten_if_asked(league, tmp_path, undisturbed, caplog):
    caplog.set_level("INFO")
    path = _fold(undisturbed) / "model.safetensors"
    before = path.stat().st_mtime_ns
    train(EXPERIMENT, league, undisturbed)
    assert path.stat().st_mtime_ns == before
    assert "fold 0 of tiny is finished" in caplog.text

    other = replace(EXPERIMENT, seed=1)
    with pytest.raises(
        ConfigError, match=r"finished fold with other settings: seed was 0 and is 1; --overwrite"
    ):
        train(other, league, undisturbed)
    with pytest.raises(StoppedError):
        train(other, league, tmp_path, progress=_stop_after(0))
    with pytest.raises(StoppedError):
        train(EXPERIMENT, league, tmp_path, overwrite=True, progress=_stop_after(0))
    train(EXPERIMENT, league, tmp_path)
    _assert_same_result(tmp_path, undisturbed)


def test_a_finished_fold_that_learned_from_what_it_would_hold_out_is_refused(league, undisturbed):
    first, second = (match for match in find_matches(EXPERIMENT.task, league) if match.fold is not None)

    def again(matches):
        device = torch.device("cpu")
        return run_fold(EXPERIMENT, 0, matches, runs=undisturbed, device=device, workers={})

    assert again([first, second]).is_file()
    # As where a match is added before the first one, and folds are counted from there.
    moved = [replace(second, fold=0), replace(first, fold=1)]
    with pytest.raises(ConfigError, match=rf"was trained on '{second.name}', which this fold holds out now"):
        again(moved)


def test_a_run_of_another_experiment_or_data_is_not_gone_on_with(league, tmp_path):
    with pytest.raises(StoppedError):
        train(EXPERIMENT, league, tmp_path, progress=_stop_after(5))
    before = (_fold(tmp_path) / STATE_NAME).read_bytes()
    other = restless_experiment(epochs=7, learning_rate=0.1)
    with pytest.raises(ConfigError) as caught:
        train(other, league, tmp_path)
    assert "train.epochs was 2 and is 7, train.learning_rate was 0.003 and is 0.1" in str(caught.value)
    assert "--overwrite" in str(caught.value)

    path = _fold(tmp_path) / STATE_NAME
    state = load_state(path)
    state.data[0] = state.data[0].rsplit(" ", 1)[0] + " 0123456789abcdef"
    save_state(path, state)
    with pytest.raises(
        CheckpointError, match=r"other data: 1 video, their labels or score curves differ \(.*/1_64p.mkv\)"
    ):
        train(EXPERIMENT, league, tmp_path)
    path.write_bytes(before)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_state_is_refused_with_the_remedy(tmp_path, damage):
    path = tmp_path / STATE_NAME
    save_state(path, TrainingState(experiment="{}", data=[], trainer={"weights": torch.arange(1000.0)}))
    assert load_state(path).trainer["weights"][999] == 999
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    path.write_bytes(
        {"cut": content[:-100], "flipped": content, "empty": b"", "foreign": b"PK nothing"}[damage]
    )
    with pytest.raises(CheckpointError, match=r"is damaged .* start over with --overwrite"):
        load_state(path)


def test_a_state_with_code_in_it_is_refused(tmp_path):
    path = tmp_path / STATE_NAME
    save_state(path, TrainingState(experiment="{}", data=[], trainer={"path": Path("x")}))
    with pytest.raises(CheckpointError, match="is not the state of a run"):
        load_state(path)


def test_a_log_without_a_state_is_not_written_over(league, tmp_path):
    with pytest.raises(StoppedError):
        train(EXPERIMENT, league, tmp_path, progress=_stop_after(20))
    (_fold(tmp_path) / STATE_NAME).unlink()
    with pytest.raises(CheckpointError, match=r"holds log.csv of a run .* --overwrite"):
        train(EXPERIMENT, league, tmp_path)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_state(league, tmp_path, monkeypatch):
    real = Trainer.step

    def poisoned(self, batch):
        if self.num_steps == 7:
            torch.nn.init.constant_(self.model.classifier.weight, float("nan"))
        return real(self, batch)

    monkeypatch.setattr(Trainer, "step", poisoned)
    with pytest.raises(TrainingError) as caught:
        train(EXPERIMENT, league, tmp_path)
    message = str(caught.value)
    assert "the loss is nan in step 8" in message
    assert "1_64p.mkv frames " in message
    assert f"{_fold(tmp_path) / STATE_NAME} holds the last saved state" in message
    state = load_state(_fold(tmp_path) / STATE_NAME)
    assert (state.epoch, state.batches) == (1, 3)
    assert state.trainer["num_steps"] == 7
    assert all(value.isfinite().all() for value in state.trainer["model"].values())


def test_weights_that_are_no_numbers_are_not_saved(league, tmp_path, monkeypatch):
    real = Trainer.step

    def poisoned(self, batch):
        result = real(self, batch)
        if self.num_steps == 3:
            torch.nn.init.constant_(self.model.classifier.weight, float("inf"))
        return result

    monkeypatch.setattr(Trainer, "step", poisoned)
    with pytest.raises(TrainingError, match="after step 3 weights are NaN or infinite"):
        train(EXPERIMENT, league, tmp_path)
    assert load_state(_fold(tmp_path) / STATE_NAME).trainer["num_steps"] == 2


def test_a_validation_that_comes_to_no_number_costs_neither_the_weights_nor_the_best_of_the_others(
    league, tmp_path, monkeypatch, caplog
):
    nan = float("nan")
    # One score is right of two, or they are NaN.
    known, empty = np.array([[0.1, 0.9], [0.9, 0.1]], np.float32), np.full((2, 2), nan, np.float32)
    targets = np.array([[0, 1], [0, 1]], np.float32)
    found = iter([Answers(nan, empty, targets), Answers(0.5, known, targets), Answers(nan, empty, targets)])
    monkeypatch.setattr("bvas.training.loop.answers_of", lambda *args, **options: next(found))
    experiment = restless_experiment(save_minutes=60.0)
    train(replace(experiment, sampling=replace(experiment.sampling, clips_per_epoch=4)), league, tmp_path)

    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2
    assert "the validation loss of epoch 3/3 is nan (computed in torch.float32)" in warnings[1]
    assert "precision='float32'" in warnings[1]
    assert all(value.isfinite().all() for value in _weights(tmp_path).values())
    metrics = json.loads((_fold(tmp_path) / "metrics.json").read_text())
    assert (metrics["last"]["epoch"], metrics["last"]["val_loss"]) == (2, None)
    assert metrics["last"]["train_loss"] > 0
    assert (metrics["best"]["epoch"], metrics["best"]["val_loss"]) == (1, 0.5)
    assert load_checkpoint(_fold(tmp_path) / "best.safetensors").facts["epoch"] == "1"


def test_what_only_prediction_looks_at_leaves_a_fold_finished(tmp_path):
    (tmp_path / "experiment.json").write_text(EXPERIMENT.to_json())
    task = replace(EXPERIMENT.task, challenge=("match_2",), test=("match_1",))
    check_finished(tmp_path, replace(EXPERIMENT, task=task, flip_tta=not EXPERIMENT.flip_tta))
    with pytest.raises(ConfigError, match=r"with other settings: task.visible_only was false and is true"):
        check_finished(tmp_path, replace(EXPERIMENT, task=replace(task, visible_only=True)))


def test_a_rank_that_does_not_write_waits_for_its_steps_as_seldom_as_the_writer_saves(tmp_path, monkeypatch):
    now, waits = [0.0], []
    experiment = restless_experiment(save_minutes=3.0)
    batch = random_batch(experiment, 2)

    def step(batch):
        now[0] += 60.0
        return StepResult(torch.tensor(0.5), torch.tensor(1.0))

    trainer = SimpleNamespace(
        experiment=experiment, begin_epoch=lambda epoch: None, step=step, num_steps=0, answers=[]
    )
    loader = SimpleNamespace(
        clips=SimpleNamespace(videos=[]),
        stats=SimpleNamespace(waiting_seconds=0.0),
        epoch=lambda epoch, first_batch: [batch] * 9,
    )
    monkeypatch.setattr("bvas.training.loop.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(LossWatch, "settle", lambda self: waits.append(now[0]))
    world = World(rank=1, size=2, local_size=2, device=torch.device("cpu"))
    state = TrainingState(experiment="{}", data=[], trainer={})
    with CoreWatch() as cores:
        FoldRun(tmp_path, world, trainer, loader, None, state, None)._train_epoch(cores)
    assert waits == [180.0, 360.0, 540.0, 540.0]  # the last one at the epoch's end


def test_two_processes_do_not_train_the_same_fold_at_once(league, tmp_path):
    with locked(_fold(tmp_path)), pytest.raises(DataError, match="another process works in "):
        train(EXPERIMENT, league, tmp_path)


def test_observers_see_each_epoch_once_and_the_averaged_weights(league, tmp_path):
    calls = []

    class Looker:
        def begin(self, run, epoch):
            calls.append(("begin", epoch, run.fold, run.held_out.num_clips > 0))

        def epoch_done(self, run, epoch, model, autocast_dtype):
            run.board.add_scalar("mine", 1.0, epoch)
            calls.append(("epoch", epoch, model.training, autocast_dtype))

    train(restless_experiment(epochs=1), league, tmp_path, observers=[Looker()])
    assert calls == [("begin", 0, 0, True), ("epoch", 0, False, None), ("epoch", 1, False, None)]


def test_resume_wants_something_to_go_on_with(league, tmp_path, monkeypatch, capsys):
    from bvas.cli import main

    monkeypatch.chdir(tmp_path)
    command = ["train", "--experiment", "demo", "--data", str(league), "--quiet"]
    assert main([*command, "--resume"]) == 2
    assert "no run of demo in runs to resume" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "--resume", "--overwrite"])
