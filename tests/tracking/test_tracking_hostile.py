"""Tracker on inputs at the edge: odd sizes, times, pauses, cuts, and many tracklets."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from tracking_samples import scene, straight

from bvas.errors import ConfigError
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.tracker import FIRST_MODEL, track_boxes
from bvas.tracking.tracker_config import TrackerConfig
from bvas.tracking.tracklet_linking import linked
from bvas.tracking.tracklets import Tracklet

PATHS = [straight(100, 200, 80), straight(400, 215, -60, 3), straight(700, 100, 0, 20)]


def changed(frames, change):
    return [replace(frame, boxes=change(frame.boxes)) for frame in frames]


def timed(frames, seconds):
    return [replace(frame, seconds=float(now)) for frame, now in zip(frames, seconds, strict=True)]


def piece(start, stop, x):
    rows = np.arange(start, stop)
    measured = np.tile([float(x), 200.0, 40.0, 100.0], (len(rows), 1))
    return Tracklet(rows=rows, seconds=rows / 25, measured=measured, scores=np.ones(len(rows), np.float32))


@pytest.mark.parametrize("factor", [1e-4, 0.1, 10.0, 1e6])
def test_tracks_do_not_depend_on_the_size_of_the_picture(factor):
    frames = scene(PATHS, seed=7)
    tracks = track_boxes(frames)
    scaled = track_boxes(changed(frames, lambda boxes: boxes * factor))
    assert len(tracks) == len(scaled) == 3
    for one, other in zip(tracks, scaled, strict=True):
        assert one.frames.tolist() == other.frames.tolist()
        np.testing.assert_allclose(other.boxes, one.boxes * factor, rtol=1e-5)


def test_a_mirrored_picture_has_mirrored_tracks():
    frames = scene(PATHS, seed=7)

    def mirrored(boxes):
        return np.column_stack([1000 - boxes[:, 0] - boxes[:, 2], boxes[:, 1:]])

    tracks, others = track_boxes(frames), track_boxes(changed(frames, mirrored))
    for one, other in zip(tracks, others, strict=True):
        np.testing.assert_allclose(other.boxes, mirrored(one.boxes), atol=1e-6)


def test_equal_frames_give_equal_tracks():
    frames = scene(PATHS, seed=7)
    for one, other in zip(track_boxes(frames), track_boxes(frames), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


@pytest.mark.parametrize("step", [1e-9, 1e-6, 1e-3])
def test_frames_that_nearly_coincide_in_time_leave_boxes_where_they_are(step):
    seconds = np.cumsum(np.random.default_rng(0).choice([step, 0.04], 50))
    frames = [scene([straight(100, 200, 80)], num_frames=1)[0]] * 50
    frames = [replace(frame, frame=number) for number, frame in enumerate(frames)]
    (track,) = track_boxes(timed(frames, seconds), TrackerConfig(step_seconds=0))
    np.testing.assert_allclose(track.boxes, np.tile(frames[0].boxes, (50, 1)), atol=0.5)


@pytest.mark.parametrize(("fps", "count"), [(1.0, 40), (240.0, 240)])
def test_players_keep_their_numbers_at_any_frame_rate(fps, count):
    paths = [straight(100, 200, 20), straight(1500, 300, -10)]
    tracks = track_boxes(scene(paths, fps=fps, num_frames=count))
    assert len(tracks) == 2
    # At the end, up to 1/30 s is not searched.
    assert all(count - fps / 30 <= len(track.frames) <= count for track in tracks)


def test_nobody_is_joined_over_a_pause_longer_than_link_seconds():
    frames = scene(PATHS)
    seconds = np.array([frame.seconds for frame in frames])
    seconds[25:] += 600
    assert [len(track.frames) for track in track_boxes(timed(frames, seconds))] == [25] * 6


def test_a_pause_and_frames_without_boxes_give_the_same_tracks():
    frames = scene(PATHS, num_frames=100)
    empty = [
        replace(frame, boxes=np.zeros((0, 4)), scores=np.zeros(0, np.float32)) for frame in frames[40:75]
    ]
    with_empty = track_boxes(frames[:40] + empty + frames[75:])
    without = track_boxes(frames[:40] + frames[75:])
    assert [one.frames.tolist() for one in with_empty] == [one.frames.tolist() for one in without]
    assert len(without) == 3


def test_a_short_video_keeps_its_tracks():
    assert [len(track.frames) for track in track_boxes(scene(PATHS, num_frames=3))] == [3, 3, 3]


def test_a_number_kept_over_a_cut_does_not_draw_boxes_across_it():
    first = scene([straight(100, 200)], num_frames=25)
    other = scene([straight(900, 600)], num_frames=50)[25:]
    (track,) = track_boxes(first + other, TrackerConfig(max_players=1))
    assert track.frames.tolist() == list(range(50))
    detected = np.concatenate([frame.boxes for frame in first + other])
    np.testing.assert_allclose(track.boxes, detected, atol=0.5)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_no_more_links_are_forced_than_the_limit_asks_for(limit):
    # Two at a time; those after the pause are far from those before it.
    pieces = [piece(0, 50, 100), piece(0, 50, 400), piece(2000, 2050, 9000), piece(2000, 2050, 9900)]
    players = linked(pieces, np.zeros((2050, 2)), FIRST_MODEL, 30.0, limit)
    assert len(players) == limit


def test_forced_links_reach_the_limit_wherever_no_more_overlap():
    random = np.random.default_rng(3)
    pieces = []
    for _ in range(4):
        bounds = np.sort(random.choice(800, 16, replace=False))
        pieces += [piece(a, b, random.uniform(0, 5000)) for a, b in itertools.pairwise(bounds)]
    pieces.sort(key=lambda one: int(one.rows[0]))
    players = linked(pieces, np.zeros((800, 2)), FIRST_MODEL, 1.0, 4)
    assert len(players) <= 4
    assert sum(len(one) for one in players) == sum(len(one) for one in pieces)


def test_linking_takes_memory_for_neighbors_in_time_only():
    # 2000 tracklets: a number for each pair of them would take 32 MB, and there are dozens of such arrays.
    import tracemalloc

    pieces = [piece(20 * k, 20 * k + 2, 100 * (k % 7)) for k in range(2000)]
    offsets = np.zeros((40_000, 2))
    tracemalloc.start()
    try:
        linked(pieces, offsets, FIRST_MODEL, 30.0, 2)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 32e6


@pytest.mark.parametrize("score", [np.nan, np.inf, -1.0, 1.5])
def test_a_score_outside_of_the_unit_interval_is_refused(score):
    frame = FrameBoxes(
        frame=4, seconds=0.0, boxes=np.array([[1.0, 2, 3, 4]]), scores=np.array([score], np.float32)
    )
    with pytest.raises(ConfigError, match="frame 4 has 1 boxes and the scores"):
        track_boxes([frame])


def test_a_time_that_is_not_finite_and_a_box_beyond_all_pixels_are_refused():
    frame = scene(PATHS, num_frames=1)[0]
    with pytest.raises(ConfigError, match="frame 0 is at nan s"):
        track_boxes([replace(frame, seconds=np.nan)])
    with pytest.raises(ConfigError, match="frame 0 has a box"):
        track_boxes([replace(frame, boxes=np.array([[1e200, 0, 10, 10]] * 3))])


def test_equal_times_are_refused():
    first, second, *_ = scene(PATHS, num_frames=2)
    with pytest.raises(ConfigError, match="in order of time"):
        track_boxes([first, replace(second, seconds=0.0)])
