"""Frames that are byte-equal to the one before: the same rows to the bit, and fewer runs of the model."""

import numpy as np
import pytest
from usable_models import SHORT, small_model, stream, textured_frames, torch_predictor

from bvas.inference.repeats import new_items, repeated_frames
from bvas.inference.streaming import StreamingPredictor
from bvas.inference.torch_engine import TorchEngine
from bvas.onnx.onnx_engine import OnnxEngine
from bvas.values.clip_config import ClipConfig


def shown(counts, seed=0):
    """Frames that are each shown so many times, and which of them repeat the one before."""
    numbers = np.repeat(np.arange(len(counts)), counts)
    return textured_frames(len(counts), seed)[numbers], np.diff(numbers, prepend=-1) == 0


def rows_of(predictor, frames, *, chunk=64, known=None, lost=None):
    """Push frames in chunks; the one that begins at `lost` is a gap."""
    rows = []
    for first in range(0, len(frames), chunk):
        part = slice(first, first + chunk)
        if first == lost:
            rows.append(predictor.push_gap(len(frames[part])))
        else:
            rows.append(predictor.push(frames[part], "limited", None if known is None else known[part]))
    return np.concatenate([*rows, predictor.finish()])


class CountingEngine(TorchEngine):
    """Counts the stacks and clips that it computes, and the largest number at once."""

    def __init__(self, clip=SHORT, **options):
        super().__init__([small_model(clip)], clip, **options)
        self.stacks, self.clips = 0, 0

    def encode(self, frame_slots, stack_slots, *, is_full):
        self.stacks += len(stack_slots)
        super().encode(frame_slots, stack_slots, is_full=is_full)

    def score(self, stack_slots, *, is_full):
        self.clips += len(stack_slots)
        return super().score(stack_slots, is_full=is_full)


class PixelEngine(OnnxEngine):
    """A row holds the first pixel of each frame of its clip: what a slot holds can be read."""

    def __init__(self, clip):
        super().__init__(
            lambda stacks: stacks[..., :1, :1].copy(),
            lambda windows: windows.reshape(len(windows), -1).copy(),
            clip,
            clip.num_frames,
            luma_scaling="stored",
            flip_tta=False,
        )


def test_a_frame_repeats_the_one_before_if_all_bytes_are_equal():
    frames = np.zeros((6, 100, 100), np.uint8)
    frames[2:, 99, 98] = 1
    frames[4:, 0, 0] = 1

    assert repeated_frames(frames, None).tolist() == [False, True, False, True, False, True]
    assert repeated_frames(frames, frames[:1]).tolist() == [True, True, False, True, False, True]
    assert repeated_frames(frames[:, ::2, ::-1], frames[5:, ::2, ::-1])[0] == np.False_


def test_an_item_is_new_unless_its_parts_are_those_of_the_ready_one_before():
    parts = np.array([[0, 1], [0, 1], [7, 7], [0, 1], [1, 1], [0, 1]])
    is_ready = np.array([True, True, False, True, True, True])

    assert new_items(parts, is_ready, None).tolist() == [True, False, False, False, True, True]
    assert new_items(parts, is_ready, np.array([0, 1])).tolist() == [False, False, False, False, True, True]


@pytest.mark.parametrize(("batch", "within"), [(1, 0.0), (4, 1e-6)])
@pytest.mark.parametrize(
    ("counts", "chunk", "stride", "lost"),
    [
        ([2] * 60, 64, 1, None),
        ([2] * 60, 7, 1, None),
        ([2] * 60, 10, 3, 30),
        ([50] * 4, 7, 1, None),
        ([50] * 4, 16, 2, None),
        ([1, 2, 3, 200, 1, 1, 30], 16, 1, None),
        ([3, 150, 3], 16, 1, 64),
        ([1] * 40, 16, 1, None),
        ([300], 64, 3, None),
        ([1, 1, 3, 2, 5] * 20, 32, 20, None),
    ],
)
def test_rows_are_those_of_a_run_that_computes_all_of_them(counts, chunk, stride, lost, batch, within):
    """To the bit where batches are of one; else PyTorch's results depend on the place in a batch, by rounding."""
    frames, known = shown(counts)
    options = {"stride": stride, "batch": batch}
    every = torch_predictor([small_model(SHORT)], SHORT, share_repeats=False, **options)
    expected = rows_of(every, frames, chunk=chunk, lost=lost)

    for is_repeat in (None, known):
        some = torch_predictor([small_model(SHORT)], SHORT, **options)
        rows = rows_of(some, frames, chunk=chunk, lost=lost, known=is_repeat)
        assert len(rows) == sum(counts)
        np.testing.assert_allclose(rows, expected, atol=within, rtol=0)
    assert every.num_shared == 0
    assert some.num_rows == every.num_rows


def test_pictures_that_stand_twice_cost_half():
    clip, num_frames = SHORT, 80
    engine = CountingEngine()
    predictor = StreamingPredictor(engine, batch=1)
    rows_of(predictor, shown([2] * (num_frames // 2))[0])

    # A stack is 3 frames, every 2nd; a clip two stacks.
    def pictures(first, count):
        return tuple(np.clip(first + 2 * np.arange(count), 0, num_frames - 1) // 2)

    starts = range(-clip.frames_before, num_frames - 4 + clip.frames_after)
    assert engine.stacks == len({pictures(start, 3) for start in starts})
    centers = range(num_frames)
    assert engine.clips == len({pictures(center - clip.frames_before, 6) for center in centers})
    assert engine.clips == pytest.approx(num_frames / 2, abs=2)
    assert (predictor.num_rows, predictor.num_shared) == (80, 80 - engine.clips)


def test_a_pause_costs_the_model_the_same_however_long_it_is():
    def cost(length):
        engine = CountingEngine()
        rows_of(StreamingPredictor(engine, batch=4), shown([5, length, 5])[0])
        return engine.stacks, engine.clips

    assert cost(200) == cost(5060)
    assert max(cost(200)) < 60


def test_frames_that_differ_by_one_byte_are_computed():
    frames = np.repeat(textured_frames(1), 40, axis=0)
    frames[20:, 17, 31] ^= 1
    predictor = torch_predictor([small_model(SHORT)], SHORT, batch=1)
    rows = rows_of(predictor, frames)

    # Clips that see both: 10 frames from the first to the last.
    assert predictor.num_rows - predictor.num_shared == 2 + (len(np.unique(rows, axis=0)) - 2)
    assert len(np.unique(rows, axis=0)) > 2
    every = torch_predictor([small_model(SHORT)], SHORT, batch=1, share_repeats=False)
    np.testing.assert_array_equal(rows, rows_of(every, frames))


def test_the_same_bytes_of_another_form_are_another_frame():
    frames = np.repeat(textured_frames(1), 40, axis=0)
    predictor = torch_predictor([small_model(SHORT)], SHORT)
    rows = np.concatenate(
        [predictor.push(frames[:20], "limited"), predictor.push(frames[20:], "full"), predictor.finish()]
    )

    full = stream(torch_predictor([small_model(SHORT)], SHORT), frames, color_range="full")
    np.testing.assert_allclose(rows[-1], full[-1], atol=1e-6)
    assert np.abs(rows[-1] - rows[0]).max() > 1e-3


def test_the_callers_memory_may_be_used_again():
    frames = textured_frames(30)
    expected = stream(torch_predictor([small_model(SHORT)], SHORT), frames, 10)
    buffer = np.empty_like(frames[:10])
    predictor = torch_predictor([small_model(SHORT)], SHORT)
    rows = []
    for first in (0, 10, 20):
        buffer[:] = frames[first : first + 10]
        rows.append(predictor.push(buffer))

    np.testing.assert_array_equal(np.concatenate([*rows, predictor.finish()]), expected)
    assert predictor.num_shared == 0


def test_prompt_rows_are_not_late_and_equal_frames_cost_nothing():
    frames, _ = shown([2] * 40)
    every, some = CountingEngine(), CountingEngine()
    predictors = [StreamingPredictor(every, share_repeats=False), StreamingPredictor(some)]
    rows = [[], []]
    for place, frame in enumerate(frames):
        for predictor, found in zip(predictors, rows, strict=True):
            predictor.is_prompt = True
            found.append(predictor.push(frame[None]))
            assert len(found[-1]) == (place >= SHORT.frames_after)
    ends = [predictor.finish() for predictor in predictors]

    np.testing.assert_allclose(
        *(np.concatenate([*found, end]) for found, end in zip(rows, ends, strict=True)), atol=1e-6
    )
    assert some.clips < 0.6 * every.clips
    assert some.stacks < 0.6 * every.stacks


def test_a_batch_is_full_however_often_each_frame_is_shown():
    engine = CountingEngine(flip_tta=False)
    rows_of(StreamingPredictor(engine, batch=4), shown([20] * 30)[0])
    single = CountingEngine(flip_tta=False)
    rows_of(StreamingPredictor(single, batch=1), shown([20] * 30)[0])

    # But for the last one nothing is computed to fill a batch.
    assert 0 <= engine.stacks - single.stacks < 4
    assert 0 <= engine.clips - single.clips < 4


@pytest.mark.parametrize("seed", range(20))
def test_every_row_sees_its_own_frames_whatever_repeats_is_lost_or_waits(seed):
    rng = np.random.default_rng(seed)
    clip = ClipConfig(num_frames=int(rng.choice([6, 9])), frame_step=int(rng.integers(1, 4)), stack_size=3)
    stride = int(rng.choice([1, 1, 2, 3, 7, 11]))
    predictor = StreamingPredictor(
        PixelEngine(clip), batch=int(rng.choice([1, 2, 5])), stride=stride, share_repeats=bool(seed % 4)
    )
    predictor.is_prompt = seed % 5 == 0
    values, rows = [], []
    for _ in range(int(rng.integers(1, 25))):
        if rng.random() < 0.2:
            count = int(rng.choice([1, 3, 40]))
            values += [np.nan] * count
            rows.append(predictor.push_gap(count))
            continue
        counts = rng.choice(
            [1, 1, 2, 2, 3, 30, 200], int(rng.integers(1, 12)), p=[0.3, 0.2, 0.2, 0.2, 0.06, 0.03, 0.01]
        )
        numbers = np.repeat(rng.integers(0, 256, len(counts)), counts)
        values += (numbers / 255).tolist()
        frames = np.broadcast_to(numbers.astype(np.uint8)[:, None, None], (len(numbers), 2, 2))
        rows.append(predictor.push(frames))
    found = np.concatenate([*rows, predictor.finish()])

    centers = range(0, len(values), stride)
    expected = np.array([np.array(values)[clip.indices(center, len(values))] for center in centers])
    expected[np.isnan(expected).any(axis=1)] = np.nan
    np.testing.assert_allclose(found[::stride], expected, atol=1e-6)
