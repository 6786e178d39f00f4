"""The video that data sets of clips are made of."""

import pytest
from video_samples import make_video


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """One second in mp4; the copies of it are what data sets hold."""
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", num_frames=10, rate=10)
