"""What is refused where a size, a time or the number of a frame is asked for."""

import math
from fractions import Fraction

import numpy as np
import pytest
from video_samples import make_video, numbers_in, read_luma

from bvas import ClipConfig, ConfigError, open_stream, open_video
from bvas.experiment.experiment import InputConfig
from bvas.inference.file_rows import rows_between
from bvas.results.frame_times import FrameTimes
from bvas.values.checks import checked_index, checked_seconds, checked_size
from bvas.values.match_clock import MatchClock
from bvas.video.encode.prepared_copy import plan_copy
from bvas.video.index.frame_grid import make_grid


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("video") / "a.mp4")


@pytest.mark.parametrize(
    "size",
    [
        224,
        (48.0, 80.0),
        (-48, 80),
        (0, 80),
        (True, 80),
        "48x80",
        "48",
        (48,),
        (48, 80, 3),
        (48, 10**9),
        None,
        np.nan,
    ],
    ids=str,
)
def test_a_size_that_is_not_two_integers_is_refused_with_the_rule(size):
    with pytest.raises(
        ConfigError, match=r"size must be \(height, width\), two integers from 1 to 16384, got"
    ):
        checked_size(size)


@pytest.mark.parametrize(
    "size", [(48, 80), [48, 80], (np.int64(48), np.uint8(80)), np.array([48, 80])], ids=str
)
def test_any_pair_of_integers_is_a_size(size):
    assert checked_size(size) == (48, 80)
    assert all(type(side) is int for side in checked_size(size))


@pytest.mark.parametrize("size", [224, (48.0, 80.0), "48x80", (48, 0), (48, 1 << 40)], ids=str)
def test_readers_copies_and_experiments_refuse_the_same_sizes(video, tmp_path, size):
    for use in (
        lambda: open_video(video, size=size),
        lambda: open_stream(video, size=size, growing=True),
        lambda: plan_copy(video, tmp_path / "b.mp4", size=size),
        lambda: InputConfig(size=size),
    ):
        with pytest.raises(ConfigError, match="two integers from 1 to 16384"):
            use()


def test_numpys_integers_are_a_size_of_a_reader(video):
    with open_video(video, size=np.array([24, 40])) as reader:
        assert read_luma(reader, [np.int64(7)]).shape == (1, 24, 40)


@pytest.mark.parametrize("seconds", [math.nan, None, "1.5", True, b"1", [1.5], np.array([1.5]), 1j], ids=str)
def test_what_is_not_a_time_is_refused_by_name(video, seconds):
    with open_video(video) as reader:
        times = FrameTimes.of(reader.index)
        for use in (reader.frame_at, make_grid(reader.index, 25).nearest, times.nearest):
            with pytest.raises(ConfigError, match="a time must be a number of seconds, got"):
                use(seconds)


def test_any_kind_of_number_is_a_time(video):
    with open_video(video) as reader:
        for seconds in (1, 1.0, np.float32(1), np.int8(1), Fraction(1), np.array(1.0)):
            assert reader.frame_at(seconds) == 25
            assert checked_seconds(seconds) == 1.0


def test_an_infinite_time_is_one_before_or_behind_the_video(video):
    with open_video(video) as reader:
        grid, times = make_grid(reader.index, 25), FrameTimes.of(reader.index)
        for place in (reader.frame_at, grid.nearest, times.nearest):
            assert (place(-math.inf), place(math.inf)) == (0, 59)


@pytest.mark.parametrize("index", [1.0, math.nan, "1", True, None, np.bool_(True), np.float64(3)], ids=str)
def test_what_is_not_an_integer_names_no_frame(video, index):
    with pytest.raises(TypeError, match="integer, got"):
        checked_index(index)
    with open_video(video) as reader:
        for use in (reader.seconds_of, lambda index: ClipConfig().indices(index, 60)):
            with pytest.raises(TypeError, match="integer, got"):
                use(index)
        with pytest.raises(TypeError):
            reader.stream(index if index is not None else 0.5)
        with pytest.raises(TypeError):
            reader.read_into([index], np.empty((1, *reader.size), np.uint8))


def test_numpys_integers_name_frames(video):
    with open_video(video) as reader:
        assert reader.seconds_of(np.uint8(25)) == 1.0
        assert [numbers_in(batch) for _, batch in reader.stream(np.int64(3), np.int64(5))] == [[3, 4]]


def test_ranges_and_clocks_refuse_what_is_not_a_time(tmp_path):
    seconds = np.arange(50) / 25
    for start, end in ((math.nan, None), (0.0, math.nan), ("0", None)):
        with pytest.raises(ConfigError, match="_seconds must be a number of seconds"):
            rows_between(seconds, start, end, tmp_path)
    for kickoff in (math.nan, math.inf, None):
        with pytest.raises(ConfigError, match="kickoff_seconds must be"):
            MatchClock(kickoff_seconds=kickoff)
    with pytest.raises(ConfigError, match="idle_seconds must be a number of seconds, got nan"):
        open_stream(tmp_path / "a.mkv", growing=True, idle_seconds=math.nan)


@pytest.mark.parametrize("rate", [math.nan, 0, -25, math.inf, "25", True], ids=str)
def test_what_is_not_a_rate_is_refused_by_name(video, rate):
    with open_video(video) as reader, pytest.raises(ConfigError, match=r"a rate must be a positive number"):
        make_grid(reader.index, rate)
