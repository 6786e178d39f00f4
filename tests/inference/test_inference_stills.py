"""Clips that show one source frame only: the same rows to the bit, and fewer runs of the model."""

import numpy as np
import pytest
import torch
from tiny import tiny_experiment
from usable_models import torch_predictor

from bvas.inference.prepared_model import PreparedModel
from bvas.inference.streaming import StreamingPredictor
from bvas.models.spotting import build_model
from bvas.onnx.onnx_engine import OnnxEngine


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    experiment = tiny_experiment()
    return build_model(experiment.model, experiment.clip, 2).eval()


def _shown(counts, seed=0):
    """Frames that are each shown so many times, and which of them repeat the one before."""
    frames = np.random.default_rng(seed).integers(16, 236, (len(counts), 32, 48), dtype=np.uint8)
    numbers = np.repeat(np.arange(len(counts)), counts)
    return frames[numbers], np.diff(numbers, prepend=-1) == 0


def _rows(model, frames, is_repeat, *, chunk=64, stride=1, lost=None):
    clip = tiny_experiment().clip
    predictor = torch_predictor([model], clip, stride=stride, batch=4)
    rows = []
    for first in range(0, len(frames), chunk):
        part = slice(first, first + chunk)
        if first == lost:
            rows.append(predictor.push_gap(len(frames[part])))
        else:
            rows.append(
                predictor.push(frames[part], "limited", None if is_repeat is None else is_repeat[part])
            )
    return np.concatenate([*rows, predictor.finish()])


@pytest.mark.parametrize(
    ("counts", "chunk", "stride", "lost"),
    [
        ([50] * 4, 64, 1, None),
        ([50] * 4, 7, 1, None),
        ([50] * 4, 16, 2, None),
        ([1, 2, 3, 200, 1, 1, 30], 16, 1, None),
        ([3, 150, 3], 16, 1, 64),
        ([1] * 40, 16, 1, None),
        ([300], 64, 3, None),
    ],
)
def test_rows_are_those_of_a_run_that_computes_all_of_them(model, counts, chunk, stride, lost):
    frames, is_repeat = _shown(counts)

    every = _rows(model, frames, None, chunk=chunk, stride=stride, lost=lost)
    some = _rows(model, frames, is_repeat, chunk=chunk, stride=stride, lost=lost)

    assert len(some) == sum(counts)
    np.testing.assert_array_equal(some, every)


def test_an_hour_long_pause_costs_the_model_no_more_than_a_short_one(model, monkeypatch):
    counted = {"stacks": 0, "clips": 0}
    encode, score = PreparedModel.encode, PreparedModel.score

    def counting_encode(self, stacks):
        counted["stacks"] += len(stacks) // 2
        return encode(self, stacks)

    def counting_score(self, *kept):
        counted["clips"] += len(kept[0]) // 2
        return score(self, *kept)

    monkeypatch.setattr(PreparedModel, "encode", counting_encode)
    monkeypatch.setattr(PreparedModel, "score", counting_score)

    def cost(length):
        counted.update(stacks=0, clips=0)
        _rows(model, *_shown([5, length, 5]))
        return dict(counted)

    short, long = cost(60), cost(5060)

    assert short == long
    assert long["clips"] < 60


def test_the_form_without_pytorch_gives_equal_rows_and_runs_as_seldom():
    clip = tiny_experiment().clip
    calls = {"encode": 0, "score": 0}

    def encode(stacks):
        calls["encode"] += 1
        return stacks[..., ::8, ::8].copy()

    def score(windows):
        calls["score"] += 1
        return windows.reshape(len(windows), -1)[:, :2].copy()

    def rows(is_repeat):
        predictor = StreamingPredictor(OnnxEngine(encode, score, clip, 2), batch=4)
        calls.update(encode=0, score=0)
        found = np.concatenate([predictor.push(frames, "limited", is_repeat), predictor.finish()])
        return found, dict(calls)

    frames, is_repeat = _shown([5, 400, 5])
    every, all_calls = rows(None)
    some, few_calls = rows(is_repeat)

    np.testing.assert_array_equal(some, every)
    assert few_calls["encode"] < all_calls["encode"] / 5
    assert few_calls["score"] < all_calls["score"] / 5
