import numpy as np
import pytest
from loading_videos import read_job

from bvas.errors import DecodeError
from bvas.loading import open_videos


class FakeDecoder:
    """Gives zeros; a file that is called damaged.mp4 loses frame 3."""

    def __init__(self, path, log):
        self.num_decoded = 0
        self.path = path
        self.log = log

    def read_into(self, indices, out):
        if self.path.name == "damaged.mp4":
            raise DecodeError("frame 3 is lost", path=self.path, lost=range(3, 4))
        self.num_decoded += len(indices)
        for frame in out:
            frame[...] = 0

    def close(self):
        self.log.append(f"close {self.path.name}")


class Log(list):
    """What was opened and closed, and the pools of decoders that were handed over."""

    def __init__(self):
        self.pools = []


@pytest.fixture
def log(monkeypatch):
    entries = Log()

    def open_video(path, backend, *, device, pool, **form):
        entries.pools.append(pool)
        entries.append(f"open {path.name} with {backend} on {device}")
        if path.name == "refused.ts":
            raise DecodeError("not for this backend", path=path)
        return FakeDecoder(path, entries)

    monkeypatch.setattr(open_videos, "open_video", open_video)
    return entries


def read(videos, name):
    return videos.read(read_job(1, [0], range(2), path=name), np.ones((1, 2, 4, 6), np.uint8))


def test_the_video_that_was_not_used_for_longest_is_closed_for_a_new_one(log):
    videos = open_videos.OpenVideos("pyav", (4, 6), max_open=2)
    for name in ("a.mp4", "b.mp4", "a.mp4", "c.mp4"):
        assert read(videos, name).failure is None
    opened = [f"open {name}.mp4 with pyav on cpu" for name in "abc"]
    assert log == [*opened[:2], "close b.mp4", opened[2]]
    videos.close()
    assert log[4:] == ["close a.mp4", "close c.mp4"]


def test_damage_is_no_refusal_and_the_video_is_opened_again(log):
    videos = open_videos.OpenVideos("pyav", (4, 6))
    failure = read(videos, "damaged.mp4").failure
    assert failure.kind == "damaged"
    assert failure.error.lost == range(3, 4)
    read(videos, "damaged.mp4")
    assert log == ["open damaged.mp4 with pyav on cpu", "close damaged.mp4"] * 2


def test_a_file_that_cannot_be_opened_is_refused(log):
    assert read(open_videos.OpenVideos("opencv", (4, 6)), "refused.ts").failure.kind == "refused"


def test_a_gpu_that_fails_while_reading_is_no_damage_and_no_refusal(log, monkeypatch):
    class Decoder(FakeDecoder):
        def read_into(self, indices, out):
            raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(open_videos, "open_video", lambda path, *_, **__: Decoder(path, log))
    assert read(open_videos.OpenVideos("nvdec", (4, 6)), "a.mp4").failure.kind == "unread"
    assert read(open_videos.OpenVideos("pyav", (4, 6)), "a.mp4").failure.kind == "error"


def test_only_nvdec_is_opened_on_the_gpu(log):
    read(open_videos.OpenVideos("nvdec", (4, 6), gpu="cuda:1"), "a.mp4")
    read(open_videos.OpenVideos("opencv", (4, 6), gpu="cuda:1"), "a.mp4")
    assert log == ["open a.mp4 with nvdec on cuda:1", "open a.mp4 with opencv on cpu"]


def test_videos_of_one_worker_share_a_pool_of_decoders(log):
    first, second = open_videos.OpenVideos("nvdec", (4, 6)), open_videos.OpenVideos("nvdec", (4, 6))
    for videos, name in ((first, "a.mp4"), (first, "b.mp4"), (second, "a.mp4")):
        read(videos, name)
    assert log.pools[0] is log.pools[1]
    assert log.pools[0] is not log.pools[2]


def test_frames_that_the_next_job_of_a_chain_wants_are_decoded_once(log, monkeypatch):
    asked = []

    class Decoder(FakeDecoder):
        def read_into(self, indices, out):
            asked.append(list(indices))
            for index, frame in zip(indices, out, strict=True):
                frame[...] = index

    monkeypatch.setattr(open_videos, "open_video", lambda path, *_, **__: Decoder(path, log))
    videos = open_videos.OpenVideos("pyav", (4, 6))

    def run(*indices, chain, keep=()):
        slots = [np.zeros((2, 4, 6), np.uint8) for _ in range(len(indices) // 2)]
        job = read_job(1, range(len(slots)), indices, chain=chain, keep=np.array(keep, dtype=np.int64))
        assert videos.read(job, slots).failure is None
        return np.concatenate(slots)[:, 0, 0].tolist()

    assert run(0, 2, 1, 3, chain=7, keep=(2, 4)) == [0, 2, 1, 3]
    assert run(2, 4, 4, 6, chain=7, keep=(4,)) == [2, 4, 4, 6]
    assert run(4, 8, chain=7) == [4, 8]
    assert asked == [[0, 2, 1, 3, 2, 4], [6], [8]]
    # Another chain knows nothing of this one.
    assert run(4, 8, chain=8) == [4, 8]
    assert asked[3] == [4, 8]
