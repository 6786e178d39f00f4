from fractions import Fraction

import numpy as np
import pytest

from bvas.synthetic.camera import CAMERA_POSITION, CameraPath, follow_ball
from bvas.synthetic.config import PlayConfig, SceneConfig
from bvas.synthetic.game import play_half
from bvas.synthetic.play_record import Play

SIZE = (112, 192)


def camera_at(pan=0.0, tilt=0.0, focal=400.0):
    pan, tilt, focal = (np.array([value]) for value in (pan, tilt, focal))
    return CameraPath(size=SIZE, pan=pan, tilt=tilt, focal=focal, position=CAMERA_POSITION[None])


def project(camera, point):
    xy, scale = camera.project(np.array(point, dtype=float)[None, None], slice(0, 1))
    return xy[0, 0].tolist(), float(scale[0, 0])


def rolling_ball(speed, num_frames=200, rate=25):
    """A half in which nothing happens but a ball that rolls along the halfway line of the length."""
    ball = np.zeros((num_frames, 3), np.float32)
    ball[:, 0] = speed * np.arange(num_frames) / rate
    still = np.zeros((num_frames, 22), np.float32)
    return Play(
        rate=Fraction(rate),
        players=np.zeros((num_frames, 22, 2), np.float32),
        facing=still,
        speed=still,
        gait=still,
        ball=ball,
        watched=ball,
        phase=np.zeros(num_frames, np.uint8),
        owner=np.full(num_frames, -1, np.int16),
        events=(),
        incidents=(),
        actions=(),
    )


def test_a_point_straight_ahead_is_in_the_middle_and_its_scale_is_focal_over_distance():
    ahead = CAMERA_POSITION + np.array([0.0, 80.0, 0.0])

    assert project(camera_at(), ahead) == ([96.0, 56.0], 5.0)


def test_right_is_right_and_up_is_up():
    point = CAMERA_POSITION + np.array([4.0, 80.0, 2.0])

    (x, y), _ = project(camera_at(), point)

    assert (x, y) == (96.0 + 4 * 5, 56.0 - 2 * 5)


def test_panning_right_moves_the_picture_left_and_tilting_down_moves_it_up():
    ahead = CAMERA_POSITION + np.array([0.0, 80.0, 0.0])

    (panned_x, _), _ = project(camera_at(pan=0.05), ahead)
    (_, tilted_y), _ = project(camera_at(tilt=0.05), ahead)

    assert panned_x == pytest.approx(96.0 - 400 * np.tan(0.05))
    assert tilted_y == pytest.approx(56.0 - 400 * np.tan(0.05))


def test_a_point_behind_the_camera_has_scale_0_and_is_not_shown():
    behind = CAMERA_POSITION - np.array([0.0, 10.0, 0.0])

    assert project(camera_at(), behind)[1] == 0.0
    assert not camera_at().shows(behind, 0)


def test_the_camera_trails_a_rolling_ball_by_its_lag():
    scene = SceneConfig(camera_lag_seconds=0.5, camera_shake_m=0.0, zoom_variation=0.0)
    path = follow_ball(rolling_ball(speed=4.0), scene, size=SIZE, seed=0)

    looked_at_x = -CAMERA_POSITION[1] * np.tan(path.pan[150])

    # The ball is seen once a frame, which is worth half a frame of the lag.
    assert looked_at_x == pytest.approx(4.0 * 150 / 25 - 4.0 * (0.5 - 0.5 / 25), abs=0.01)


def test_the_picture_is_as_wide_as_asked_at_the_point_looked_at():
    scene = SceneConfig(view_width_m=30.0, camera_shake_m=0.0, zoom_variation=0.0)
    path = follow_ball(rolling_ball(speed=0.0), scene, size=SIZE, seed=0)

    _, scale = path.project(np.zeros((1, 1, 3)), slice(0, 1))

    assert scale[0, 0] == pytest.approx(192 / 30)


def test_the_ball_stays_in_the_picture():
    play = play_half(PlayConfig(), seed=2, num_frames=2000, rate=Fraction(25))
    path = follow_ball(play, SceneConfig(), size=SIZE, seed=0)

    shown = [path.shows(play.ball[i].astype(float), i) for i in range(play.num_frames)]

    assert np.mean(shown) > 0.995
