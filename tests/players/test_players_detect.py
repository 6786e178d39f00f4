"""Detections of a video: which frames are looked at, in order, with their times; damage."""

import numpy as np
import pytest
from video_samples import damage, make_video, number_in

from bvas import ConfigError, DecodeError
from bvas.players.detect_video import DEFAULT_STRIDE, VideoDetections, detection_frames
from bvas.video.index.video_index import build_index


class NumberDetector:
    """Finds one box, whose left edge is the number that the frame shows."""

    name = "numbers"

    def __init__(self):
        self.batches = []

    def detect(self, frames):
        self.batches.append(len(frames))
        assert frames.dtype == np.uint8
        assert frames.shape[1:] == (48, 80, 3)
        return [
            (np.array([[number_in(frame[..., 1]), 2.0, 3.0, 4.0]]), np.array([0.9], np.float32))
            for frame in frames
        ]


def detections(path, stride=0.0, **options):
    index, _ = build_index(path)
    return VideoDetections(
        index=index,
        detector=NumberDetector(),
        frames=detection_frames(index.seconds, stride),
        **options,
    )


@pytest.mark.parametrize(
    ("rate", "stride", "expected"),
    [
        (25, DEFAULT_STRIDE, [0, 1, 2, 3]),
        (30000 / 1001, DEFAULT_STRIDE, [0, 1, 2, 3]),
        (50, DEFAULT_STRIDE, [0, 2, 4, 6]),
        (60, DEFAULT_STRIDE, [0, 2, 4, 6]),
        (50, 0.04, [0, 2, 4, 6]),
        (50, 0.0, [0, 1, 2, 3]),
        (25, 0.1, [0, 3, 6, 9]),
    ],
)
def test_players_are_detected_at_even_distances_in_time(rate, stride, expected):
    assert detection_frames(np.arange(12) / rate, stride)[:4].tolist() == expected


def test_times_rounded_to_milliseconds_pass_no_frame_over():
    times = np.round(np.arange(300) / 30, 3)
    assert detection_frames(times, DEFAULT_STRIDE).tolist() == list(range(300))


@pytest.mark.parametrize("stride", [-0.1, float("nan"), float("inf")])
def test_a_stride_is_a_number_of_seconds(stride):
    with pytest.raises(ConfigError, match="detector stride must be at least 0 seconds"):
        detection_frames(np.arange(5) / 25, stride)


def test_each_frame_comes_with_its_number_and_time_in_order(tmp_path):
    found = list(detections(make_video(tmp_path / "a.mp4"), 0.12))
    assert [one.frame for one in found] == list(range(0, 60, 3))
    assert [one.boxes[0, 0] for one in found] == list(range(0, 60, 3))
    assert [one.seconds for one in found] == pytest.approx([frame / 25 for frame in range(0, 60, 3)])


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_detector_gets_batches_and_progress_counts_frames(tmp_path, batch_size):
    calls = []
    video = detections(
        make_video(tmp_path / "a.mp4"), batch_size=batch_size, progress=lambda *call: calls.append(call)
    )
    assert [one.boxes[0, 0] for one in video] == list(range(60))
    assert max(video.detector.batches) == batch_size
    assert sum(video.detector.batches) == 60
    assert calls[-1] == (60, 60)
    assert video.lost == ()


def test_frames_that_cannot_be_decoded_are_passed_over_and_named(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=250)
    damage(path, range(60, 72))
    video = detections(path)
    found = [one.frame for one in video]
    lost = [frame for stretch in video.lost for frame in stretch]
    assert lost
    assert sorted([*found, *lost]) == list(range(250))
    with pytest.raises(DecodeError):
        list(detections(path, strict=True))


def test_a_video_that_is_mostly_lost_is_an_error(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=120)
    damage(path, range(24, 110))
    with pytest.raises(DecodeError, match="more than 20%"):
        list(detections(path))
