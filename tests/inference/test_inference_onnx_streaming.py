"""The predictor without PyTorch gives the rows of `StreamingPredictor`; the parts are PyTorch's own here."""

import functools

import numpy as np
import pytest
import torch

from bvas.errors import ConfigError
from bvas.inference.streaming import StreamingPredictor
from bvas.models.config import ModelConfig
from bvas.models.spotting import build_model
from bvas.onnx.streaming import OnnxPredictor
from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig(num_frames=9, frame_step=2, stack_size=3)
TINY = ModelConfig(
    encoder="mobilenetv3_small_050",
    pretrained=False,
    num_blocks_3d=1,
    num_features_3d=8,
    se_reduction_3d=4,
    num_features_stack=4,
    encoder_drop_path_rate=0.0,
)


@functools.cache
def make_model(clip):
    torch.manual_seed(0)
    model = build_model(TINY, clip, 2)
    # Without means and variances of real features, the scores of a new network are nearly alike.
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum, module.eps = 1.0, 1e-3
    frames = make_frames(20 * clip.num_frames, seed=9).reshape(20, clip.num_frames, 32, 48)
    with torch.no_grad():
        model(torch.from_numpy(frames) / 255)
    return model.eval()


# What an export promises; streaming folds normalization into its weights, which costs some 1e-5 here.
WITHIN = 1e-4


def make_frames(num, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (num, 4, 6)).repeat(8, axis=1).repeat(8, axis=2)
    return ((coarse + rng.integers(0, 256, (num, 32, 48))) // 2).astype(np.uint8)


def make_predictors(clip=CLIP, **options):
    model = make_model(clip)
    sizes = {"encode": [], "score": []}

    def encode(stacks):
        sizes["encode"].append(len(stacks))
        with torch.inference_mode():
            return model.encode_stacks(torch.from_numpy(stacks)).numpy()

    def score(windows):
        sizes["score"].append(len(windows))
        with torch.inference_mode():
            return model.score_windows(torch.from_numpy(windows)).sigmoid().numpy()

    predictor = OnnxPredictor(encode, score, clip, 2, **options)
    predictor.sizes = sizes
    return predictor, StreamingPredictor([model], clip, **options)


def stream(predictor, frames, chunk=64, color_range="limited"):
    parts = [predictor.push(frames[i : i + chunk], color_range) for i in range(0, len(frames), chunk)]
    return np.concatenate([*parts, predictor.finish()])


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("clip", [CLIP, ClipConfig(num_frames=4, frame_step=3, stack_size=1)])
def test_the_rows_are_those_of_the_streaming_predictor_whatever_the_chunks(clip, flip):
    ours, theirs = make_predictors(clip, flip=flip)
    frames = make_frames(37)
    expected = stream(theirs, frames)

    for chunk in (1, 7, 64):
        np.testing.assert_allclose(stream(ours, frames, chunk), expected, atol=WITHIN, rtol=0)
    assert expected.std(axis=0).min() > 0.01


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_videos_shorter_than_a_clip_get_all_their_rows(length):
    ours, theirs = make_predictors()

    rows = stream(ours, make_frames(length))

    assert rows.shape == (length, 2)
    np.testing.assert_allclose(rows, stream(theirs, make_frames(length)), atol=WITHIN, rtol=0)


@pytest.mark.parametrize(("first", "num_missing"), [(20, 1), (0, 3), (35, 5), (0, 40)])
def test_lost_frames_leave_the_same_holes(first, num_missing):
    frames = make_frames(40)

    ours, theirs = (
        np.concatenate(
            [
                predictor.push(frames[:first]),
                predictor.break_here(num_missing),
                predictor.push(frames[first + num_missing :]),
                predictor.finish(),
            ]
        )
        for predictor in make_predictors()
    )

    assert np.isnan(theirs).any()
    np.testing.assert_allclose(ours, theirs, atol=WITHIN, rtol=0, equal_nan=True)


def test_a_stride_that_changes_while_frames_come_leaves_the_same_rows():
    frames = make_frames(140)
    rows = []
    for predictor in make_predictors():
        parts = [predictor.push(frames[:40])]
        predictor.stride = 4
        parts += [predictor.push(frames[40:60]), predictor.break_here(1), predictor.push(frames[61:90])]
        predictor.stride = 1
        rows.append(np.concatenate([*parts, predictor.push(frames[90:]), predictor.finish()]))

    assert len(rows[0]) == 140
    np.testing.assert_allclose(rows[0], rows[1], atol=WITHIN, rtol=0, equal_nan=True)


@pytest.mark.parametrize("chunk", [10, 64])
def test_with_a_stride_all_batches_but_the_last_are_full(chunk):
    ours, theirs = make_predictors(flip=False, stack_batch=8, window_batch=4)
    ours.stride = theirs.stride = 3
    frames = make_frames(100)

    np.testing.assert_allclose(
        stream(ours, frames, chunk), stream(theirs, frames, chunk), atol=WITHIN, rtol=0
    )

    # 34 rows of 100.
    assert ours.sizes["score"] == [4] * 8 + [2]
    assert set(ours.sizes["encode"][:-1]) == {8}


@pytest.mark.parametrize("scaling", ["range", "stored"])
@pytest.mark.parametrize("color_range", ["limited", "full"])
def test_luma_is_scaled_alike(scaling, color_range):
    ours, theirs = make_predictors(luma_scaling=scaling)
    frames = make_frames(9)

    np.testing.assert_allclose(
        stream(ours, frames, 64, color_range), stream(theirs, frames, 64, color_range), atol=WITHIN, rtol=0
    )


def test_each_new_frame_costs_one_stack_and_batches_are_as_large_as_asked_for():
    ours, _ = make_predictors(flip=True, stack_batch=5, window_batch=3)
    ours.push(make_frames(40))
    for sizes in ours.sizes.values():
        sizes.clear()

    ours.push(make_frames(30))

    # Two views; frames are taken 5 at a time.
    assert ours.sizes == {"encode": [10] * 6, "score": [6, 4] * 6}


def test_memory_does_not_grow_with_the_video():
    ours, _ = make_predictors(stack_batch=4)
    held = []
    for _ in range(4):
        ours.push(make_frames(30))
        held.append((len(ours._frames), len(ours._features)))

    assert held[1:] == [held[1]] * 3
    assert held[1][0] <= CLIP.stack_size * CLIP.frame_step
    assert held[1][1] <= CLIP.span


def test_frames_and_batches_that_do_not_fit_are_refused():
    ours, _ = make_predictors()
    with pytest.raises(ConfigError, match="uint8"):
        ours.push(make_frames(2).astype(np.float32))
    ours.push(make_frames(2))
    with pytest.raises(ConfigError, match="one size"):
        ours.push(make_frames(2)[:, :, :40])
    with pytest.raises(ConfigError, match="num_missing"):
        ours.break_here(-1)
    with pytest.raises(ConfigError, match="window_batch"):
        make_predictors(window_batch=0)
