"""What drives NVDEC reads every sample right over a stand-in for it, on a machine without a GPU.

The stand-in decodes with libav (fake_nvc.py), so that this says nothing of NVDEC's own pictures;
test_conformance.py does, on a GPU.
"""

import numpy as np
import pytest
from catalog import SAMPLES
from video_samples import numbers_in, read_luma

from bvas import open_video

ADMITTED = [sample for sample in SAMPLES if "nvdec" not in sample.refused]


@pytest.mark.parametrize("sample", ADMITTED, ids=[sample.name for sample in ADMITTED])
def test_frames_equal_those_of_the_reference(files, fake, sample):
    num_frames = len(sample.shown)
    with (
        open_video(files.of(sample), "nvdec", device="cuda") as gpu,
        open_video(files.of(sample)) as reference,
    ):
        frames = read_luma(gpu, range(num_frames))
        assert numbers_in(frames) == list(sample.shown)
        assert np.array_equal(frames, read_luma(reference, range(num_frames)))
        rng = np.random.default_rng(3)
        orders = [[num_frames - 1], [0, 0], *rng.integers(0, num_frames, (4, 3)).tolist()]
        for order in [*orders, *([index] for index in range(20, 0, -6))]:
            assert np.array_equal(read_luma(gpu, order), frames[order]), order
