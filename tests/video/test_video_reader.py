import os
import pickle
import subprocess
import sys

import av
import numpy as np
import pytest
import torch
from video_samples import HEIGHT, WIDTH, make_video, number_in, numbers_in, picture, read_luma

from bvas import ConfigError, open_video
from bvas.video.index.stored_picture import luma_of


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("video") / "a.mp4")


@pytest.fixture(params=["pyav", "opencv"])
def reader(request, video):
    with open_video(video, request.param) as reader:
        assert reader.backend == request.param
        yield reader


@pytest.mark.parametrize(
    "order",
    [
        [0],
        [59],
        [5, 5, 5],
        [30, 10, 50, 10],
        list(range(59, -1, -7)),
        list(range(0, 60, 3)),
        np.array([7, 3], np.int32),
    ],
    ids=str,
)
def test_frames_come_in_the_order_asked(reader, order):
    assert numbers_in(read_luma(reader, order)) == list(order)


def test_frames_may_go_to_arrays_that_lie_anywhere(reader):
    memory = np.zeros((8, HEIGHT, WIDTH), np.uint8)
    reader.read_into([30, 10, 30], [memory[6], memory[1], memory[3]])
    assert numbers_in(memory[[6, 1, 3]]) == [30, 10, 30]
    assert not memory[[0, 2, 4, 5, 7]].any()


@pytest.mark.parametrize("shapes", [[(HEIGHT, WIDTH)], [(HEIGHT, WIDTH), (WIDTH, HEIGHT)]])
def test_arrays_of_another_number_or_shape_are_refused(reader, shapes):
    with pytest.raises(ValueError, match="2 indices need as many uint8 frames"):
        reader.read_into([1, 2], [np.zeros(shape, np.uint8) for shape in shapes])
    with pytest.raises(ValueError, match="2 indices need as many uint8 frames"):
        reader.read_to([1, 2], [torch.zeros(shape, dtype=torch.uint8) for shape in shapes])


def test_frames_may_go_to_tensors(reader):
    frames = torch.zeros((3, HEIGHT, WIDTH), dtype=torch.uint8)
    reader.read_to([20, 5], [frames[2], frames[0]])
    assert numbers_in(frames[[2, 0]].numpy()) == [20, 5]
    assert not frames[1].any()


def test_pictures_on_the_way_to_a_frame_are_counted(video):
    with open_video(video, "opencv") as reader:
        keyframe = reader.index.first_of_keyframe(reader.index.keyframe_of(25))
        assert reader.num_decoded == 0
        read_luma(reader, [25])
        after_one = reader.num_decoded
        read_luma(reader, [26])
        assert reader.num_decoded == after_one + 1
    assert reader.num_decoded == after_one + 1
    with open_video(video, "pyav", on_damage="raise") as reader:  # nothing is skipped
        read_luma(reader, [25])
        assert reader.num_decoded >= 26 - keyframe


def test_no_index_gives_no_frame(reader):
    assert reader.read([]).shape == (0, HEIGHT, WIDTH)


def test_random_reads_equal_the_stream(reader):
    whole = np.concatenate([batch for _, batch in reader.stream(batch_size=13)])
    assert numbers_in(whole) == list(range(60))
    order = np.random.default_rng(1).integers(0, 60, 50)
    for index in order:
        assert np.array_equal(read_luma(reader, [int(index)])[0], whole[index])


def test_a_stream_is_cut_into_batches_by_start_stop_and_step(reader):
    batches = [(first, numbers_in(batch)) for first, batch in reader.stream(10, 31, 5, batch_size=2)]
    assert batches == [(10, [10, 15]), (20, [20, 25]), (30, [30])]
    assert list(reader.stream(60)) == []


def test_a_read_between_two_batches_does_not_disturb_the_stream(reader):
    numbers = []
    for _, batch in reader.stream(0, 40, batch_size=9):
        numbers += numbers_in(batch)
        assert numbers_in(read_luma(reader, [55, 2])) == [55, 2]
    assert numbers == list(range(40))


def test_two_readers_of_one_file_do_not_disturb_each_other(video):
    with open_video(video) as one, open_video(video) as two:
        for i in range(10):
            assert numbers_in(read_luma(one, [i])) == [i]
            assert numbers_in(read_luma(two, [50 - i])) == [50 - i]


def test_time_and_number_of_a_frame_are_asked_of_the_reader(reader):
    assert reader.seconds_of(25) == 1.0
    assert [reader.frame_at(reader.seconds_of(i)) for i in range(60)] == list(range(60))
    with pytest.raises(IndexError, match="frame 60"):
        reader.seconds_of(60)


def test_what_was_read_does_not_change_with_the_next_read(reader):
    first = reader.read([3, 4])
    kept = first.clone()
    _, batch = next(reader.stream(20, batch_size=2))
    reader.read(range(30, 50))
    assert torch.equal(first, kept)
    assert numbers_in(batch) == [20, 21]


def test_read_gives_a_tensor_and_read_array_an_array(reader):
    frames = reader.read([1, 2])
    assert (frames.dtype, frames.shape) == (torch.uint8, (2, HEIGHT, WIDTH))
    assert numbers_in(frames) == [1, 2]
    array = reader.read_array([2, 1])
    assert isinstance(array, np.ndarray)
    assert numbers_in(array) == [2, 1]


@pytest.mark.parametrize("index", [-1, 60])
def test_an_index_outside_names_frame_file_and_length(reader, index):
    with pytest.raises(IndexError, match=rf"frame {index} of a\.mp4 is outside the video \(60 frames\)"):
        reader.read([3, index])
    with pytest.raises(IndexError, match="60 frames"):
        reader.stream(0, 61)


def test_wrong_arguments_are_refused(reader):
    with pytest.raises(TypeError, match="integers"):
        reader.read([0.5])
    with pytest.raises(ValueError, match="at least 1"):
        reader.stream(0, 3, 0)
    for out in (np.empty((1, HEIGHT, WIDTH), np.float32), np.empty((2, HEIGHT, WIDTH), np.uint8)):
        with pytest.raises(ValueError, match="out must be uint8"):
            reader.read_into([0], out)


def test_a_reader_is_refused_after_close(video):
    reader = open_video(video)
    reader.read([0])
    reader.close()
    reader.close()
    with pytest.raises(RuntimeError, match="closed"):
        reader.read([0])


def test_a_reader_is_not_pickled(video):
    with open_video(video) as reader, pytest.raises(TypeError, match="open_video in the process that reads"):
        pickle.dumps(reader)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_reader_is_refused_after_a_fork(video):
    # In a process of its own: forking this one, with its threads, would only warn about them.
    program = """
import os, sys
import numpy as np
from bvas import open_video
reader = open_video(sys.argv[1])
out = np.empty((1, *reader.size), np.uint8)
reader.read_into([0], out)
pid = os.fork()
if pid == 0:
    try:
        reader.read_into([0], out)
    except RuntimeError as error:
        os._exit(7 if "open_video in the process that reads" in str(error) else 1)
    os._exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    done = run_python(program, video)
    assert done.stdout.strip() == "7", done.stderr


def test_reading_on_the_cpu_imports_no_torch(video):
    program = """
import sys
import numpy as np
from bvas import open_video
with open_video(sys.argv[1], size=(24, 40)) as reader:
    reader.read_into([1, 0], np.empty((2, 24, 40), np.uint8))
    list(reader.stream())
print([name for name in ("torch", "timm", "kornia", "PyNvVideoCodec") if name in sys.modules])
"""
    assert run_python(program, video).stdout.strip() == "[]"


def run_python(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_rotated_picture_is_handed_out_upright(tmp_path):
    # The tag turns counterclockwise by 90 degrees.
    path = make_video(tmp_path / "a.mp4", num_frames=3, rotation=90, options={"qp": "0"})
    with open_video(path) as reader:
        assert reader.size == (WIDTH, HEIGHT)
        assert np.array_equal(read_luma(reader, [2])[0], np.rot90(picture(2)))


def test_the_rotation_tag_of_a_telephone_is_applied(shared_data):
    # A keyboard, filmed upright; stored lying on its left side with a tag of 90 degrees clockwise.
    path = shared_data / "videos/video_90.mov"
    with av.open(str(path)) as container, open_video(path) as reader:
        stored = luma_of(next(container.decode(video=0)))
        assert reader.info.rotation == 90
        assert reader.size == (568, 320)
        assert np.array_equal(read_luma(reader, [0])[0], np.rot90(stored, -1))


def test_frames_are_fitted_into_the_size_asked_for(tmp_path, video):
    with open_video(video, size=(HEIGHT + 8, WIDTH)) as padded, open_video(video) as plain:
        frame = read_luma(padded, [5])[0]
        assert np.array_equal(frame[4:-4], read_luma(plain, [5])[0])
        assert not frame[:4].any()
        assert not frame[-4:].any()
    with open_video(video, size=(HEIGHT // 2, WIDTH // 2)) as small:
        assert read_luma(small, [5]).shape == (1, HEIGHT // 2, WIDTH // 2)


def test_unknown_options_are_refused_with_those_that_are_known(video):
    with pytest.raises(ConfigError, match="unknown backend 'ffmpeg'; known are auto, nvdec, opencv, pyav"):
        open_video(video, "ffmpeg")
    with pytest.raises(ConfigError, match="on_damage"):
        open_video(video, on_damage="ignore")
    with pytest.raises(ConfigError, match="device"):
        open_video(video, device="gpu")


def test_the_bars_are_read_as_they_were_drawn():
    assert [number_in(picture(i)) for i in (0, 1, 59, 1023)] == [0, 1, 59, 1023]
