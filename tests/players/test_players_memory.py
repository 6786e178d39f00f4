"""Players of a long video are found and classified in bounded memory."""

import gc

import numpy as np
import psutil
import pytest
from number_reader import NumberReader, class_experiment, classifier_of
from video_samples import HEIGHT, WIDTH, make_video

from bvas.players.classify_players import classify_players, plan_players
from bvas.players.detect_video import DEFAULT_STRIDE, VideoDetections, detection_frames
from bvas.players.track_players import tracked
from bvas.tracking.tracker_config import TrackerConfig
from bvas.values.clip_config import ClipConfig
from bvas.video.index.video_index import build_index

MINUTES = 20


class TwoPlayers:
    """Finds two players who never move; one hides for a second now and then."""

    name = "two"

    def __init__(self):
        self.frames = 0

    def detect(self, frames):
        found = []
        for _ in frames:
            self.frames += 1
            number = 1 if self.frames % 500 < 25 else 2
            boxes = np.array([[0, 0, WIDTH / 2, HEIGHT], [WIDTH / 2, 0, WIDTH / 2, HEIGHT]], float)
            found.append((boxes[:number], np.full(number, 0.9, np.float32)))
        return found


class Memory:
    """Memory of this process at each eighth of the way."""

    def __init__(self):
        self.held = []

    def __call__(self, done, total):
        if done >= total // 8 * (len(self.held) + 1):
            gc.collect()
            self.held.append(psutil.Process().memory_info().rss)

    @property
    def growth(self):
        """Megabytes from an eighth of the way on."""
        return (max(self.held[1:]) - self.held[0]) / 2**20


@pytest.mark.slow
def test_memory_is_flat_over_twenty_minutes(tmp_path):
    # 30,000 frames of RGB would be 346 MB, and crops of both players 115 MB.
    num_frames = MINUTES * 60 * 25
    video = make_video(tmp_path / "long.mp4", num_frames=num_frames, options={"preset": "ultrafast"})
    index, _ = build_index(video)
    detecting, classifying = Memory(), Memory()
    detections = VideoDetections(
        index=index,
        detector=TwoPlayers(),
        frames=detection_frames(index.seconds, DEFAULT_STRIDE),
        progress=detecting,
    )
    tracks = [track for track, _ in tracked(detections, index, TrackerConfig())]
    assert len(tracks) == 2
    clip = ClipConfig(num_frames=12, frame_step=2, stack_size=12)
    classifier = classifier_of(NumberReader(), class_experiment(clip=clip))
    windows = plan_players(index, tracks, classifier, 0.8)
    found = classify_players(index, tracks, windows, classifier, progress=classifying)
    assert len(found.actions[0]) == MINUTES * 60 / 0.8
    # Boxes are kept: two players of 30,000 frames are 60,000 rows of about 100 bytes, here while they are tracked.
    assert detecting.growth < 48, [one // 2**20 for one in detecting.held]
    assert classifying.growth < 12, [one // 2**20 for one in classifying.held]
