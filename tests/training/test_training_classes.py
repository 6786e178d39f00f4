"""Training of kind clip: history, weights of each epoch, resuming, and what it can learn."""

import csv
import json
from dataclasses import replace

import pytest
import torch
from class_samples import bars_experiment, write_bars
from training_tiny import train

from bvas.data.matches import find_matches
from bvas.errors import ConfigError
from bvas.experiment.checkpoint import load_checkpoint
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import TrainConfig, load_experiment
from bvas.loading.loader import ClipLoader
from bvas.tasks.kind_choice import kind_of
from bvas.tasks.trained_model import trained_model
from bvas.training.overfit import overfit
from bvas.training.step import Trainer
from bvas.training.validation import answers_of


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return write_bars(tmp_path_factory.mktemp("bars"))


def rows_of(folder):
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trained(bars, tmp_path_factory):
    """A run that keeps the weights of each of its 2 epochs, and its experiment."""
    experiment = bars_experiment()
    experiment = replace(experiment, train=replace(experiment.train, keep_epochs=True))
    return experiment, train(experiment, bars, tmp_path_factory.mktemp("runs")).parent


def test_the_log_has_figures_of_training_and_validation(trained):
    _, folder = trained
    rows = rows_of(folder)
    assert len(rows) == 2
    for row in rows:
        for name in ("loss", "accuracy", "macro_f1", "macro_precision", "macro_recall"):
            assert 0 <= float(row[f"train_{name}"])
            assert 0 <= float(row[f"val_{name}"])


def test_the_history_has_confusion_matrices_of_all_clips(trained):
    _, folder = trained
    history = json.loads((folder / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == [0, 1]
    for entry, row in zip(history, rows_of(folder), strict=True):
        confusion = entry["train"]["confusion"]
        assert [sum(line) for line in confusion] == [4, 4]
        assert (confusion[0][0] + confusion[1][1]) / 8 == pytest.approx(float(row["train_accuracy"]))
        assert [sum(line) for line in entry["val"]["confusion"]] == [1, 1]


def test_weights_of_each_epoch_are_kept_on_request(trained):
    _, folder = trained
    assert sorted(path.name for path in folder.glob("epoch_*")) == [
        "epoch_001.safetensors",
        "epoch_002.safetensors",
    ]
    last = load_checkpoint(folder / "model.safetensors").state
    kept = load_checkpoint(folder / "epoch_002.safetensors").state
    assert all(torch.equal(last[name], kept[name]) for name in last)
    first = load_checkpoint(folder / "epoch_001.safetensors").state
    assert any(not torch.equal(last[name], first[name]) for name in last)


def test_the_best_epochs_weights_are_the_result_on_request(bars, tmp_path):
    experiment = bars_experiment()
    config = replace(experiment.train, final_weights="best", epochs=3)
    folder = train(replace(experiment, train=config), bars, tmp_path).parent
    best, last = (load_checkpoint(folder / f"{name}.safetensors") for name in ("best", "model"))
    assert all(torch.equal(best.state[name], last.state[name]) for name in best.state)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["best"]["epoch"] < metrics["last"]["epoch"]
    with pytest.raises(ConfigError, match="needs validation"):
        replace(config, validation_clips=0)


def test_starting_over_removes_history_and_kept_weights(trained, bars, tmp_path):
    experiment, folder = trained
    short = replace(experiment, train=replace(experiment.train, epochs=1))
    (tmp_path / "bars").mkdir()
    folder.rename(tmp_path / "bars" / "fold_0")
    try:
        train(short, bars, tmp_path, overwrite=True)
        assert [path.name for path in (tmp_path / "bars" / "fold_0").glob("epoch_*")] == [
            "epoch_001.safetensors"
        ]
        assert len(json.loads((tmp_path / "bars" / "fold_0" / "history.json").read_text())) == 1
    finally:
        (tmp_path / "bars" / "fold_0").rename(folder)


class StoppedError(Exception):
    """Ends a run from within."""


def test_a_run_that_is_stopped_within_an_epoch_resumes_to_the_same_weights_log_and_history(bars, tmp_path):
    experiment = bars_experiment()
    experiment = replace(experiment, train=replace(experiment.train, save_minutes=0.0, batch_size=3))
    whole = train(experiment, bars, tmp_path / "whole").parent

    def stop(done, total, remark):
        # 8 clips an epoch in batches of 3: within the second epoch.
        if done == 11:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(experiment, bars, tmp_path / "again", progress=stop)
    resumed = train(experiment, bars, tmp_path / "again").parent
    first, second = (load_checkpoint(folder / "model.safetensors").state for folder in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (whole / "history.json").read_text() == (resumed / "history.json").read_text()
    figures = [
        [
            {name: text for name, text in row.items() if name.startswith(("train_", "val_"))}
            for row in rows_of(folder)
        ]
        for folder in (whole, resumed)
    ]
    assert figures[0] == figures[1]


def accuracy_of(path, experiment, data):
    """Accuracy of saved weights on the held-out samples, in the experiment's own way of testing."""
    kind = kind_of(experiment)
    _, held_out = kind.samples(find_matches(experiment.task, data), 0)
    model = trained_model(load_checkpoint(path), torch.nn.Module)
    with ClipLoader(kind.test_clips(held_out), 4, workers=0, size=experiment.input.form) as loader:
        answers = answers_of(model, loader, experiment, autocast_dtype=None)
    return kind.figures(answers.scores, answers.targets)["accuracy"]


@pytest.mark.slow
def test_the_order_of_frames_is_learned_from_ordered_clips_and_not_from_shuffled_ones(tmp_path):
    data = write_bars(tmp_path / "data", num_groups=48)
    found = {}
    for order in ("ordered", "shuffled"):
        experiment = bars_experiment(
            name=order,
            classes=ClassConfig(frame_order=order),
            train=TrainConfig(batch_size=8, warmup_epochs=0, epochs=12, learning_rate=2e-3, ema_decay=0.9),
        )
        found[order] = accuracy_of(train(experiment, data, tmp_path / "runs"), experiment, data)
    assert found["ordered"] == 1.0
    assert found["shuffled"] < 0.85


def test_the_recipe_of_slow_r50_unfreezes_block_4_from_epoch_5_block_3_from_7_and_block_2_from_9(caplog):
    shipped = load_experiment("spacejam_slow_r50")
    experiment = replace(shipped, video=replace(shipped.video, pretrained=False))
    caplog.set_level("INFO", logger="bvas.training.step")
    trainer = Trainer(experiment, kind_of(experiment).model(), torch.device("cpu"), steps_per_epoch=1)
    learning = []
    for epoch in range(15):
        trainer.begin_epoch(epoch)
        learning.append({name for name, part in trainer.model.stages().items() if _learns(part)})
    blocks = [{f"blocks.{number}" for number in range(first, 6)} for first in (5, 4, 3, 2)]
    assert learning == [blocks[0]] * 4 + [blocks[1]] * 2 + [blocks[2]] * 2 + [blocks[3]] * 7
    assert [record.getMessage() for record in caplog.records] == [
        "epoch 1: frozen: normalization, blocks.0, blocks.1, blocks.2, blocks.3, blocks.4",
        "epoch 5: learning from here on: blocks.4; frozen: normalization, blocks.0, blocks.1, blocks.2, blocks.3",
        "epoch 7: learning from here on: blocks.3; frozen: normalization, blocks.0, blocks.1, blocks.2",
        "epoch 9: learning from here on: blocks.2; frozen: normalization, blocks.0, blocks.1",
    ]


def _learns(part):
    return any(parameter.requires_grad for parameter in part.parameters())


def test_an_overfit_check_on_clips_of_one_class_is_refused(bars, tmp_path):
    matches = find_matches(bars_experiment().task, bars)
    options = {"runs": tmp_path, "device": torch.device("cpu"), "workers": {}, "num_steps": 1}
    refused = 0
    for seed in range(6):
        try:
            overfit(bars_experiment(seed=seed), 0, matches, 2, **options)
        except ConfigError:
            refused += 1
    # Two of 4 and 4 clips are of one class in 3 of 7 draws.
    assert 0 < refused < 6
