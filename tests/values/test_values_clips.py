import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.values.clip_config import ClipConfig, clamp_indices


def test_the_seeds_clip_reaches_14_frames_to_either_side():
    clip = ClipConfig(num_frames=15, frame_step=2, stack_size=3)

    assert (clip.span, clip.num_stacks, clip.frames_before, clip.frames_after) == (29, 5, 14, 14)
    assert clip.indices(100, 1000).tolist() == list(range(86, 115, 2))


def test_frames_beyond_the_edges_repeat_the_edge():
    clip = ClipConfig(num_frames=5, frame_step=2, stack_size=1)

    assert clip.indices(1, 4).tolist() == [0, 0, 1, 3, 3]
    assert clip.indices(0, 1).tolist() == [0] * 5


def test_an_even_clip_has_its_center_on_the_later_middle_frame():
    clip = ClipConfig(num_frames=4, frame_step=3, stack_size=2)

    assert clip.indices(50, 100).tolist() == [44, 47, 50, 53]
    assert (clip.frames_before, clip.frames_after) == (6, 3)


def test_a_single_frame_is_a_clip():
    assert ClipConfig(num_frames=1, frame_step=1, stack_size=1).indices(7, 10).tolist() == [7]


def test_stacks_must_fill_the_clip():
    with pytest.raises(ConfigError, match=r"num_frames \(16\) must be a multiple of stack_size \(3\)"):
        ClipConfig(num_frames=16)
    with pytest.raises(ConfigError, match="frame_step must be at least 1, got 0"):
        ClipConfig(frame_step=0)


def test_clamping_keeps_the_inside():
    assert clamp_indices(np.array([-2, 0, 5, 9, 12]), 10).tolist() == [0, 0, 5, 9, 9]
