"""`bvas video prepare` keeps the number, the time and the luma of every frame of every sample."""

import numpy as np
import pytest
from catalog import SAMPLES
from video_samples import numbers_in, read_luma

from bvas import open_video
from bvas.video.encode.prepared_copy import make_copy, plan_copy


def all_samples():
    """Every seventh sample, and the others where slow tests run too."""
    return [
        pytest.param(sample, id=sample.name, marks=[pytest.mark.slow] if place % 7 else [])
        for place, sample in enumerate(SAMPLES)
    ]


@pytest.mark.parametrize("sample", all_samples())
def test_a_copy_shows_the_same_frames_at_the_same_times(files, tmp_path, sample):
    # Without loss: crf 0 of H.264.
    plan = plan_copy(files.of(sample), tmp_path / "copy.mp4", crf=0)
    make_copy(plan)

    with open_video(files.of(sample)) as before, open_video(plan.target) as after:
        every = range(before.info.num_frames)
        height, width = before.size
        luma = read_luma(after, every)[:, :height, :width]
        assert numbers_in(luma) == list(sample.shown)
        assert np.array_equal(luma, read_luma(before, every))
        half_a_tick = float(before.index.time_base) / 2
        assert np.abs(after.index.seconds - before.index.seconds).max() <= half_a_tick
        assert abs(after.info.duration_seconds - before.info.duration_seconds) <= half_a_tick
        # On the container's clock an mp4 shows nothing from before zero.
        assert abs(after.info.start_seconds - max(before.info.start_seconds, 0.0)) <= half_a_tick
        assert after.info.sample_aspect == before.info.sample_aspect
        assert after.info.color_range == before.info.color_range
        assert (after.info.interlaced, after.info.rotation, after.info.mirrored) == (False, 0, False)
        assert after.info.variable_rate == before.info.variable_rate
        assert after.info.keyframe_intervals.longest <= 12
