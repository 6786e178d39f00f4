from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.synthetic.camera import follow_ball
from bvas.synthetic.config import PlayConfig, SceneConfig, SyntheticConfig
from bvas.synthetic.game import play_half
from bvas.synthetic.half_video import half_renderer
from bvas.synthetic.render import Renderer
from bvas.synthetic.shots import Shot
from bvas.synthetic.staging import stage

SIZE = (112, 192)
CLEAN = SceneConfig(noise_luma=0.0, exposure=0.0, camera_shake_m=0.0)


@pytest.fixture(scope="module")
def play():
    return play_half(PlayConfig(), seed=3, num_frames=400, rate=Fraction(25))


def renderer(play, scene=CLEAN, size=SIZE, path=None):
    path = follow_ball(play, scene, size=size, seed=1) if path is None else path
    staging = stage(play, path, (Shot(start=0, stop=play.num_frames, kind="main"),), None)
    return Renderer(staging, scene, look_seed=2, noise_seed=0), path


def with_ball_at(play, frame, place):
    ball = play.ball.copy()
    ball[frame - 1 : frame + 1] = place
    return replace(play, ball=ball)


def test_the_same_config_renders_the_same_bytes_and_another_seed_others():
    config = SyntheticConfig(minutes=0.1, size=SIZE, seed=4)
    first, again, other = (
        np.stack(list(half_renderer(c, 0, 1).frames())) for c in (config, config, replace(config, seed=5))
    )

    assert first.shape == (75, 112, 192)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_matches_and_halves_differ():
    config = SyntheticConfig(minutes=0.1, size=SIZE)
    pictures = [next(half_renderer(config, match, half).frames(40)) for match in (0, 1) for half in (1, 2)]

    assert all(not np.array_equal(pictures[i], pictures[j]) for i in range(4) for j in range(i))


def test_a_frame_is_the_same_wherever_rendering_begins(play):
    video, _ = renderer(play, SceneConfig())
    whole = list(video.frames(0, 130))

    assert np.array_equal(next(video.frames(100)), whole[100])
    assert np.array_equal(list(video.frames(57, 59))[1], whole[58])


def test_luma_is_of_limited_range(play):
    video, _ = renderer(play, SceneConfig(noise_luma=30.0))
    pictures = np.stack(list(video.frames(0, 20)))

    assert (pictures.min(), pictures.max()) == (16, 235)


@pytest.mark.parametrize("size", [(112, 192), (224, 400), (720, 1280), (96, 64)])
def test_the_ball_is_bright_where_the_camera_sees_it(play, size):
    frame = 200
    video, path = renderer(play, size=size)
    xy, _ = path.project(play.ball[frame].astype(float)[None, None] + [0, 0, 0.22], slice(frame, frame + 1))
    x, y = xy[0, 0].astype(int).tolist()

    picture = next(video.frames(frame))

    assert picture[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max() >= 190


def test_a_player_nearer_to_the_camera_hides_the_ball(play):
    frame, player = 200, int(np.argmin(np.abs(play.players[200, :, 1]) + np.abs(play.players[200, :, 0])))
    x, y = play.players[frame, player]
    path = follow_ball(play, CLEAN, size=(720, 1280), seed=1)
    pictures = {}
    for name, place in (("behind", (x, y + 0.4, 0.9)), ("before", (x, y - 0.4, 0.9))):
        moved = with_ball_at(play, frame, place)
        video, _ = renderer(moved, path=path)
        pictures[name] = next(video.frames(frame))
    seen, _ = path.project(np.array([[[x, y, 1.1]]]), slice(frame, frame + 1))
    column, row = seen[0, 0].astype(int).tolist()
    area = (slice(row - 8, row + 8), slice(column - 4, column + 4))

    assert np.median(pictures["before"][area]) > 215
    assert np.median(pictures["behind"][area]) != np.median(pictures["before"][area])


def test_noise_has_the_standard_deviation_asked_for(play):
    clean, _ = renderer(play)
    noisy, _ = renderer(play, replace(CLEAN, noise_luma=4.0))

    difference = next(noisy.frames(50)).astype(float) - next(clean.frames(50))

    assert abs(difference.mean()) < 0.2
    assert abs(difference.std() - 4.0) < 0.3


def test_the_ball_looks_the_same_before_and_after_an_event(play):
    event = next(event for event in play.events if event.label == "PASS" and event.frame > 50)
    video, path = renderer(play)
    frames = range(event.frame - 2, event.frame + 3)
    brightest = []
    for frame in frames:
        xy, _ = path.project(
            play.ball[frame].astype(float)[None, None] + [0, 0, 0.22], slice(frame, frame + 1)
        )
        x, y = xy[0, 0].astype(int).tolist()
        brightest.append(int(next(video.frames(frame))[y - 1 : y + 2, x - 1 : x + 2].max()))

    assert min(brightest) > 200


def test_scene_values_are_checked():
    with pytest.raises(ConfigError, match="ball_scale"):
        SceneConfig(ball_scale=0.0)
    with pytest.raises(ConfigError, match="exposure"):
        SceneConfig(exposure=2.0)
    with pytest.raises(ConfigError, match="even"):
        SyntheticConfig(size=(224, 399))
