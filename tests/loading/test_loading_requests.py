import numpy as np
import pytest
from loading_videos import labelled

from bvas.errors import ConfigError
from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.clip_requests import FixedClips, TrainingClips
from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig(num_frames=3, frame_step=2, stack_size=3)


def as_tuples(requests):
    return [(r.video_id, r.center, r.indices.tolist(), r.targets.tolist(), r.seed) for r in requests]


def training_clips(videos, **sampling):
    return TrainingClips(videos, CLIP, sampling=SamplingConfig(**{"clips_per_epoch": 200, **sampling}))


def test_a_request_is_the_same_alone_and_in_its_epoch():
    clips = training_clips([labelled(100, [(50, 0)]), labelled(60)])
    assert as_tuples([clips.request(7, epoch=3, seed=5)]) == as_tuples(clips.requests(3, seed=5)[7:8])


def test_epochs_and_seeds_draw_different_clips():
    clips = training_clips([labelled(1000)])
    centers = [
        tuple(request.center for request in clips.requests(epoch, seed=seed))
        for epoch, seed in ((0, 0), (1, 0), (0, 1))
    ]
    assert len(set(centers)) == 3


def test_videos_are_drawn_evenly_whatever_their_length():
    clips = training_clips([labelled(10), labelled(10_000)], clips_per_epoch=2000)
    share = np.mean([request.video_id for request in clips.requests(0)])
    assert 0.45 < share < 0.55


def test_a_clip_at_the_start_repeats_the_first_frame_and_a_shake_stays_inside():
    clips = training_clips([labelled(3)], shake_probability=1.0, shake_weights=(1.0, 0.0, 1.0))
    requests = clips.requests(0)
    assert all(0 <= request.indices.min() and request.indices.max() <= 2 for request in requests)


def test_indices_are_source_frames_of_the_grid():
    video = labelled(10)
    video.grid.indices[:] = np.arange(10) * 2  # a source of twice the rate
    clips = FixedClips([video], CLIP, [[4]])
    assert clips.requests(0)[0].indices.tolist() == [4, 8, 12]


def test_the_target_is_about_the_center():
    clips = training_clips([labelled(200, [(100, 1)])], action_probability=1.0)
    assert all(request.targets.tolist() == [0.0, 1.0] for request in clips.requests(0))


def test_a_second_attempt_is_the_next_draw_of_the_same_stream():
    clips = training_clips([labelled(10_000)])
    first, second = (clips.request(0, epoch=0, seed=0, attempt=attempt) for attempt in (0, 1))
    again = clips.request(0, epoch=0, seed=0, attempt=1)
    assert first.center != second.center
    assert second.center == again.center


def test_another_rule_may_draw_the_frames():
    class Last:
        def draw(self, random):
            return 9

    clips = TrainingClips([labelled(10)], CLIP, samplers=[Last()])
    assert clips.request(0, epoch=0, seed=0).center == 9


def test_fixed_clips_go_video_by_video_in_ascending_order():
    clips = FixedClips([labelled(10), labelled(10), labelled(10)], CLIP, [[5, 2], [], [7]])
    assert [(request.video_id, request.center) for request in clips.requests(0)] == [(0, 2), (0, 5), (2, 7)]
    assert clips.num_clips == 3
    assert as_tuples(clips.requests(0))[2][2] == [5, 7, 9]


def test_fixed_clips_have_nothing_to_put_in_place_of_a_damaged_one():
    assert FixedClips([labelled(10)], CLIP, [[5]]).request(0, epoch=0, seed=0, attempt=1) is None


def test_a_center_outside_its_video_is_refused():
    with pytest.raises(ConfigError, match=r"centers 5 to 10 leave .* 0 to 9"):
        FixedClips([labelled(10, path="a/b.mp4")], CLIP, [[5, 10]])


def test_videos_of_different_label_sets_are_refused():
    with pytest.raises(ConfigError, match=r"\[2, 3\] labels"):
        TrainingClips([labelled(10), labelled(10, num_labels=3)], CLIP)


def test_no_videos_are_refused():
    with pytest.raises(ConfigError, match="no videos"):
        TrainingClips([], CLIP)
