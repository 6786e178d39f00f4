"""A long video is classified in bounded memory."""

import gc

import psutil
import pytest
from number_reader import NumberReader, class_experiment, classifier_of
from video_samples import make_video

from bvas.inference.class_windows import classify_windows, plan_windows
from bvas.values.clip_config import ClipConfig


def memory_of(process: psutil.Process) -> int:
    """Bytes of this process and of those that read for it."""
    total = process.memory_info().rss
    for child in process.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, {"pyav": 1}])
def test_memory_is_flat_over_twenty_minutes(tmp_path, workers):
    # Clips of 46 kB: all windows of 20 minutes would be 69 MB, of the frames alone 115 MB.
    video = make_video(tmp_path / "long.mp4", num_frames=20 * 60 * 25, options={"preset": "ultrafast"})
    clip = ClipConfig(num_frames=12, frame_step=2, stack_size=12)
    classifier = classifier_of(NumberReader(), class_experiment(clip=clip))
    windows = plan_windows(video, classifier.experiment, every=0.8)
    process, held = psutil.Process(), []

    def look(done, total):
        if done >= total // 8 * (len(held) + 1):
            gc.collect()
            held.append(memory_of(process))

    found = classify_windows(windows, classifier, workers=workers, progress=look)
    assert len(found.curve.seconds) == 1500
    # From an eighth of the video on: libav and the shared slots have what they need.
    assert max(held[1:]) - held[0] < 12 * 2**20, [one // 2**20 for one in held]
