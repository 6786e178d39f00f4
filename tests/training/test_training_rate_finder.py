"""The learning rate finder: on a parabola whose rates are known, on noise, and on a tiny fold by its command."""

import json
import math

import numpy as np
import pytest
import torch
from tiny import TINY_CONFIG

from bvas.cli import main
from bvas.errors import ConfigError, TrainingError
from bvas.training.rate_finder import FEWEST_STEPS, RateCurve, range_test, rising_rates
from bvas.training.step import Trainer


def parabola(noise=0.0):
    """Return a step of gradient descent on x^2, from x = 1: it converges up to a rate of 1, and diverges above."""
    x = [1.0]
    random = np.random.default_rng(0)

    def step(rate):
        loss = x[0] ** 2
        x[0] -= rate * 2 * x[0]
        return loss + noise * random.standard_normal()

    return step


def test_on_a_parabola_the_suggestion_converges_and_the_run_ends_where_it_diverges():
    curve = range_test(parabola(), rising_rates(1e-4, 1e3, 140))
    assert curve.is_diverged
    # Each step multiplies x by 1 - 2 * rate; the loss is e times lower after rates that sum up to 1/4.
    fallen = curve.rates[np.flatnonzero(curve.losses <= 0.5)[0]]
    assert fallen / 2 < curve.suggestion < fallen * 2
    assert 1 < curve.rates[-1] < 100
    assert curve.rates[curve.lowest] > curve.suggestion


def test_the_loss_of_each_step_is_that_before_it():
    curve = range_test(parabola(), [0.25, 0.25, 0.25])
    assert curve.losses.tolist() == [1.0, 0.25, 0.0625]
    assert not curve.is_diverged


def test_noise_on_the_losses_moves_the_suggestion_by_little():
    rates = rising_rates(1e-4, 10, 100)
    exact, noisy = (range_test(parabola(noise), rates).suggestion for noise in (0.0, 0.1))
    assert exact / 2 < noisy < exact * 2


def test_noise_alone_gives_a_suggestion_in_one_of_thirty_runs_at_most():
    random = np.random.default_rng(1)
    rates = rising_rates(1e-7, 1, 100)
    curves = [RateCurve(rates, random.normal(1.0, 0.1, 100), False) for _ in range(300)]
    assert sum(curve.suggestion is not None for curve in curves) <= 10


@pytest.mark.parametrize("last", [math.nan, math.inf, 1e30])
def test_a_loss_that_is_not_a_number_ends_the_run_and_leaves_the_curve_before_it(last):
    losses = iter([1.0] * 10 + [0.9, 0.7, 0.5, 0.3, 0.1] + [0.1] * 10 + [last] * 10)
    curve = range_test(lambda rate: next(losses), rising_rates(1e-5, 1, 40))
    assert len(curve.losses) == 26
    assert curve.is_diverged
    assert np.isfinite(curve.smoothed).all()
    assert curve.smoothed.max() <= 1.0
    assert curve.rates[9] < curve.suggestion < curve.rates[14]


def test_a_loss_that_is_not_finite_at_the_start_is_an_error():
    with pytest.raises(TrainingError, match=r"the loss is nan in step 1, at a learning rate of 1\.0e-05"):
        range_test(lambda rate: math.nan, rising_rates(1e-5, 1, 40))


@pytest.mark.parametrize(
    ("first", "last", "steps"),
    [(0.0, 1, 100), (1, 1e-3, 100), (1e-7, math.inf, 100), (1e-7, 1, FEWEST_STEPS - 1)],
)
def test_rates_that_make_no_search_are_refused(first, last, steps):
    with pytest.raises(ConfigError, match="at least 20 steps from a positive rate to a higher one"):
        rising_rates(first, last, steps)


@pytest.fixture
def workplace(league, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    # The warm-up would scale the rates, if it had an effect.
    config = TINY_CONFIG.replace("warmup_epochs=0", 'warmup_epochs=2, frozen=("encoder",)')
    (tmp_path / "configs/tiny.py").write_text(config)
    return tmp_path


def search(league, *options):
    return main(["experiment", "rate", "tiny", "--data", str(league), "--workers", "0", "--quiet", *options])


def test_the_command_writes_a_curve_and_a_picture_and_leaves_nothing_else(
    workplace, league, capsys, monkeypatch
):
    rates, step = [], Trainer.step

    def noting(self, batch, learning_rate):
        result = step(self, batch, learning_rate)
        rates.append(self._optimizer.param_groups[0]["lr"])
        frozen.append(all(parameter.grad is None for parameter in self.model.encoder.parameters()))
        return result

    frozen = []
    monkeypatch.setattr(Trainer, "step", noting)
    finished = workplace / "runs/tiny/fold_0/model.safetensors"
    finished.parent.mkdir(parents=True)
    finished.write_bytes(b"finished")

    assert search(league, "--steps", "20", "--lowest", "1e-5", "--highest", "0.1") == 0

    assert sorted(path.name for path in (workplace / "runs").rglob("*") if path.is_file()) == [
        "fold_0.json",
        "fold_0.png",
        "model.safetensors",
    ]
    assert finished.read_bytes() == b"finished"
    found = json.loads((workplace / "runs/tiny/rate/fold_0.json").read_text())
    assert (found["rates"][0], found["rates"][-1]) == pytest.approx((1e-5, 0.1))
    assert found["rates"] == rates
    assert len(found["losses"]) == len(found["smoothed"]) == 20
    assert all(frozen)
    assert (workplace / "runs/tiny/rate/fold_0.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "20 steps with rates from 1.0e-05 to 1.0e-01" in printed
    assert ("no suggestion" in printed) == (found["suggestion"] is None)


def test_a_search_gives_the_same_again_and_leaves_the_random_state_as_it_was(workplace, league):
    before = torch.get_rng_state()
    for out in ("one", "two"):
        assert search(league, "--steps", "20", "--out", out) == 0
    assert torch.equal(before, torch.get_rng_state())
    one, two = (json.loads((workplace / out / "fold_0.json").read_text()) for out in ("one", "two"))
    assert one["losses"] == two["losses"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "5"], "at least 20 steps"),
        (["--fold", "7"], "no fold 7"),
        (["--device", "cuda:99"], "cuda:99"),
    ],
)
def test_wrong_options_are_refused(workplace, league, capsys, options, message):
    assert search(league, *options) == 2
    assert message in capsys.readouterr().err


def test_ctrl_c_ends_the_search_and_writes_nothing(workplace, league, monkeypatch):
    def interrupted(self, batch, learning_rate):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "step", interrupted)
    assert search(league) == 130
    assert not [path for path in (workplace / "runs").rglob("*") if path.is_file()]
