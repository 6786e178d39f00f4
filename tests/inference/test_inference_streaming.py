import copy

import numpy as np
import pytest
import torch
from usable_models import SHORT, held_bytes, small_model, stream, textured_frames, torch_predictor
from whole_clip import predict_clip_scores

from bvas.errors import ConfigError
from bvas.inference.prepared_model import PreparedModel
from bvas.inference.streaming import StreamingPredictor
from bvas.inference.torch_engine import TorchEngine
from bvas.values.clip_config import ClipConfig


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(
    ("num_frames", "frame_step", "stack_size"),
    [(15, 1, 3), (15, 2, 3), (33, 1, 3), (33, 2, 3), (4, 3, 1), (4, 1, 2), (1, 1, 1)],
)
def test_every_row_equals_the_whole_clips_whatever_the_chunks(num_frames, frame_step, stack_size, flip):
    clip = ClipConfig(num_frames=num_frames, frame_step=frame_step, stack_size=stack_size)
    frames = textured_frames(37)
    whole = predict_clip_scores([small_model(clip)], clip, frames, flip=flip)
    predictor = torch_predictor([small_model(clip)], clip, flip_tta=flip)

    for chunk in (1, 7, 64):
        np.testing.assert_allclose(stream(predictor, frames, chunk), whole, atol=1e-5, rtol=0)
    assert whole.std(axis=0).min() > 0.01


@pytest.mark.parametrize("length", [1, 2, 5, 14])
@pytest.mark.parametrize("clip", [ClipConfig(), ClipConfig(num_frames=33, frame_step=1)])
def test_videos_shorter_than_a_clip_get_all_their_rows(clip, length):
    frames = textured_frames(length)

    streamed = stream(torch_predictor([small_model(clip)], clip), frames, 3)

    np.testing.assert_allclose(
        streamed, predict_clip_scores([small_model(clip)], clip, frames), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_batch_sizes_change_nothing(batch):
    clip = ClipConfig()
    frames = textured_frames(23)
    usual = stream(torch_predictor([small_model(clip)], clip), frames, 64)

    predictor = torch_predictor([small_model(clip)], clip, batch=batch)

    np.testing.assert_allclose(stream(predictor, frames, 64), usual, atol=1e-5, rtol=0)


def test_a_row_comes_as_soon_as_its_last_frame_is_there():
    clip = ClipConfig()  # 14 frames of look-ahead
    predictor = torch_predictor([small_model(clip)], clip, flip_tta=False)
    predictor.is_prompt = True

    num_rows = [len(predictor.push(frame[None])) for frame in textured_frames(20)]

    assert num_rows == [0] * 14 + [1] * 6
    assert len(predictor.finish()) == 14


def test_each_new_frame_costs_one_stack(monkeypatch):
    clip = ClipConfig()
    model = small_model(clip)
    encoded = []
    encode = PreparedModel.encode
    monkeypatch.setattr(
        PreparedModel, "encode", lambda self, stacks: encoded.append(len(stacks)) or encode(self, stacks)
    )
    predictor = torch_predictor([model], clip, flip_tta=False)
    predictor.is_prompt = True
    predictor.push(textured_frames(40))
    encoded.clear()

    predictor.push(textured_frames(10))

    assert sum(encoded) == 10


def test_memory_does_not_grow_with_the_video():
    clip = ClipConfig()
    predictor = torch_predictor([small_model(clip)], clip, flip_tta=False, batch=4)
    held = []
    for _ in range(4):
        predictor.push(textured_frames(30))
        held.append(held_bytes(predictor))

    # float32: 3 * 2 + 4 frames of 32 x 48, and 4 that wait; 29 + 14 + 4 stacks of 8 + 24 features on a map of 1 x 2,
    # and twice 4 that wait.
    assert held == [4 * (14 * 32 * 48 + 55 * 2 * (8 + 24))] * 4


def test_a_predictor_starts_anew_after_finish():
    clip = ClipConfig()
    predictor = torch_predictor([small_model(clip)], clip)
    frames = textured_frames(9)

    first = stream(predictor, frames, 4)
    assert len(predictor.finish()) == 0
    stream(predictor, textured_frames(5, seed=1), 4)

    np.testing.assert_array_equal(stream(predictor, frames, 4), first)


def test_several_models_are_averaged():
    two = [small_model(SHORT, seed) for seed in (1, 2)]
    frames = textured_frames(15)

    together = stream(torch_predictor(two, SHORT), frames, 4)

    alone = [stream(torch_predictor([model], SHORT), frames, 4) for model in two]
    np.testing.assert_allclose(together, (alone[0] + alone[1]) / 2, atol=1e-6, rtol=0)
    assert np.abs(alone[0] - alone[1]).max() > 1e-3


def test_flipping_averages_with_the_mirrored_video():
    model, frames = small_model(SHORT), textured_frames(12)
    plain = torch_predictor([model], SHORT, flip_tta=False)

    both = stream(torch_predictor([model], SHORT, flip_tta=True), frames, 5)

    mirrored = stream(plain, frames[:, :, ::-1], 5)
    np.testing.assert_allclose(both, (stream(plain, frames, 5) + mirrored) / 2, atol=1e-6, rtol=0)


def test_the_range_tag_and_the_scaling_are_heeded():
    model = small_model(SHORT)
    limited = np.linspace(16, 235, 10 * 32 * 48).reshape(10, 32, 48).astype(np.uint8)
    full = np.round((limited - 16.0) / 219 * 255).astype(np.uint8)
    ranged = torch_predictor([model], SHORT)
    stored = torch_predictor([model], SHORT, luma_scaling="stored")

    np.testing.assert_allclose(stream(ranged, limited, 4), stream(ranged, full, 4, "full"), atol=0.02)
    np.testing.assert_array_equal(stream(stored, limited, 4), stream(stored, limited, 4, "full"))


def test_tensors_and_read_only_arrays_are_taken():
    predictor = torch_predictor([small_model(SHORT)], SHORT)
    frames = textured_frames(9)
    usual = stream(predictor, frames, 9)
    frames.flags.writeable = False

    np.testing.assert_array_equal(stream(predictor, frames, 9), usual)
    np.testing.assert_array_equal(stream(predictor, torch.from_numpy(textured_frames(9)), 9), usual)


def with_gap(predictor, frames, first, num_missing):
    parts = [
        predictor.push(frames[:first]),
        predictor.push_gap(num_missing),
        predictor.push(frames[first + num_missing :]),
    ]
    return np.concatenate([*parts, predictor.finish()])


@pytest.mark.parametrize(("first", "num_missing"), [(20, 1), (20, 9), (0, 3), (35, 5), (0, 40)])
@pytest.mark.parametrize("frame_step", [1, 2])
def test_rows_of_clips_that_touch_a_gap_are_nan_and_no_others(first, num_missing, frame_step):
    clip = ClipConfig(num_frames=6, frame_step=frame_step, stack_size=3)
    model, frames = small_model(clip), textured_frames(40)
    whole = predict_clip_scores([model], clip, frames)

    rows = with_gap(torch_predictor([model], clip), frames, first, num_missing)

    lost = set(range(first, first + num_missing))
    touched = [bool(lost & set(clip.indices(center, 40).tolist())) for center in range(40)]
    assert np.isnan(rows).all(axis=1).tolist() == touched
    assert np.isnan(rows).any(axis=1).tolist() == touched
    kept = ~np.array(touched)
    np.testing.assert_allclose(rows[kept], whole[kept], atol=1e-5, rtol=0)


def test_nothing_pushed_gives_no_rows():
    predictor = torch_predictor([small_model(SHORT)], SHORT)

    assert predictor.finish().shape == (0, 2)
    assert predictor.push(textured_frames(0)).shape == (0, 2)
    assert predict_clip_scores([small_model(SHORT)], SHORT, textured_frames(0)).shape == (0, 2)


def test_models_are_put_in_evaluation_mode():
    model = small_model(SHORT).train()

    torch_predictor([model], SHORT)

    assert not model.training


def test_models_and_frames_that_do_not_fit_are_refused():
    model = small_model(SHORT)
    with pytest.raises(ConfigError, match="at least one model"):
        torch_predictor([], SHORT)
    with pytest.raises(ConfigError, match="cannot predict"):
        torch_predictor([model], ClipConfig())
    with pytest.raises(ConfigError, match="batch must be at least 1"):
        torch_predictor([model], SHORT, batch=0)
    with pytest.raises(ConfigError, match="CUDA"):
        torch_predictor([model], SHORT, dtype=torch.float16)
    with pytest.raises(ConfigError, match="float64"):
        torch_predictor([model], SHORT, dtype=torch.float64)
    with pytest.raises(ConfigError, match="stride"):
        torch_predictor([model], SHORT, stride=0)

    predictor = torch_predictor([model], SHORT)
    with pytest.raises(ConfigError, match="uint8"):
        predictor.push(torch.rand(2, 32, 48))
    with pytest.raises(ConfigError, match="uint8"):
        predictor.push(textured_frames(2)[0])
    predictor.push(textured_frames(2))
    with pytest.raises(ConfigError, match="one size"):
        predictor.push(textured_frames(2)[:, :, :40])
    with pytest.raises(ConfigError, match="num_frames of a gap"):
        predictor.push_gap(-1)


@pytest.mark.gpu
def test_half_precision_on_a_gpu_is_near_single_precision():
    model = small_model(SHORT)
    frames = textured_frames(30)
    exact = stream(torch_predictor([model], SHORT), frames, 8)

    fast = stream(torch_predictor([copy.deepcopy(model).cuda()], SHORT, dtype=torch.float16), frames, 8)

    np.testing.assert_allclose(fast, exact, atol=0.02)


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_with_a_stride_every_second_row_is_computed_and_the_others_lie_between(chunk):
    clip = ClipConfig()
    frames = textured_frames(41)
    whole = predict_clip_scores([small_model(clip)], clip, frames)
    predictor = torch_predictor([small_model(clip)], clip)
    predictor.stride = 2

    rows = stream(predictor, frames, chunk)

    np.testing.assert_allclose(rows[::2], whole[::2], atol=1e-5, rtol=0)
    np.testing.assert_allclose(rows[1::2], (whole[:-1:2] + whole[2::2]) / 2, atol=1e-5, rtol=0)


def test_a_stride_may_change_while_frames_come_and_lost_frames_stay_gaps():
    clip = ClipConfig()
    frames = textured_frames(140)
    whole = predict_clip_scores([small_model(clip)], clip, frames)
    predictor = torch_predictor([small_model(clip)], clip)
    predictor.is_prompt = True

    parts = [predictor.push(frames[:40])]
    predictor.stride = 4
    parts += [predictor.push(frames[40:60]), predictor.push_gap(1), predictor.push(frames[61:90])]
    predictor.stride = 1
    parts += [predictor.push(frames[90:]), predictor.finish()]
    rows = np.concatenate(parts)

    # 40 frames hold the rows up to 25, 90 those up to 75; frame 60 is seen from 46 to 74.
    assert np.flatnonzero(np.isnan(rows[:, 0])).tolist() == list(range(46, 75))
    there = [*range(26), 28, 32, 36, 40, 44]
    np.testing.assert_allclose(rows[there], whole[there], atol=1e-5, rtol=0)
    # The stacks that were left out lie behind from row 116 on.
    np.testing.assert_allclose(rows[116:], whole[116:], atol=1e-5, rtol=0)


class CountingEngine(TorchEngine):
    """Notes how many stacks and clips are computed at once, and whether the batch is full."""

    def __init__(self, clip):
        super().__init__([small_model(clip)], clip, flip_tta=False)
        self.encoded, self.scored, self.full = [], [], []

    def encode(self, frame_slots, stack_slots, *, is_full):
        self.encoded.append(len(stack_slots))
        self.full.append(is_full)
        super().encode(frame_slots, stack_slots, is_full=is_full)

    def score(self, stack_slots, *, is_full):
        self.scored.append(len(stack_slots))
        self.full.append(is_full)
        return super().score(stack_slots, is_full=is_full)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("chunk", [20, 200])
def test_all_batches_are_full(chunk, stride):
    frames = textured_frames(200)
    whole = predict_clip_scores([small_model(SHORT)], SHORT, frames, range(0, 200, stride), flip=False)
    engine = CountingEngine(SHORT)
    predictor = StreamingPredictor(engine, stride=stride, batch=8)

    rows = stream(predictor, frames, chunk)

    np.testing.assert_allclose(rows[::stride], whole, atol=1e-5, rtol=0)
    num_rows = -(-200 // stride)
    assert engine.scored == [8] * -(-num_rows // 8)
    # Every stack of the two of a clip that is computed: they start 6 frames apart.
    starts = {center + offset for center in range(0, 200, stride) for offset in (-5, 1)}
    # A stack of the next clips that would be computed, before the beginning and behind the end, may come besides, and
    # what fills the last batch.
    assert 0 <= sum(engine.encoded) - len(starts) <= 4 + 7
    assert set(engine.encoded) == {8}
    assert all(engine.full)


def test_beyond_a_stride_of_8_batches_are_smaller_and_full():
    engine = CountingEngine(SHORT)

    rows = stream(StreamingPredictor(engine, stride=16, batch=8), textured_frames(200), 64)

    whole = predict_clip_scores(
        [small_model(SHORT)], SHORT, textured_frames(200), range(0, 200, 16), flip=False
    )
    np.testing.assert_allclose(rows[::16], whole, atol=1e-5, rtol=0)
    # 13 rows, two stacks for each, which other rows do not share.
    assert engine.scored == [4] * 4
    assert engine.encoded == [8] * 4
    assert all(engine.full)


@pytest.mark.parametrize("num_missing", [1, 30, 500])
def test_a_gap_does_not_hold_up_rows_nor_lose_frames_that_wait(num_missing):
    frames = textured_frames(100 + num_missing)
    plain = torch_predictor([small_model(SHORT)], SHORT, batch=1, stride=3)
    plain.is_prompt = True
    expected = with_gap(plain, frames, 50, num_missing)
    predictor = torch_predictor([small_model(SHORT)], SHORT, batch=8, stride=3)

    np.testing.assert_allclose(
        with_gap(predictor, frames, 50, num_missing), expected, atol=1e-5, rtol=0, equal_nan=True
    )
    assert np.isnan(expected[:, 0]).sum() >= num_missing


def test_a_prompt_predictor_gives_rows_as_soon_as_they_are_final():
    predictor = torch_predictor([small_model(SHORT)], SHORT, stride=2, batch=8)
    predictor.is_prompt = True

    # A clip of 6 frames, every 2nd, reaches 5 frames beyond its center; rows come in twos.
    num_rows = [len(predictor.push(frame[None])) for frame in textured_frames(13)]

    after = SHORT.frames_after
    assert num_rows == [0] * after + [1] + [0, 2] * ((13 - after - 1) // 2) + [0] * ((13 - after - 1) % 2)


def test_memory_with_a_stride_does_not_grow_with_the_video():
    predictor = torch_predictor([small_model(SHORT)], SHORT, stride=4, batch=8)
    held = set()
    for _ in range(10):
        predictor.push(textured_frames(50))
        held.add(held_bytes(predictor))

    assert len(held) == 1
