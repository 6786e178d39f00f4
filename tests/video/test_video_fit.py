from fractions import Fraction

import numpy as np
import pytest
import torch

from bvas import ConfigError
from bvas.video.decode import fit
from bvas.video.decode.fit import plan_fit


@pytest.mark.parametrize(
    ("source", "size", "aspect", "content", "top", "left"),
    [
        ((720, 1280), (736, 1280), 1, (720, 1280), 8, 0),
        ((90, 160), (96, 160), 1, (90, 160), 3, 0),
        ((720, 1280), (224, 224), 1, (126, 224), 49, 0),
        ((90, 160), (180, 330), 1, (180, 320), 0, 5),
        ((100, 100), (100, 100), 2, (50, 100), 25, 0),
        ((100, 100), (101, 200), 2, (100, 200), 0, 0),
        ((48, 80), None, Fraction(4, 3), (48, 80), 0, 0),
    ],
)
def test_a_picture_is_scaled_to_fit_and_centered(source, size, aspect, content, top, left):
    plan = plan_fit(source, size, Fraction(aspect))
    assert (plan.content, plan.top, plan.left) == (content, top, left)
    assert plan.is_resampled == (content != source)


def test_a_picture_of_fitting_size_keeps_its_pixels_and_gets_black_rows():
    luma = np.arange(90 * 160, dtype=np.uint64).reshape(90, 160).astype(np.uint8)
    out = np.full((96, 160), 9, np.uint8)
    plan_fit((90, 160), (96, 160)).apply(luma, out)
    assert np.array_equal(out[3:93], luma)
    assert not out[:3].any()
    assert not out[93:].any()


def test_shrinking_averages_areas():
    luma = np.array([[0, 100, 10, 30], [100, 200, 30, 50]], np.uint8)
    out = np.empty((1, 2), np.uint8)
    plan_fit((2, 4), (1, 2)).apply(luma, out)
    assert out.tolist() == [[100, 30]]


@pytest.mark.parametrize(
    ("source", "size", "aspect"),
    [
        ((72, 128), (74, 128), 1),
        ((72, 128), (23, 31), 1),
        ((48, 80), (96, 170), 1),
        ((64, 85), (56, 100), Fraction(64, 51)),
        ((64, 85), (63, 150), Fraction(64, 51)),
    ],
)
def test_the_torch_twin_is_within_one(source, size, aspect):
    plan = plan_fit(source, size, Fraction(aspect))
    luma = np.random.default_rng(0).integers(0, 256, source, dtype=np.uint8)
    out = np.empty(size, np.uint8)
    plan.apply(luma, out)
    twin = plan.apply_tensor(torch.from_numpy(luma)).numpy()
    assert twin.shape == out.shape
    assert np.abs(twin.astype(int) - out).max() <= (1 if plan.is_resampled else 0)


def test_a_size_below_one_is_refused():
    with pytest.raises(ConfigError, match=r"\(0, 5\)"):
        plan_fit((4, 4), (0, 5))


def test_the_weights_of_an_axis_are_made_once_for_all_frames_of_a_device(monkeypatch):
    made = []
    weights = fit._weights
    monkeypatch.setattr(fit, "_weights", lambda *axis: made.append(axis) or weights(*axis))
    frames = torch.randint(0, 256, (3, 61, 127), dtype=torch.uint8)

    for frame in frames:
        plan_fit((61, 127), (30, 50)).apply_tensor(frame)
    assert made == [(61, 24), (127, 50)]

    # Another plan with the same columns makes its rows only.
    plan_fit((121, 127), (1000, 50)).apply_tensor(torch.zeros((121, 127), dtype=torch.uint8))
    assert made == [(61, 24), (127, 50), (121, 48)]


@pytest.mark.parametrize(
    ("source", "target"), [(1080, 720), (1920, 1280), (3, 2), (2, 3), (5, 5), (1, 4), (7, 1), (720, 126)]
)
def test_kept_weights_are_those_of_the_whole_matrix(source, target):
    matrix = np.zeros((target, source))
    for indices, weights in fit.fit_taps(source, target, torch.device("cpu")):
        np.add.at(matrix, (np.arange(target), indices.numpy()), weights.numpy())

    np.testing.assert_array_equal(matrix, fit._weights(source, target))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)


def test_weights_kept_in_inference_mode_serve_outside_of_it():
    plan, luma = plan_fit((33, 35), (12, 13)), torch.randint(0, 256, (33, 35), dtype=torch.uint8)
    with torch.inference_mode():
        inside = plan.apply_tensor(luma)

    assert torch.equal(inside, plan.apply_tensor(luma))
    assert not any(tensor.is_inference() for tap in fit.fit_taps(33, 12, luma.device) for tensor in tap)
