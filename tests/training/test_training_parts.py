import csv
import math
import time
from copy import deepcopy
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import tiny_experiment
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from training_tiny import random_batch

from bvas.experiment.experiment import TrainConfig
from bvas.models.spotting import build_model
from bvas.training.ema import AveragedWeights
from bvas.training.optim import build_optimizer, learning_rate_at
from bvas.training.run_logs import EpochLog, environment, table_lines
from bvas.training.step import Trainer
from bvas.training.validation import validate


def test_the_rate_rises_to_the_peak_and_falls_along_a_cosine_to_the_last_step():
    config = TrainConfig(warmup_epochs=1, epochs=2, learning_rate=1.0, final_learning_rate=0.1)
    rates = [learning_rate_at(step, 4, config) for step in range(12)]

    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates[4] == 1.0
    assert rates[11] == pytest.approx(0.1)
    # Half-way through the 7 intervals of the cosine lies between steps 3 and 4 of it.
    assert (rates[7] + rates[8]) / 2 == pytest.approx(0.55)
    assert all(a > b for a, b in pairwise(rates[4:]))


def test_a_single_step_has_the_peak_rate():
    assert learning_rate_at(0, 1, TrainConfig(warmup_epochs=0, epochs=1, learning_rate=0.5)) == 0.5


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_both_optimizers_hold_all_weights_and_move_those_that_learn(name, kind):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    before = [parameter.clone() for parameter in model.parameters()]

    optimizer = build_optimizer([[*model.parameters()]], TrainConfig(optimizer=name, weight_decay=0.1))
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()

    assert isinstance(optimizer, kind)
    assert optimizer.defaults.get("nesterov", True)
    assert len(optimizer.param_groups[0]["params"]) == 4
    stays = [torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True)]
    assert stays == [True, True, False, False]


def test_averaged_weights_and_batch_norm_statistics_move_by_one_minus_decay():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(model[0].weight, 1.0)
    averaged = AveragedWeights(model, 0.9)
    averaged.update_parameters(model)  # the first update copies

    nn.init.constant_(model[0].weight, 2.0)
    model[1].running_mean.fill_(5.0)
    averaged.update_parameters(model)

    assert averaged.module[0].weight.item() == pytest.approx(0.9 * 1 + 0.1 * 2)
    assert averaged.module[1].running_mean.item() == pytest.approx(0.1 * 5)


def test_scores_that_are_nan_have_no_average_precision():
    experiment = tiny_experiment()
    batch = random_batch(experiment, 2)
    loader = SimpleNamespace(epoch=lambda epoch: [batch])

    class Overflowing(nn.Module):
        def forward(self, frames):
            return torch.full((2, len(experiment.task.labels)), float("nan"))

    scores = validate(Overflowing(), loader, experiment, autocast_dtype=None)
    assert math.isnan(scores["loss"])
    assert math.isnan(scores["average_precision"])


def test_the_log_has_a_row_per_epoch_and_events_for_tensorboard(tmp_path):
    log = EpochLog(tmp_path)
    log.add({"train_loss": 0.5})
    log.add({"train_loss": 0.25})
    log.close()

    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert rows == [{"epoch": "0", "train_loss": "0.5"}, {"epoch": "1", "train_loss": "0.25"}]
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1


def test_a_log_that_goes_on_forgets_the_epochs_that_are_done_again(tmp_path):
    log = EpochLog(tmp_path)
    log.add({"train_loss": 0.5})
    log.add({"train_loss": 0.25})  # and killed before the state was saved
    log.close()
    # TensorBoard reads event files in the order of their names: a second, and a counter as text (10 before 9).
    time.sleep(1.1)
    log = EpochLog(tmp_path, [{"train_loss": 0.5}])
    log.add({"train_loss": 0.125})
    log.close()

    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert rows == [{"epoch": "0", "train_loss": "0.5"}, {"epoch": "1", "train_loss": "0.125"}]
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("train_loss")
    assert [(event.step, event.value) for event in events] == [(0, 0.5), (1, 0.125)]


def test_the_table_has_a_line_above_it_and_columns_for_what_there_is():
    row = {
        "train_loss": 0.5,
        "learning_rate": 3e-4,
        "clips_per_second": 12.34,
        "waiting_share": 0.25,
        "seconds": 61.0,
    }
    assert table_lines(1, 12, row, header=True) == [
        "    epoch     loss     rate  clips/s  waiting  seconds",
        "     2/12   0.5000  3.0e-04     12.3      25%       61",
    ]
    assert "val AP" in table_lines(1, 12, {**row, "val_average_precision": 0.5}, header=True)[0]


def test_the_environment_names_the_versions():
    facts = environment()
    assert facts["torch"] == torch.__version__
    assert facts["av"] != "not installed"
    assert facts["device"] == "cpu"
    assert facts["commit"] == "none" or len(facts["commit"].removesuffix("+changes")) == 40


def test_averaged_weights_are_those_of_torch_after_every_update():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    expected = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.7), use_buffers=True)
    averaged = AveragedWeights(model, 0.7)
    for _ in range(4):
        model(torch.randn(5, 3))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        expected.update_parameters(model)
        averaged.update_parameters(model)

        for name, value in expected.state_dict().items():
            assert torch.equal(averaged.state_dict()[name], value), name
    assert int(averaged.n_averaged) == 4


def test_a_state_of_a_fused_optimizer_is_taken_up_by_one_that_is_not():
    experiment = tiny_experiment()

    def trainer(fused):
        torch.manual_seed(0)
        made = Trainer(experiment, build_model(experiment.model, experiment.clip, 2), torch.device("cpu"), 10)
        for group in made._optimizer.param_groups:
            group["fused"] = fused
        return made

    first, second = trainer(True), trainer(None)
    batches = [random_batch(experiment, 2, seed) for seed in range(3)]
    for batch in batches[:2]:
        first.step(batch)
    # A copy, as from a file: an optimizer shares the tensors that it is given.
    second.load_state_dict(deepcopy(first.state_dict()))

    assert {group["fused"] for group in second._optimizer.param_groups} == {None}
    results = []
    for one in (second, first):
        torch.manual_seed(1)
        results.append(one.step(batches[2]))
    found, expected = results
    assert float(found.loss) == float(expected.loss)
    for ours, theirs in zip(second.model.parameters(), first.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
