import threading
from functools import partial

import numpy as np
import pytest
from video_samples import make_video, numbers_in

from bvas import DecodeError, open_video
from bvas.video.decode.prefetch import DecodedAhead, Frames, Lost, pieces, stretches
from bvas.video.decode.video_reader import FrameReader

KEYFRAME_EACH_20 = {"x264-params": "keyint=20:min-keyint=20:scenecut=0:bframes=2"}
FRAME_BYTES = 48 * 80


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ahead")
    return make_video(folder / "a.mp4", num_frames=300, options=KEYFRAME_EACH_20)


def decode_ahead(path, indices, num_readers):
    with open_video(path) as reader:
        keyframes = np.searchsorted(reader.index.pts, reader.index.keyframe_pts)
    return DecodedAhead(
        partial(open_video, path),
        np.asarray(indices),
        keyframes,
        frame_bytes=FRAME_BYTES,
        num_readers=num_readers,
    )


def decoding_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("bvas-decode")]


def test_stretches_begin_at_keyframes_and_are_not_too_short():
    # Keyframes at 0, 4, 6, 10; every second frame from 1 on is wanted.
    found = stretches(np.arange(1, 14, 2), np.array([0, 4, 6, 10]), shortest=2)
    assert [part.tolist() for part in found] == [[1, 3], [5, 7, 9], [11, 13]]


@pytest.mark.parametrize("num_readers", [1, 2, 3, 7])
def test_frames_come_in_order_from_however_many_readers(path, num_readers):
    # As a grid has them: some twice, some not at all.
    indices = np.sort(np.append(np.arange(0, 300, 3), [7, 7, 150, 299]))

    with decode_ahead(path, indices, num_readers) as decoded:
        found = [number for piece in decoded for number in numbers_in(piece.pixels)]

    assert found == indices.tolist()
    assert not decoding_threads()


def test_who_stops_in_the_middle_leaves_no_thread_behind(path):
    with decode_ahead(path, range(300), 3) as decoded:
        next(iter(decoded))
    assert not decoding_threads()


def test_an_error_is_raised_behind_the_frames_before_it(path, monkeypatch):
    read_into = FrameReader.read_into

    def broken(self, indices, out):
        if 200 in indices:
            raise DecodeError("the disk is gone", path=path)
        read_into(self, indices, out)

    monkeypatch.setattr(FrameReader, "read_into", broken)
    seen = []
    with decode_ahead(path, range(300), 2) as decoded, pytest.raises(DecodeError, match="the disk is gone"):
        for piece in decoded:
            seen += numbers_in(piece.pixels)
    assert seen == list(range(len(seen)))
    assert 100 < len(seen) <= 200


@pytest.mark.parametrize("num_readers", [1, 3])
def test_what_is_lost_stands_in_the_place_of_its_frames(path, monkeypatch, num_readers):
    read_into = FrameReader.read_into

    def damaged(self, indices, out):
        if set(range(110, 120)) & set(np.asarray(indices).tolist()):
            raise DecodeError("damaged", path=path, lost=range(110, 120))
        read_into(self, indices, out)

    monkeypatch.setattr(FrameReader, "read_into", damaged)
    found = []
    with decode_ahead(path, range(300), num_readers) as decoded:
        for piece in decoded:
            found += [None] * piece.count if isinstance(piece, Lost) else numbers_in(piece.pixels)
    assert found == [*range(110), *[None] * 10, *range(120, 300)]


class Endless:
    """A reader of 720p that counts what is asked of it."""

    frame_shape = (720, 1280)

    def __init__(self):
        self.num_read = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read_into(self, indices, out):
        self.num_read += len(indices)


def test_a_reader_whose_frames_nobody_takes_waits():
    reader = Endless()
    with DecodedAhead(
        lambda: reader, np.arange(10_000), np.array([0]), frame_bytes=720 * 1280, num_readers=1
    ) as decoded:
        frames = iter(decoded)
        next(frames)
        next(frames)
        # 36 frames of 720p make a chunk of 32 MiB: two were taken, two wait, and one is in hand.
        assert reader.num_read <= 5 * 36


def test_pieces_of_an_array_reader_have_their_own_memory(path):
    with open_video(path) as reader:
        found = list(pieces(reader, np.arange(100)))
    assert all(isinstance(piece, Frames) for piece in found)
    assert [number for piece in found for number in numbers_in(piece.pixels)] == list(range(100))
