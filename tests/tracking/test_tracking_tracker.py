"""Tracker on scenes whose tracks are known."""

from dataclasses import replace

import numpy as np
import pytest
from tracking_samples import owners, scene, straight

from bvas.errors import ConfigError
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.tracker import track_boxes
from bvas.tracking.tracker_config import TrackerConfig

EMPTY = np.zeros((0, 4))


def _blank(frame, seconds):
    return FrameBoxes(frame=frame, seconds=seconds, boxes=EMPTY, scores=np.zeros(0, np.float32))


def test_two_players_that_cross_keep_their_numbers():
    paths = [straight(100, 200, 200), straight(500, 210, -200)]
    tracks = track_boxes(scene(paths, seed=1))
    assert len(tracks) == 2
    assert owners(tracks, paths, 0.1) == owners(tracks, paths, 1.9)


def test_a_dropped_detection_is_filled_with_a_score_of_nan():
    tracks = track_boxes(scene([straight(100, 200, 100)], hidden={(0, 10)}))
    assert len(tracks) == 1
    assert tracks[0].frames.tolist() == list(range(50))
    assert np.flatnonzero(np.isnan(tracks[0].scores)).tolist() == [10]
    # 100 px/s, frame 10 at 0.4 s: center 140, left edge 120.
    assert tracks[0].boxes[10] == pytest.approx([120, 150, 40, 100], abs=0.5)


def test_a_gap_longer_than_fill_seconds_stays_and_the_number_too():
    hidden = {(0, number) for number in range(10, 30)}
    tracks = track_boxes(scene([straight(100, 200, 100)], hidden=hidden))
    assert len(tracks) == 1
    assert tracks[0].frames.tolist() == [*range(10), *range(30, 50)]


def test_exact_boxes_stay_as_they_are():
    frames = scene([straight(100, 200, 150), straight(400, 300, -50)])
    tracks = track_boxes(frames)
    for frame in frames:
        rows = sorted(track.boxes[frame.frame].tolist() for track in tracks)
        assert np.array(rows) == pytest.approx(np.array(sorted(frame.boxes.tolist())), abs=0.1)


def test_smoothed_boxes_lie_nearer_to_the_truth_than_detections():
    paths = [straight(100 + 90 * k, 200 + 10 * k, 60) for k in range(6)]
    frames, truth = scene(paths, seed=3, num_frames=100), scene(paths, num_frames=100)
    tracks = track_boxes(frames)
    assert len(tracks) == 6
    found = np.stack([track.boxes for track in sorted(tracks, key=lambda t: t.boxes[0, 0])], axis=1)
    detected = np.stack([frame.boxes for frame in frames])
    true = np.stack([frame.boxes for frame in truth])
    assert np.abs(found - true).mean() < 0.7 * np.abs(detected - true).mean()


def test_a_camera_that_jerks_by_a_box_exchanges_nobody():
    # Players 60 px apart; within one step the picture moves by 30 px: the next box is as near as one's own.
    def path(x, y):
        return lambda seconds: (x + (30.0 if seconds >= 1.0 else 0.0), y)

    paths = [path(100 + 60 * k, 200 + 5 * k) for k in range(6)]
    tracks = track_boxes(scene(paths))
    assert len(tracks) == 6
    assert owners(tracks, paths, 0.5) == owners(tracks, paths, 1.5)


def test_a_fast_pan_keeps_all_numbers():
    # 1000 px/s: 40 px, a box width, from frame to frame.
    paths = [straight(2000 + 120 * k, 200 + 8 * k, -900 + 30 * (k % 3)) for k in range(6)]
    tracks = track_boxes(scene(paths, seed=2, num_frames=40))
    assert len(tracks) == 6
    assert owners(tracks, paths, 0.0) == owners(tracks, paths, 1.5)


def test_who_left_the_picture_comes_back_with_his_number():
    # The camera pans away and back: the leftmost is out of view for 1 second.
    paths = [straight(100 + 150 * k, 200 + 10 * k) for k in range(5)]
    hidden = {(0, number) for number in range(20, 45)}
    tracks = track_boxes(scene(paths, hidden=hidden, num_frames=75, seed=4))
    assert len(tracks) == 5
    assert (
        len(track_boxes(scene(paths, hidden=hidden, num_frames=75, seed=4), TrackerConfig(link_seconds=0.8)))
        == 6
    )


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_there_are_never_more_tracks_than_players(limit):
    paths = [straight(100 + 150 * k, 200) for k in range(4)]
    hidden = {(k, number) for k in range(4) for number in range(20 + 3 * k, 40)}
    tracks = track_boxes(scene(paths, hidden=hidden, seed=5, num_frames=80), TrackerConfig(max_players=limit))
    assert len(tracks) == limit


def test_a_limit_that_is_not_reached_changes_nothing():
    # All begin in one frame, the longest last.
    paths = [straight(100 + 150 * k, 200) for k in range(3)]
    hidden = {(k, number) for k in range(3) for number in range(40 + 20 * k, 100)}
    frames = scene(paths, hidden=hidden, seed=5, num_frames=100)
    free, limited = (track_boxes(frames, TrackerConfig(max_players=limit)) for limit in (None, 5))
    for one, other in zip(free, limited, strict=True):
        assert one.number == other.number
        assert np.array_equal(one.frames, other.frames)
        assert np.allclose(one.boxes, other.boxes)


def test_a_box_beyond_the_limit_continues_a_lost_track():
    # Two players; one leaves on the left, and somebody enters far on the right 2 seconds later.
    paths = [straight(100, 200), straight(600, 200), straight(1200, 200)]
    hidden = {(0, number) for number in range(20, 100)} | {(2, number) for number in range(70)}
    frames = scene(paths, hidden=hidden, num_frames=100)
    tracks = track_boxes(frames, TrackerConfig(max_players=2))
    assert sorted(len(track.frames) for track in tracks) == [50, 100]


def test_every_second_frame_at_double_rate_gives_the_same_tracks():
    paths = [straight(100, 200, 200), straight(500, 215, -200), straight(300, 400, 30)]
    single = track_boxes(scene(paths, fps=25.0, num_frames=50, seed=6))
    double = track_boxes(scene(paths, fps=50.0, num_frames=100, every=2, seed=6))
    assert len(single) == len(double) == 3
    for one, other in zip(single, double, strict=True):
        assert other.frames.tolist() == [2 * frame for frame in one.frames.tolist()]
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_detections_on_all_frames_at_double_rate_give_the_same_tracks_at_shared_times():
    paths = [straight(100, 200, 200), straight(500, 215, -200), straight(300, 400, 30)]
    double = scene(paths, fps=50.0, num_frames=99, seed=6)
    # The same detections in the frames that both have.
    single = [replace(frame, frame=frame.frame // 2) for frame in double[::2]]
    tracks = track_boxes(single), track_boxes(double)
    assert len(tracks[0]) == len(tracks[1]) == 3
    for one, other in zip(*tracks, strict=True):
        assert other.frames.tolist() == list(range(99))
        np.testing.assert_array_equal(other.boxes[::2], one.boxes)
        # Between them the boxes lie in the middle.
        np.testing.assert_allclose(other.boxes[1::2], (one.boxes[1:] + one.boxes[:-1]) / 2, atol=1e-9)


def test_frames_without_boxes_are_passed_over():
    frames = scene([straight(100, 200, 50)])
    frames[20:22] = [_blank(20, 0.8), _blank(21, 0.84)]
    tracks = track_boxes(frames)
    assert len(tracks) == 1
    assert np.isnan(tracks[0].scores).sum() == 2


@pytest.mark.parametrize("frames", [[], [_blank(0, 0.0)], [_blank(0, 0.0), _blank(1, 0.04)]])
def test_no_boxes_are_no_tracks(frames):
    assert track_boxes(frames) == []


def test_one_frame_gives_a_track_for_each_box():
    assert [
        len(track.frames) for track in track_boxes(scene([straight(9, 9), straight(99, 9)], num_frames=1))
    ] == [1, 1]


def test_weak_detections_continue_a_track_and_begin_none():
    frames = (
        scene([straight(100, 200, 50)], num_frames=20)
        + scene([straight(100, 200, 50), straight(600, 200)], num_frames=40, scores=0.3)[20:]
    )
    tracks = track_boxes(frames)
    assert [len(track.frames) for track in tracks] == [40]


def test_frames_out_of_order_are_refused():
    frames = scene([straight(100, 200)], num_frames=3)
    with pytest.raises(ConfigError, match=r"frame 0 at 0\.0 s comes behind frame 1 .* in order of time"):
        track_boxes([frames[1], frames[0]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0])
def test_a_box_that_is_not_finite_or_without_area_is_refused(value):
    boxes = np.array([[1.0, 2.0, value, 4.0]])
    frame = FrameBoxes(frame=0, seconds=0.0, boxes=boxes, scores=np.ones(1, np.float32))
    with pytest.raises(ConfigError, match="frame 0 has a box"):
        track_boxes([frame])


@pytest.mark.parametrize(
    "wrong", [{"max_players": 0}, {"sure_score": 1.5}, {"link_seconds": float("nan")}, {"fill_seconds": -1.0}]
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrackerConfig(**wrong)
