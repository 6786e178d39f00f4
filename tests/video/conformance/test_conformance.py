"""Every backend reads every undamaged sample right, by every way of asking, or refuses it by name."""

import re

import numpy as np
import pytest
from catalog import SAMPLES
from video_samples import numbers_in, read_luma

from bvas import DecodeError, open_video

BACKENDS = {"pyav": [], "opencv": [], "nvdec": [pytest.mark.gpu]}


def device_of(backend):
    return "cuda" if backend == "nvdec" else "cpu"


def cases(*, refused):
    """Pairs of sample and backend, those of the table of refusals or all others."""
    return [
        # What is refused by the look of the file is refused without a GPU, too.
        pytest.param(sample, backend, marks=[] if refused else marks, id=f"{sample.name}-{backend}")
        for sample in SAMPLES
        for backend, marks in BACKENDS.items()
        if (backend in sample.refused) == refused
    ]


@pytest.fixture
def opened(files):
    """Opens a sample with a backend; all is closed at the end."""
    readers = []

    def open_sample(sample, backend):
        try:
            readers.append(open_video(files.of(sample), backend, device=device_of(backend)))
        except DecodeError as error:
            reason = sample.may_refuse.get(backend)
            if reason is None or reason not in str(error):
                raise
            pytest.skip(f"{backend} refuses {sample.name} here: it {reason}")
        return readers[-1]

    yield open_sample
    for reader in readers:
        reader.close()


admitted = pytest.mark.parametrize(("sample", "backend"), cases(refused=False))


@pytest.mark.parametrize(("sample", "backend"), cases(refused=True))
def test_a_refusal_gives_the_reason_and_the_remedy(files, sample, backend):
    with pytest.raises(DecodeError, match=re.escape(sample.refused[backend])) as caught:
        open_video(files.of(sample), backend, device=device_of(backend))
    assert 'backend="pyav"' in str(caught.value)
    assert sample.name in str(caught.value)


@admitted
def test_the_stream_shows_each_frame_once_in_order(opened, sample, backend):
    reader = opened(sample, backend)
    assert reader.backend == backend
    assert reader.info.num_frames == len(sample.shown)
    assert {name: getattr(reader.info, name) for name in sample.says} == pytest.approx(sample.says)
    frames = np.concatenate([batch for _, batch in reader.stream(batch_size=25)])
    assert numbers_in(frames) == list(sample.shown)
    assert reader.info.damaged == ()
    if backend != "pyav":
        assert np.array_equal(frames, read_luma(opened(sample, "pyav"), range(len(frames))))


@admitted
def test_frames_asked_for_in_any_order_are_those_of_the_stream(opened, sample, backend):
    reader = opened(sample, backend)
    num_frames = len(sample.shown)
    frames = np.concatenate([batch for _, batch in opened(sample, backend).stream()])
    rng = np.random.default_rng(3)
    orders = [[num_frames - 1], [0], *rng.integers(0, num_frames, (10, 4)).tolist(), [num_frames - 1] * 3]
    backwards = list(range(num_frames - 1, -1, -1))
    for order in [*orders, backwards, *([index] for index in backwards[:36:3])]:
        assert np.array_equal(read_luma(reader, order), frames[order]), order


@admitted
def test_asking_behind_the_end_is_an_error_and_the_reader_goes_on(opened, sample, backend):
    reader = opened(sample, backend)
    shown, num_frames = sample.shown, len(sample.shown)
    for outside in ([num_frames], [0, num_frames + 7], [-1]):
        with pytest.raises(IndexError, match=f"{num_frames} frames"):
            reader.read(outside)
        assert numbers_in(read_luma(reader, [num_frames - 1, 3])) == [shown[num_frames - 1], shown[3]]


@admitted
def test_two_readers_in_turn_do_not_disturb_each_other(opened, sample, backend):
    one, two = opened(sample, backend), opened(sample, backend)
    shown, num_frames = sample.shown, len(sample.shown)
    for i in range(0, 20, 3):
        assert numbers_in(read_luma(one, [i])) == [shown[i]]
        assert numbers_in(read_luma(two, [num_frames - 1 - i])) == [shown[num_frames - 1 - i]]


@admitted
def test_what_was_read_stays_as_it_is(opened, sample, backend):
    reader = opened(sample, backend)
    kept = reader.read([3, 4])
    copy = kept.clone()
    _, batch = next(reader.stream(10, batch_size=2))
    reader.read(range(20, 40))
    assert kept.equal(copy)
    assert numbers_in(batch) == list(sample.shown[10:12])
