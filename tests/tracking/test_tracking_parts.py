"""Parts of the tracker: motion, smoothing, filling, noise."""

import numpy as np
import pytest

from bvas.tracking.camera_motion import common_shift
from bvas.tracking.motion import MotionModel, noise_variances, predict, start_states, update
from bvas.tracking.noise_estimation import estimated_model
from bvas.tracking.smoothing import smoothed
from bvas.tracking.track_filling import fill_tracks
from bvas.tracking.tracker import FIRST_MODEL
from bvas.tracking.tracklets import Tracklet
from bvas.tracking.tracks import Track

MODEL = MotionModel(noise=np.full(4, 0.05), agitation=np.array([4.0, 2.0, 80.0, 5.0]), memory=np.ones(4))


def test_two_steps_predict_the_same_as_one():
    states = start_states(np.array([[100.0, 200.0, 40.0, 100.0]]), MODEL, 2.0)
    once = predict(states, 0.04, MODEL)
    twice = predict(predict(states, 0.02, MODEL), 0.02, MODEL)
    for name in ("positions", "velocities", "position_variances", "covariances", "velocity_variances"):
        np.testing.assert_allclose(getattr(once, name), getattr(twice, name), rtol=1e-9)


def test_the_smoother_ends_where_the_filter_ends():
    random = np.random.default_rng(0)
    seconds = np.cumsum(random.uniform(0.02, 0.1, 20))
    measured = np.array([100.0, 200.0, 40.0, 100.0]) + random.normal(0, 2, (20, 4))
    measured[:, 2:] = [40.0, 100.0]
    # The smoother's first velocity has a standard deviation of 10.
    states = start_states(measured[:1], MODEL, 10.0)
    for row in range(1, 20):
        states = predict(states, float(seconds[row] - seconds[row - 1]), MODEL)
        states = update(states, measured[row : row + 1], noise_variances(measured[row : row + 1], MODEL))
    positions, velocities = smoothed(seconds, measured, np.ones(20, bool), MODEL)
    np.testing.assert_allclose(positions[-1], states.positions[0], rtol=1e-6)
    np.testing.assert_allclose(velocities[-1, :2], states.velocities[0, :2], rtol=1e-4)


def test_an_unseen_time_lies_on_the_curve_between_its_neighbors():
    seconds = np.arange(5) * 0.04
    measured = np.array([[100.0 + 4 * k, 200.0, 40.0, 100.0] for k in range(5)])
    measured[2] = 0
    positions, _ = smoothed(seconds, measured, np.array([1, 1, 0, 1, 1], bool), MODEL)
    assert positions[2] == pytest.approx([108.0, 200.0, 40.0, 100.0], abs=0.5)


def test_the_noise_of_detections_is_found():
    random = np.random.default_rng(1)
    seconds = np.arange(400) * 0.04
    tracklets = []
    for k in range(4):
        true = np.stack(
            [300 + 100 * np.sin(seconds + k), 200 + 20 * np.cos(seconds), *np.full((2, 400), [[40], [100]])]
        )
        noise = random.normal(0, 1, (400, 4)) * [40, 100, 40, 100] * np.array([0.05, 0.04, 0.06, 0.03])
        tracklets.append(
            Tracklet(
                rows=np.arange(400), seconds=seconds, measured=true.T + noise, scores=np.ones(400, np.float32)
            )
        )
    model = estimated_model(tracklets, np.zeros((400, 2)), FIRST_MODEL, 0.04)
    np.testing.assert_allclose(model.noise, [0.05, 0.04, 0.06, 0.03], rtol=0.15)


def test_too_few_boxes_keep_the_first_model():
    few = Tracklet(
        rows=np.arange(9),
        seconds=np.arange(9) * 0.04,
        measured=np.ones((9, 4)),
        scores=np.ones(9, np.float32),
    )
    assert estimated_model([few], np.zeros((9, 2)), FIRST_MODEL, 0.04) is FIRST_MODEL


def test_the_shift_that_most_share_is_the_cameras():
    surprises = np.array([[10.0, 0.0], [10.0, 0.0], [10.0, 0.0], [10.0, 0.0], [90.0, 40.0]])
    shift, _ = common_shift(surprises, np.ones((5, 2)))
    assert shift == pytest.approx([10.0, 0.0], abs=0.5)


def test_two_boxes_say_nothing_about_the_camera():
    shift, variance = common_shift(np.full((2, 2), 5.0), np.ones((2, 2)))
    assert shift.tolist() == [0, 0]
    assert np.isinf(variance).all()


def test_frames_between_detections_are_filled_up_to_the_longest_gap():
    track = Track(
        number=1,
        frames=np.array([0, 4, 14]),
        seconds=np.array([0.0, 0.16, 0.56]),
        boxes=np.array([[0.0, 0, 10, 10], [8, 0, 10, 10], [100, 0, 10, 10]]),
        scores=np.array([0.9, 0.8, 0.7], np.float32),
    )
    (filled,) = fill_tracks([track], np.arange(20) * 0.04, 0.2)
    assert filled.frames.tolist() == [0, 1, 2, 3, 4, 14]
    assert filled.boxes[:, 0].tolist() == pytest.approx([0, 2, 4, 6, 8, 100])
    assert np.isnan(filled.scores).tolist() == [False, True, True, True, False, False]
