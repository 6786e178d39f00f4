"""The engine without PyTorch gives the rows of PyTorch's; the parts of the model are PyTorch's own here."""

import numpy as np
import pytest
import torch
from usable_models import SHORT, held_bytes, small_model, stream, textured_frames, torch_predictor

from bvas.errors import ConfigError
from bvas.inference.streaming import StreamingPredictor
from bvas.onnx.onnx_engine import OnnxEngine
from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig(num_frames=9, frame_step=2, stack_size=3)
# What an export promises; streaming folds normalization into its weights, which costs some 1e-5 here.
WITHIN = 1e-4


def make_predictors(clip=CLIP, *, batch=None, **options):
    model = small_model(clip)
    sizes = {"encode": [], "score": []}

    def encode(stacks):
        sizes["encode"].append(len(stacks))
        with torch.inference_mode():
            return model.encode_stacks(torch.from_numpy(stacks)).numpy()

    def score(windows):
        sizes["score"].append(len(windows))
        with torch.inference_mode():
            return model.score_windows(torch.from_numpy(windows)).sigmoid().numpy()

    predictor = StreamingPredictor(OnnxEngine(encode, score, clip, 2, **options), batch=batch)
    predictor.sizes = sizes
    return predictor, torch_predictor([model], clip, batch=batch, **options)


@pytest.mark.parametrize("flip_tta", [False, True])
@pytest.mark.parametrize("clip", [CLIP, SHORT, ClipConfig(num_frames=4, frame_step=3, stack_size=1)])
def test_the_rows_are_those_of_the_torch_engine_whatever_the_chunks(clip, flip_tta):
    ours, theirs = make_predictors(clip, flip_tta=flip_tta)
    frames = textured_frames(37)
    expected = stream(theirs, frames)

    for chunk in (1, 7, 64):
        np.testing.assert_allclose(stream(ours, frames, chunk), expected, atol=WITHIN, rtol=0)
    assert expected.std(axis=0).min() > 0.01


def test_gaps_and_a_stride_that_changes_leave_the_same_rows():
    frames = textured_frames(140)
    rows = []
    for predictor in make_predictors():
        parts = [predictor.push(frames[:40])]
        predictor.stride = 4
        parts += [predictor.push(frames[40:60]), predictor.push_gap(1), predictor.push(frames[61:90])]
        predictor.stride = 1
        rows.append(np.concatenate([*parts, predictor.push(frames[90:]), predictor.finish()]))

    assert len(rows[0]) == 140
    assert np.isnan(rows[0]).any()
    np.testing.assert_allclose(rows[0], rows[1], atol=WITHIN, rtol=0, equal_nan=True)


@pytest.mark.parametrize("scaling", ["range", "stored"])
@pytest.mark.parametrize("color_range", ["limited", "full"])
def test_luma_is_scaled_alike(scaling, color_range):
    ours, theirs = make_predictors(luma_scaling=scaling)
    frames = textured_frames(9)

    np.testing.assert_allclose(
        stream(ours, frames, 64, color_range), stream(theirs, frames, 64, color_range), atol=WITHIN, rtol=0
    )


def test_each_new_frame_costs_one_stack_and_batches_are_as_large_as_asked_for():
    ours, _ = make_predictors(flip_tta=True, batch=5)
    ours.push(textured_frames(40))
    for sizes in ours.sizes.values():
        sizes.clear()

    ours.push(textured_frames(30))

    # Each frame and its mirror image; frames are taken 5 at a time.
    assert ours.sizes == {"encode": [10] * 6, "score": [10] * 6}


def test_memory_does_not_grow_with_the_video():
    ours, _ = make_predictors(batch=4)
    held = set()
    for _ in range(4):
        ours.push(textured_frames(30))
        held.add(held_bytes(ours))

    assert len(held) == 1


def test_frames_that_are_not_an_array_of_bytes_are_refused():
    ours, _ = make_predictors()
    with pytest.raises(ConfigError, match="uint8"):
        ours.push(textured_frames(2).astype(np.float32))
    with pytest.raises(ConfigError, match="in an array in the CPU's memory, got a Tensor"):
        ours.push(torch.from_numpy(textured_frames(2)))
