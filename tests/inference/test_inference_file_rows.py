from functools import cache

import numpy as np
import pytest
import torch
from tiny import TINY_MODEL

from bvas.errors import DecodeError
from bvas.inference.file_rows import RowsSoFar, stream_rows
from bvas.inference.streaming import StreamingPredictor
from bvas.models.spotting import build_model
from bvas.values.clip_config import ClipConfig
from bvas.video.decode.prefetch import Frames, Lost

CLIP = ClipConfig(num_frames=6, frame_step=2, stack_size=2)
NUM_FRAMES = 300
LOST = range(150, 154)


@cache
def make_predictor(stride):
    torch.manual_seed(0)
    model = build_model(TINY_MODEL, CLIP, 2)
    return StreamingPredictor([model], CLIP, flip=False, stride=stride)


def predictor(stride=1):
    ready = make_predictor(stride)
    ready.reset()
    return ready


def decoded(start=0, chunk=20, lost=range(0)):
    """Frames from `start` on, and what is lost among them, as a file's reader gives them."""
    frames = np.random.default_rng(0).integers(16, 236, (NUM_FRAMES, 64, 96), dtype=np.uint8)
    position = start
    while position < NUM_FRAMES:
        if position in lost:
            yield Lost(lost.stop - position, DecodeError("damaged", path="a.mp4", lost=lost))
            position = lost.stop
            continue
        stop = min(position + chunk, NUM_FRAMES, lost.start if position < lost.start else NUM_FRAMES)
        yield Frames(frames[position:stop])
        position = stop


def whole(stride, lost=range(0)):
    return stream_rows(decoded(lost=lost), NUM_FRAMES, predictor(stride), "limited")


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("num_known", [0, 1, 70, 149, 156, 161, 230, 299, 300])
def test_rows_go_on_behind_those_of_an_earlier_try(num_known, stride):
    expected = whole(stride, LOST)
    before = tuple(
        (start, min(stop, num_known + 4), why) for start, stop, why in expected.lost if start < num_known
    )
    so_far = RowsSoFar(expected.scores[:num_known], before)
    start = so_far.restart(CLIP, stride)

    found = stream_rows(
        decoded(start, chunk=33, lost=LOST), NUM_FRAMES, predictor(stride), "limited", so_far=so_far
    )

    assert start % 64 == 0
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    assert found.lost == expected.lost == ((150, 154, "damaged"),)


def test_what_is_kept_is_the_beginning_of_what_comes_out():
    kept = []
    found = stream_rows(decoded(), NUM_FRAMES, predictor(), "limited", keep=kept.append)

    assert len(kept) == NUM_FRAMES // 20
    # A clip of 6 frames, every 2nd, reaches 4 frames beyond its center.
    assert [len(so_far.scores) for so_far in kept] == [20 * n - 4 for n in range(1, 16)]
    for so_far in kept:
        np.testing.assert_array_equal(so_far.scores, found.scores[: len(so_far.scores)])


def test_strict_raises_what_is_lost():
    with pytest.raises(DecodeError, match="damaged"):
        stream_rows(decoded(lost=LOST), NUM_FRAMES, predictor(), "limited", strict=True)
