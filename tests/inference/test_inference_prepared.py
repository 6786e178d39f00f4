import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from usable_models import SHORT, small_model, stream, textured_frames, torch_predictor, usable_model

from bvas.errors import ScoresError
from bvas.experiment.experiment import load_experiment
from bvas.inference.batchnorm_folding import without_batch_norm
from bvas.inference.flip_tta import mean_scores
from bvas.inference.half_precision import halved
from bvas.inference.precision import check_dtype, default_batch, prediction_dtype
from bvas.inference.prepared_model import PreparedModel
from bvas.system import compiled_function as compiled
from bvas.system import notices
from bvas.values.clip_config import ClipConfig


def test_batch_normalization_is_folded_into_the_convolutions():
    model = copy.deepcopy(small_model(SHORT)).double()
    pictures = torch.rand(2, 3, 32, 48, dtype=torch.float64)

    with torch.no_grad():
        folded = without_batch_norm(model.encoder, pictures)
        torch.testing.assert_close(folded(pictures), model.encoder(pictures), atol=1e-9, rtol=0)

    assert not [m for m in folded.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert [m for m in model.encoder.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


class Twice(nn.Module):
    """Uses the output of its convolution before and behind the normalization."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.norm.running_mean.fill_(1.0)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


def test_what_cannot_be_folded_stays_as_it_is_and_is_said(caplog):
    network, pictures = Twice().eval(), torch.rand(1, 3, 8, 8)

    copied = without_batch_norm(network, pictures)

    assert "cannot be folded" in caplog.text
    assert isinstance(copied.norm, nn.BatchNorm2d)
    torch.testing.assert_close(copied(pictures), network(pictures), atol=0, rtol=0)
    copied.to(torch.bfloat16)
    assert network.conv.weight.dtype == torch.float32


def test_the_halves_of_a_prepared_model_are_those_of_the_model():
    model = small_model(SHORT)
    prepared = PreparedModel(model)
    stacks = torch.rand(4, 3, 32, 48)

    with torch.no_grad():
        kept = prepared.encode(stacks.contiguous(memory_format=torch.channels_last))
        features = model.encode_stacks(stacks)
        # Two orders of the same sums; a wrong one is off by as much as the features.
        allowed = 1e-3 * float(features.abs().max())
        torch.testing.assert_close(kept[0].permute(0, 3, 1, 2), features, atol=allowed, rtol=0)
        logits = prepared.score(*(one.unflatten(0, (2, 2)) for one in kept))
        expected = model.score_windows(features.unflatten(0, (2, 2)))
        torch.testing.assert_close(logits, expected, atol=1e-3, rtol=0)


def test_the_depthwise_convolution_of_a_gpu_is_that_of_a_cpu():
    block = PreparedModel(small_model(SHORT)).blocks[0]
    features = torch.rand(2, 5, 3, 4, block.expand_layer.out_features)

    torch.testing.assert_close(block._by_taps(features), block._mixed(features), atol=1e-5, rtol=0)


def smooth_frames(num, size, seed):
    """Return frames in which large things move, as a camera has them."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    luma = np.full((num, *size), 120.0)
    for speed, wave, phase in zip(
        rng.normal(0, 0.4, 6), rng.uniform(4, 40, (6, 2)), rng.uniform(0, 6, 6), strict=True
    ):
        across = rows / wave[0] + columns / wave[1] + phase
        luma += 25 * np.sin(across + speed * np.arange(num)[:, None, None])
    return np.clip(luma, 16, 235).astype(np.uint8)


def demo_model(clip, size):
    config = replace(load_experiment("demo").model, pretrained=False)
    clips = [smooth_frames(clip.num_frames, size, seed) for seed in range(8)]
    return usable_model(config, clip, np.stack(clips), eps=None, weight=1.0)


@pytest.mark.parametrize("num_frames", [15, pytest.param(33, marks=pytest.mark.slow)])
def test_half_precision_is_within_two_hundredths(num_frames):
    clip, size = ClipConfig(num_frames=num_frames, frame_step=1), (64, 96)
    model, frames = demo_model(clip, size), smooth_frames(60, size, 99)

    exact = stream(torch_predictor([model], clip), frames, 16)
    half = stream(torch_predictor([model], clip, dtype=torch.bfloat16), frames, 16)

    assert 0 < np.abs(half - exact).max() < 2e-2
    # The curves themselves go up and down by more.
    assert np.ptp(exact, axis=0).min() > 0.05


def test_a_difference_of_frames_that_rounded_weights_would_not_see_is_kept_in_bfloat16():
    network = nn.Sequential(nn.Conv2d(2, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False)).eval()
    with torch.no_grad():
        # Of two like frames 1/512 of their brightness is left; bfloat16 has the same number for both weights.
        network[0].weight.copy_(torch.tensor([1 + 1 / 512, -1.0]).view(1, 2, 1, 1))
        network[1].weight.fill_(512.0)
    like_frames = torch.full((1, 2, 4, 4), 0.5)

    rounded = copy.deepcopy(network).to(torch.bfloat16)(like_frames.bfloat16())
    kept = halved(network, torch.bfloat16, like_frames)(like_frames.bfloat16())

    assert rounded.flatten().tolist() == [0.0] * 16
    assert kept.dtype == torch.bfloat16
    assert kept.flatten().tolist() == [0.5] * 16


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [
        (torch.float32, "train it again"),
        (torch.bfloat16, "in bfloat16, .* take --precision float32"),
    ],
)
def test_scores_that_are_no_numbers_are_an_error_and_no_gap(dtype, remedy):
    model = copy.deepcopy(small_model(SHORT))
    with torch.no_grad():
        model.classifier.bias[0] = float("nan")

    with pytest.raises(ScoresError, match=remedy):
        stream(torch_predictor([model], SHORT, dtype=dtype), textured_frames(30), 30)


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [(torch.float32, "infinite scores: .* train it again"), (torch.bfloat16, "infinite scores in bfloat16")],
)
@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_an_infinite_logit_is_an_error_and_no_certain_score(value, dtype, remedy):
    model = copy.deepcopy(small_model(SHORT))
    with torch.no_grad():
        model.classifier.bias[1] = value

    with pytest.raises(ScoresError, match=remedy):
        stream(torch_predictor([model], SHORT, dtype=dtype), textured_frames(30), 30)


def test_a_large_logit_is_a_certain_score():
    scores = mean_scores([torch.tensor([[80.0, -80.0]]), torch.tensor([[80.0, -80.0]])], 1)

    assert scores[0, 0] == 1.0
    assert 0.0 <= scores[0, 1] < 1e-30
    assert mean_scores([torch.tensor([[1.0, torch.inf]])], 1).isnan().tolist() == [[False, True]]


def test_a_function_that_cannot_be_compiled_runs_as_it_is_and_is_said_once(monkeypatch, caplog):
    from torch._dynamo.exc import BackendCompilerFailed

    def compile_nothing(function, **settings):
        assert settings == {"mode": "reduce-overhead", "dynamic": False}

        def run(*inputs):
            raise BackendCompilerFailed(function, RuntimeError("no compiler here"), None)

        return run

    monkeypatch.setattr(torch, "compile", compile_nothing)
    frames = textured_frames(30)
    usual = stream(torch_predictor([small_model(SHORT)], SHORT), frames, 30)

    found = stream(torch_predictor([small_model(SHORT)], SHORT, compiled=True), frames, 30)

    np.testing.assert_array_equal(found, usual)
    assert caplog.text.count("runs uncompiled") == 1


@pytest.mark.parametrize(("num_calls", "goes_on"), [(0, True), (1, True), (2, False)])
def test_memory_that_runs_out_while_compiling_or_recording_costs_the_compiled_form_only(
    monkeypatch, caplog, num_calls, goes_on
):
    def compile_until(function, **_):
        left = iter(range(num_calls))

        def run(*inputs):
            if next(left, None) is None:
                raise torch.OutOfMemoryError("out of memory")
            return function(*inputs)

        return run

    monkeypatch.setattr(torch, "compile", compile_until)
    steady = compiled.CompiledCalls(True, graphs=True)
    for _ in range(num_calls):
        assert steady.run(abs, torch.tensor(-1), is_steady=True) == 1

    if goes_on:
        assert [steady.run(abs, torch.tensor(-2), is_steady=True) for _ in range(2)] == [2, 2]
        assert caplog.text.count("runs uncompiled: slower, same results (out of memory)") == 1
    else:
        # What comes later than that is no matter of compiling.
        with pytest.raises(torch.OutOfMemoryError):
            steady.run(abs, torch.tensor(-2), is_steady=True)


def test_only_full_batches_are_compiled(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "compile", lambda function, **_: asked.append(function.__name__) or function)
    steady = compiled.CompiledCalls(True, graphs=True)

    assert steady.run(abs, torch.tensor(-1), is_steady=False) == 1
    assert asked == []
    assert steady.run(abs, torch.tensor(-1), is_steady=True) == 1
    assert steady.run(abs, torch.tensor(-2), is_steady=True) == 2
    assert asked == ["abs"]


def test_float16_is_for_gpus_and_asked_for_precisions_are_taken():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert prediction_dtype(cpu, "auto") == prediction_dtype(cuda, "float32") == torch.float32
    assert prediction_dtype(cuda, "auto") == torch.float16
    assert prediction_dtype(cpu, "bfloat16") == torch.bfloat16


@pytest.mark.parametrize(
    ("capabilities", "num_warnings"),
    [({"avx2": True, "avx512_f": True}, 1), ({"avx512_bf16": True}, 0), ({"bf16": True}, 0)],
)
def test_a_cpu_without_bfloat16_is_warned_of_once(monkeypatch, caplog, capabilities, num_warnings):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(notices, "_said", set())

    check_dtype(torch.float32, torch.device("cpu"))
    assert not caplog.messages
    for _ in range(2):
        check_dtype(torch.bfloat16, torch.device("cpu"))
    assert sum("is emulated, and slower than float32" in line for line in caplog.messages) == num_warnings


def test_batches_fill_a_cpus_caches_and_no_more():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert default_batch(cpu, (736, 1280), 2) == 1
    assert default_batch(cpu, (112, 192), 2) == 8
    assert default_batch(cpu, (112, 192), 1) == default_batch(cpu, (32, 48), 1) == 16
    # Three would fit, and not divide the chunks that frames come in.
    assert default_batch(cpu, (224, 224), 2) == 2
    assert default_batch(cuda, (736, 1280), 2) == 16


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_gpu_gives_the_scores_of_a_cpu(dtype, is_compiled):
    model, frames = small_model(SHORT), textured_frames(70)
    exact = stream(torch_predictor([model], SHORT), frames, 70)

    predictor = torch_predictor(
        [copy.deepcopy(model).cuda()], SHORT, dtype=dtype, compiled=is_compiled, batch=8
    )

    allowed = 1e-4 if dtype == torch.float32 else 2e-2
    np.testing.assert_allclose(stream(predictor, frames, 64), exact, atol=allowed)
    np.testing.assert_allclose(stream(predictor, frames, 7), exact, atol=allowed)
