import numpy as np
import pytest
from video_samples import read_luma

from bvas import DecodeError, open_video

# Shown frames of each file, as counted by decoding it.
FILES = {
    "av1_video.mkv": 125,
    "bt709_full_range.mp4": 30,
    "corrupted.mp4": 50,
    "demo.mp4": 280,
    "flipping_a_pancake.mkv": 310,
    "h264_10bits.mp4": 30,
    "h265_10bits.mp4": 30,
    "h265_video.mp4": 10,
    "nasa_13013.mp4": 390,
    "test.avi": 164,
    "test_video_structuralize.mp4": 300,
    "unordered.mov": 4,
    "video_0.mov": 3,
    "video_90.mov": 3,
}

# AV1, 10 bits, AVI, damage, flat pictures.
NOT_FOR_OPENCV = {
    "av1_video.mkv",
    "corrupted.mp4",
    "h264_10bits.mp4",
    "h265_10bits.mp4",
    "test.avi",
    "unordered.mov",
}
# They carry BT.709 tags, for which OpenCV 5.0 changes the luma; another version may read them right.
DOUBTFUL_FOR_OPENCV = {"bt709_full_range.mp4", "nasa_13013.mp4", "video_0.mov", "video_90.mov"}


def stream_all(reader):
    """All frames that can be had, by index, and the lost ranges."""
    frames, lost, start = {}, [], 0
    while True:
        try:
            for first, batch in reader.stream(start, batch_size=32):
                frames.update((first + k, frame) for k, frame in enumerate(batch))
        except DecodeError as error:
            lost.append(error.lost)
            start = error.lost.stop
        else:
            return frames, lost


def test_every_video_of_the_folder_is_known_here(shared_data):
    assert sorted(path.name for path in (shared_data / "videos").iterdir()) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_index_counts_what_the_stream_gives_and_random_reads_agree(shared_data, name):
    with open_video(shared_data / "videos" / name) as reader:
        frames, lost = stream_all(reader)
        assert reader.info.num_frames == FILES[name]
        assert lost == ([range(30, 31)] if name == "corrupted.mp4" else [])
        assert sorted(frames) == [i for i in range(FILES[name]) if not any(i in part for part in lost)]
        for index in np.random.default_rng(0).choice(sorted(frames), 6):
            assert np.array_equal(read_luma(reader, [int(index)])[0], frames[int(index)]), index
        assert [reader.index.frame_at(reader.index.seconds_of(i)) for i in (0, 1, 2)] == [0, 1, 2]


@pytest.mark.parametrize("name", FILES)
def test_opencv_reads_a_file_as_the_reference_does_or_refuses_it(shared_data, name):
    path = shared_data / "videos" / name
    if name in NOT_FOR_OPENCV:
        with pytest.raises(DecodeError, match='backend="pyav"'):
            open_video(path, "opencv").close()
        return
    try:
        open_video(path, "opencv").close()
    except DecodeError:
        assert name in DOUBTFUL_FOR_OPENCV
        return
    with open_video(path, "opencv") as reader, open_video(path) as reference:
        order = [0, reader.info.num_frames - 1, reader.info.num_frames // 2, 1]
        assert np.array_equal(read_luma(reader, order), read_luma(reference, order))


def test_frames_behind_the_damage_of_a_real_file_are_refused_where_that_is_asked_for(shared_data):
    with open_video(shared_data / "videos/corrupted.mp4", on_damage="raise") as reader:
        frames, lost = stream_all(reader)
        assert max(frames) < 30
        assert sum(map(len, lost)) == 50 - len(frames)
