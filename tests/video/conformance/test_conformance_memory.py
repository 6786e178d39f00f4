"""Reading on and on takes no more memory than reading for a while."""

import gc

import numpy as np
import psutil
import pytest
from catalog import SAMPLES
from video_samples import numbers_in, read_luma

from bvas import open_video

BY_NAME = {sample.name: sample for sample in SAMPLES}
LONG = [(name, 2000) for name in ("closed-50.mkv", "hevc-open.ts", "hidden.webm")]


@pytest.mark.parametrize(
    ("name", "num_reads"),
    [("hevc-open.ts", 200), *(pytest.param(*case, marks=pytest.mark.slow) for case in LONG)],
)
def test_memory_is_steady_over_many_random_reads(files, name, num_reads):
    sample, process = BY_NAME[name], psutil.Process()
    rng = np.random.default_rng(7)
    num_frames = len(sample.shown)
    with open_video(files.of(sample)) as reader:
        held = []
        for read in range(num_reads):
            order = rng.integers(0, num_frames, 2).tolist()
            assert numbers_in(read_luma(reader, order)) == [sample.shown[i] for i in order]
            if read in (num_reads // 2, num_reads - 1):
                gc.collect()
                held.append(process.memory_info().rss)
    # A leaked frame a read would be 35 KB, so 3.5 MB over half of 200 reads.
    assert held[1] - held[0] < 2.5 * 2**20
