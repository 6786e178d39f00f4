import resource
from fractions import Fraction

import av
import numpy as np
import pytest

from bvas.errors import ConfigError, DataError
from bvas.video.decode.open_video import open_video
from bvas.video.encode.video_writer import VideoWriter

SIZE = (48, 64)


def gray_ramp(num_frames, size=(48, 64)):
    """Frame i is a flat picture of luma 20 + 3 i."""
    return [np.full(size, 20 + 3 * i, np.uint8) for i in range(num_frames)]


def decode(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_every_frame_comes_back_in_order_with_its_luma(tmp_path, codec, suffix):
    path = tmp_path / f"video{suffix}"
    frames = gray_ramp(40)
    with VideoWriter(path, size=(48, 64), rate=25, codec=codec, crf=12) as writer:
        for frame in frames:
            writer.write(frame)

    decoded = decode(path)

    assert len(decoded) == 40
    lumas = [frame.to_ndarray()[:48].mean() for frame in decoded]
    assert np.abs(np.array(lumas) - [20 + 3 * i for i in range(40)]).max() < 1.5
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_keyframe_stands_at_every_interval_and_between_them_are_b_frames(tmp_path, codec):
    path = tmp_path / "video.mkv"
    frames = np.random.default_rng(0).integers(60, 180, (50, 48, 64), dtype=np.uint8)
    with VideoWriter(path, size=(48, 64), rate=25, codec=codec, keyframe_interval=12) as writer:
        for frame in frames:
            writer.write(frame)

    decoded = decode(path)

    assert [i for i, frame in enumerate(decoded) if frame.key_frame] == [0, 12, 24, 36, 48]
    assert any(frame.pict_type == av.video.frame.PictureType.B for frame in decoded)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_same_frames_give_the_same_file(tmp_path, codec, suffix):
    for name in ("first", "second"):
        with VideoWriter(tmp_path / f"{name}{suffix}", size=(48, 64), rate=25, codec=codec) as writer:
            for frame in gray_ramp(30):
                writer.write(frame)

    assert (tmp_path / f"first{suffix}").read_bytes() == (tmp_path / f"second{suffix}").read_bytes()


def _color_tags(path, *frame):
    with VideoWriter(path, size=SIZE, rate=25) as writer:
        writer.write(*frame)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.color_range, context.colorspace


def test_color_is_tagged_bt709_of_limited_range(tmp_path):
    assert _color_tags(tmp_path / "a.mp4", np.zeros((*SIZE, 3), np.uint8)) == (1, 1)


def test_chroma_is_tagged_bt601_which_opencv_leaves_alone(tmp_path):
    luma = np.tile(np.arange(16, 16 + SIZE[1], dtype=np.uint8), (SIZE[0], 1))
    blue, red = (np.full((SIZE[0] // 2, SIZE[1] // 2), value, np.uint8) for value in (100, 150))
    path = tmp_path / "a.mp4"
    assert _color_tags(path, luma, blue, red) == (1, 6)

    frame = decode(path)[0].to_ndarray()[SIZE[0] :].ravel()
    assert np.unique(frame).tolist() == [100, 150]
    with open_video(path, "pyav", cache=False) as pyav, open_video(path, "opencv", cache=False) as opencv:
        assert np.array_equal(pyav.read([0]), opencv.read([0]))


def test_chroma_of_another_size_is_refused(tmp_path):
    luma, blue = np.zeros(SIZE, np.uint8), np.zeros((SIZE[0] // 2, SIZE[1] // 2), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", size=SIZE, rate=25) as writer:
        for chroma in ((blue,), (blue, luma)):
            with pytest.raises(ValueError, match="two planes of shape"):
                writer.write(luma, *chroma)
        writer.write(luma)


def test_gray_names_no_matrix_so_that_opencv_leaves_its_luma_alone(tmp_path):
    frame = np.tile(np.arange(16, 16 + SIZE[1], dtype=np.uint8), (SIZE[0], 1))
    assert _color_tags(tmp_path / "a.mp4", frame) == (0, 2)  # unspecified, which is limited by convention


def test_a_rate_of_30000_over_1001_is_kept(tmp_path):
    with VideoWriter(tmp_path / "video.mp4", size=(48, 64), rate=Fraction(30000, 1001)) as writer:
        for frame in gray_ramp(10):
            writer.write(frame)

    with av.open(str(tmp_path / "video.mp4")) as container:
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)


def test_white_and_black_of_rgb_become_235_and_16(tmp_path):
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[:, 32:] = 255
    with VideoWriter(tmp_path / "video.mkv", size=(48, 64), rate=25, crf=1) as writer:
        writer.write(frame)

    luma = decode(tmp_path / "video.mkv")[0].to_ndarray()[:48]

    assert abs(int(luma[24, 8]) - 16) <= 2
    assert abs(int(luma[24, 56]) - 235) <= 2


def test_after_an_exception_nothing_is_left(tmp_path):
    def write_and_fail():
        with VideoWriter(tmp_path / "video.mkv", size=(48, 64), rate=25) as writer:
            writer.write(gray_ramp(1)[0])
            raise RuntimeError("our own")

    with pytest.raises(RuntimeError, match="our own"):
        write_and_fail()

    assert list(tmp_path.iterdir()) == []


def test_a_video_that_was_there_stays_when_writing_fails(tmp_path):
    path = tmp_path / "video.mkv"
    path.write_bytes(b"earlier")
    with pytest.raises(ValueError, match="shape"), VideoWriter(path, size=(48, 64), rate=25) as writer:
        writer.write(np.zeros((10, 10), np.uint8))

    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("limit_bytes", [100, 20_000])
def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path, limit_bytes):
    def write_all():
        with VideoWriter(tmp_path / "video.mkv", size=(96, 96), rate=25) as writer:
            for frame in noise:
                writer.write(frame)

    noise = np.random.default_rng(0).integers(16, 235, (60, 96, 96), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        with pytest.raises(DataError, match=r"video\.mkv.*Make room"):
            write_all()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="choose a folder"):
        VideoWriter(tmp_path / "nowhere" / "video.mkv", size=(48, 64), rate=25)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("video.avi", (48, 64), "must end in"),
        ("video.mkv", (47, 64), "even"),
        ("video.mkv", (0, 64), "integers from 1"),
    ],
)
def test_values_that_no_encoder_takes_are_refused(tmp_path, name, size, message):
    with pytest.raises(ConfigError, match=message):
        VideoWriter(tmp_path / name, size=size, rate=25)
