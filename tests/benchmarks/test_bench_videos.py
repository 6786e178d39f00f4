from itertools import pairwise

import av
import numpy as np
import pytest
from clips import random_clips
from videos import kept_video, make_video, numbers_in

from bvas import open_video

SIZE = (96, 160)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_every_frame_carries_its_number_and_keyframes_come_at_the_interval(tmp_path, codec):
    path = tmp_path / "a.mp4"
    make_video(path, size=SIZE, num_frames=70, keyframe_interval=20, codec=codec)
    with open_video(path, cache=False) as reader:
        assert numbers_in(reader.read(range(70)).numpy()) == list(range(70))
        assert [reader.index.first_of_keyframe(number) for number in range(4)] == [0, 20, 40, 60]
        assert reader.info.codec == codec
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.colorspace == 2  # nothing is said of it


def test_a_video_that_is_kept_is_not_made_again(tmp_path):
    settings = {"size": SIZE, "num_frames": 5, "keyframe_interval": 5}
    path = kept_video(tmp_path / "folder", **settings)
    made = path.stat().st_mtime_ns
    assert kept_video(tmp_path / "folder", **settings) == path
    assert path.stat().st_mtime_ns == made
    assert kept_video(tmp_path / "folder", **settings | {"keyframe_interval": 4}) != path
    assert len(list((tmp_path / "folder").iterdir())) == 2


def test_clips_begin_in_each_part_of_the_interval_and_never_in_the_same_one_again():
    clips = random_clips(5, num_frames=1000, keyframe_interval=50)
    assert sorted(clip[0] % 50 // 10 for clip in clips) == [0, 1, 2, 3, 4]
    intervals = [clip[0] // 50 for clip in clips]
    assert all(interval != before for before, interval in pairwise(intervals))
    for clip in clips:
        assert np.array_equal(clip, clip[0] + 2 * np.arange(15))
        assert clip[-1] < 1000


def test_clips_of_a_short_video_lie_inside_it():
    for clip in random_clips(8, num_frames=40, keyframe_interval=250):
        assert 0 <= clip[0] <= clip[-1] < 40
