"""One reader, several threads: one at a time, or an error that says so."""

import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from stream_sources import piped
from video_samples import make_video, numbers_in, read_luma

from bvas import open_stream, open_video
from bvas.video.decode.orientation import UprightFit
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.decode.video_reader import FrameReader
from bvas.video.index.video_index import build_index
from bvas.video.live.live_video import LiveVideo

NVDEC = pytest.param("nvdec", marks=pytest.mark.gpu)
AT_ONCE = "used by two threads at once; open one reader per thread"


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("video") / "a.mkv")


class Held:
    """A backend that decodes when it is allowed to."""

    def __init__(self, backend):
        self._backend = backend
        self.damaged = backend.damaged
        self.num_decoded = 0
        self.sample_aspect = None
        self.is_in, self.may_go = threading.Event(), threading.Event()

    def frames(self, indices):
        self.is_in.set()
        assert self.may_go.wait(20)
        yield from self._backend.frames(indices)

    def close(self):
        self._backend.close()


@pytest.fixture
def held(video):
    """(reader, its backend, the frames that another thread reads from it)."""
    index, info = build_index(video)
    backend = Held(open_backend(index, info))
    reader = FrameReader(
        index,
        info,
        backend="pyav",
        open_backend=lambda: backend,
        fit=UprightFit(info, None, index.seconds_of),
    )
    with ThreadPoolExecutor(1) as other:
        reading = other.submit(read_luma, reader, [30, 5])
        assert backend.is_in.wait(20)
        yield reader, backend, reading
        backend.may_go.set()


def uses_of(reader):
    out = np.empty((1, *reader.size), np.uint8)
    return {
        "read": lambda: reader.read([0]),
        "read_into": lambda: reader.read_into([0], out),
        "read_to": lambda: reader.read_to([0], list(out)),
        "stream": lambda: list(reader.stream()),
        "close": reader.close,
    }


@pytest.mark.parametrize("use", ["read", "read_into", "read_to", "stream", "close"])
def test_what_another_thread_does_meanwhile_is_refused_and_changes_nothing(held, use):
    reader, backend, reading = held
    with pytest.raises(RuntimeError, match=AT_ONCE):
        uses_of(reader)[use]()
    assert reader.info.num_frames == 60
    backend.may_go.set()
    assert numbers_in(reading.result(20)) == [30, 5]
    assert numbers_in(read_luma(reader, [7])) == [7]


def test_a_step_of_a_stream_is_refused_while_another_thread_takes_one(video):
    index, info = build_index(video)
    backend = Held(open_backend(index, info))
    with FrameReader(
        index,
        info,
        backend="pyav",
        open_backend=lambda: backend,
        fit=UprightFit(info, None, index.seconds_of),
    ) as reader:
        steps = reader.stream(batch_size=20)
        with ThreadPoolExecutor(1) as other:
            first = other.submit(next, steps)
            assert backend.is_in.wait(20)
            with pytest.raises(RuntimeError, match=AT_ONCE):
                next(steps)
            backend.may_go.set()
            assert first.result(20)[0] == 0
        # Another thread than the one that began goes on with it.
        assert [number for number, _ in steps] == [20, 40]


@pytest.mark.parametrize("backend", ["pyav", "opencv", NVDEC])
def test_one_thread_after_another_reads_right_frames(video, backend):
    device = "cuda" if backend == "nvdec" else "cpu"
    reader = open_video(video, backend, device=device)
    for number in range(4):
        with ThreadPoolExecutor(1) as other:
            assert numbers_in(other.submit(read_luma, reader, [number * 11]).result(20)) == [number * 11]
    with ThreadPoolExecutor(1) as other:
        other.submit(reader.close).result(20)
    with pytest.raises(RuntimeError, match="closed"):
        reader.read([0])


def test_a_reader_per_thread_gives_right_frames(video):
    def read(seed):
        order = np.random.default_rng(seed).integers(0, 60, 12).tolist()
        with open_video(video, ["pyav", "opencv"][seed % 2]) as reader:
            return numbers_in(read_luma(reader, order)) == order

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == [True] * 8


def test_a_reader_and_its_stream_may_be_collected_in_another_thread(video):
    def leave():
        reader = open_video(video)
        # A cycle, so that the collector frees it and not the last reference.
        box = [reader, reader.stream(batch_size=4)]
        box.append(box)
        next(box[1])

    with ThreadPoolExecutor(1) as other:
        other.submit(leave).result(20)
    gc.collect()
    with open_video(video) as reader:
        assert numbers_in(read_luma(reader, [59])) == [59]


def test_a_source_that_is_waited_for_refuses_other_threads(video):
    release = threading.Event()
    with piped(video, hold_at=0.5, release=release) as pipe, open_stream(pipe) as reader:
        steps = reader.stream(batch_size=1)
        with ThreadPoolExecutor(1) as other:
            rest = other.submit(lambda: [number for number, _ in steps])
            uses = {
                "next": lambda: next(steps),
                "stream": lambda: reader.stream(0),
                "info": lambda: reader.info,
                "index": lambda: reader.index,
                "must_wait": reader.must_wait,
                "close": reader.close,
            }
            for use in uses.values():
                with pytest.raises(RuntimeError, match=AT_ONCE):
                    while not rest.done():
                        use()
            release.set()
            assert set(range(40, 60)) <= set(rest.result(20))
        assert reader.info.num_frames == 60


def test_a_live_source_refuses_other_threads_and_closes_behind_them(video):
    release = threading.Event()
    with piped(video, hold_at=0.5, release=release) as pipe:
        live = LiveVideo(pipe, size=None)
        arrivals = live.arrivals()
        with ThreadPoolExecutor(1) as other:
            rest = other.submit(lambda: sum(len(arrived.ticks) for arrived in arrivals))
            for use in (lambda: next(arrivals), live.close):
                with pytest.raises(RuntimeError, match=AT_ONCE):
                    while not rest.done():
                        use()
            release.set()
            assert 1 <= rest.result(20) <= 60
        live.close()
        with pytest.raises(RuntimeError, match="closed"):
            next(live.arrivals())


@pytest.mark.parametrize("backend", ["pyav", "opencv", "growing", NVDEC])
def test_eight_threads_at_once_end_in_one_clear_error_and_no_signal(video, backend):
    child = Path(__file__).with_name("threads_child.py")
    # Each packet of NVDEC goes through Python here.
    num_runs = "1" if backend == "nvdec" else "5"
    done = subprocess.run(
        [sys.executable, str(child), str(video), backend, num_runs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    num_done, *messages = done.stdout.splitlines()
    assert int(num_done) > 0
    assert any(AT_ONCE in message for message in messages)
    assert all(AT_ONCE in message or "is closed" in message for message in messages)
