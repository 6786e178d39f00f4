from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.synthetic.bodies import Poses, body_points
from bvas.synthetic.camera import CAMERA_POSITION, aim
from bvas.synthetic.canvas import Canvas, Paint
from bvas.synthetic.config import PlayConfig, SceneConfig, SyntheticConfig, with_preset
from bvas.synthetic.game import play_half
from bvas.synthetic.half_video import film_half, half_renderer
from bvas.synthetic.lighting import Light
from bvas.synthetic.play_record import NUM_PLAYERS
from bvas.synthetic.staging import shown_moments

SIZE = (64, 112)
# Incidents are frequent in Action Spotting, and so are the replays and close-ups after them.
BUSY = with_preset(SyntheticConfig(size=SIZE, minutes=8.0, seed=2, task="action"), "broadcast")


@pytest.fixture(scope="module")
def filmed():
    """The shown play, its path and its shots, and the play as it was played."""
    staging = film_half(BUSY, 0, 1)
    played = play_half(BUSY.play, seed=(2, 0, 1, 0), num_frames=6000, rate=Fraction(25))
    return staging.play, staging.path, staging.shots, played


def of_kind(shots, kind):
    found = [shot for shot in shots if shot.kind == kind]
    assert found
    return found


def test_the_shots_show_every_frame_once_and_the_main_camera_comes_between(filmed):
    play, _, shots, _ = filmed

    assert shots[0].start == 0
    assert shots[-1].stop == play.num_frames
    assert all(first.stop == second.start for first, second in pairwise(shots))
    assert min(shot.stop - shot.start for shot in shots[:-1] if shot.kind == "main") >= 50
    for first, second in pairwise(shots):
        # Only a replay may follow a close-up at once.
        assert "main" in (first.kind, second.kind) or (first.kind, second.kind) == ("closeup", "replay")


def test_a_replay_shows_frames_from_before_its_start_at_its_speed(filmed):
    play, _, shots, _ = filmed
    moments = shown_moments(play.num_frames, shots)

    for shot in shots:
        shown = moments[shot.start : shot.stop]
        if shot.kind == "replay":
            assert 0 <= shown[0]
            assert shown[-1] < shot.start
            assert 0.5 <= shot.speed <= 1.0
            assert np.allclose(np.diff(shown), shot.speed)
        else:
            assert shown.tolist() == list(range(shot.start, shot.stop))


def test_in_a_replay_players_and_ball_are_where_they_were(filmed):
    play, _, shots, played = filmed
    moments = shown_moments(play.num_frames, shots)

    for shot in of_kind(shots, "replay"):
        for frame in (shot.start, shot.start + 7, shot.stop - 1):
            k, part = int(moments[frame]), moments[frame] % 1
            for shown, was in ((play.ball, played.ball), (play.players[:, :22], played.players)):
                expected = (1 - part) * was[k] + part * was[k + 1]
                assert np.allclose(shown[frame], expected, atol=1e-4)
    live = of_kind(shots, "main")[0].start + 5
    assert np.array_equal(play.ball[live], played.ball[live])


def test_a_replay_is_of_something_that_happened(filmed):
    _, _, shots, played = filmed
    frames = {event.frame for event in (*played.events, *played.incidents)}

    for shot in of_kind(shots, "replay"):
        last_shown = shot.first_shown + shot.speed * (shot.stop - 1 - shot.start)
        assert any(shot.first_shown <= frame <= last_shown for frame in frames)


def test_replays_and_close_ups_hide_events_and_the_rest_is_visible_with_the_camera_s_target_in_the_picture(
    filmed,
):
    play, path, shots, played = filmed
    hidden = np.zeros(play.num_frames, bool)
    for shot in shots:
        hidden[shot.start : shot.stop] = shot.kind in ("replay", "closeup")

    assert [(event.frame, event.label) for event in play.events] == [
        (event.frame, event.label) for event in played.events
    ]
    for event in (*play.events, *play.incidents):
        in_picture = path.shows(played.watched[event.frame].astype(float), event.frame)
        assert event.visible == (not hidden[event.frame] and in_picture)
    assert 0.5 < np.mean([event.visible for event in play.events]) < 1.0


def test_a_close_up_has_the_ball_outside_the_picture_and_its_player_in_it(filmed):
    play, path, shots, _ = filmed

    for shot in of_kind(shots, "closeup"):
        for frame in range(shot.start, shot.stop):
            assert not path.shows(play.ball[frame].astype(float), frame)
        chest = np.append(play.players[shot.start, shot.player], 1.05)
        assert path.shows(chest.astype(float), shot.start)


def test_a_cut_frame_is_the_same_wherever_rendering_begins():
    video = half_renderer(BUSY, 0, 1)
    cut = of_kind(video.staging.shots, "replay")[0].start
    whole = list(video.frames(cut - 3, cut + 3))

    assert np.array_equal(next(video.frames(cut)), whole[3])
    assert np.array_equal(next(video.frames(cut + 2)), whole[5])


def test_plain_matches_are_one_shot_of_the_main_camera():
    shots = film_half(SyntheticConfig(size=SIZE, minutes=0.5), 0, 1).shots

    assert [(shot.start, shot.stop, shot.kind) for shot in shots] == [(0, 375, "main")]


def test_the_shadow_takes_45_percent_of_the_light_and_the_exposure_gives_half_of_that_back():
    staging = film_half(SyntheticConfig(size=SIZE, minutes=0.5), 0, 1)
    path, seen = staging.path, set()
    # Half of the matches have a shadow.
    for seed in range(12):
        light = Light(staging.play, match_seed=seed, half_seed=2)
        for frame in (0, 200, 370):
            gain = light.gain[frame]
            canvas = Canvas(SIZE, is_color=True)
            canvas.fill(Paint(116, 108, 148))
            light.apply(canvas, path, frame)
            lit = np.unique(canvas.luma).tolist()
            # Black stays: 16 + 100 * gain in the sun, 55 % of that above black in the shadow.
            assert set(lit) <= {round(16 + 100 * gain), round(16 + 55 * gain)}
            # So does gray: a color keeps its hue.
            assert set(np.unique(canvas.chroma[..., 0])) <= {round(128 - 20 * gain), round(128 - 11 * gain)}
            assert set(np.unique(canvas.chroma[..., 1])) <= {round(128 + 20 * gain), round(128 + 11 * gain)}
            seen.add(len(lit))
        # Drift of 12 %, flicker of 5 %, and 1 + 0.5 * 0.45 / 0.55 in full shade.
        assert 0.88 * 0.95 <= light.gain.min()
        assert light.gain.max() <= 1.12 * 1.05 * (1 + 0.225 / 0.55)

    assert seen == {1, 2}


def test_the_foot_of_a_feint_swings_back_and_stops_before_the_ball():
    play = play_half(PlayConfig(feint=1.0), seed=1, num_frames=1500, rate=Fraction(25))
    feint = next(action for action in play.actions if action.kind == "feint" and action.frame > 40)
    frames = slice(feint.frame - 10, feint.frame + 10)
    still = replace(play, speed=np.zeros_like(play.speed))
    far = np.full(play.players.shape[:2], np.inf)
    seconds = far.copy()
    seconds[frames, feint.player] = np.arange(-10, 10) / 25
    points = body_points(still, Poses(far, far, seconds, far, np.zeros(far.shape, bool)), frames)

    foot = points[:, feint.player, 8, :2] - play.players[frames, feint.player]
    facing = play.facing[frames, feint.player]
    ahead = foot[:, 0] * np.cos(facing) + foot[:, 1] * np.sin(facing)
    assert ahead.min() < -0.4
    assert ahead.max() < 0.3  # The ball lies 0.4 m ahead.


def test_the_bodies_of_a_staged_half_give_the_box_of_every_player():
    staging = film_half(BUSY, 0, 1)
    frames = slice(100, 103)
    points = body_points(staging.play, staging.poses, frames)
    xy, scales = staging.path.project(points.reshape(3, -1, 3), frames)
    boxes = xy.reshape(3, -1, 15, 2)[:, :NUM_PLAYERS, :13]
    high = np.ptp(boxes[..., 1], axis=2) / scales.reshape(3, -1, 15)[:, :NUM_PLAYERS, 0]

    assert points.shape == (3, NUM_PLAYERS + 5, 15, 3)
    # From the head's center to the foot: 1.63 of 1.8 m, 1.15 times larger, seen from above.
    standing = high[np.isinf(staging.poses.falls[frames, :NUM_PLAYERS])]
    assert np.all((standing > 1.4) & (standing < 2.2))


def test_aim_has_the_point_in_the_middle_and_the_width_asked_for():
    point = np.array([[10.0, 5.0, 1.0]])
    pan, tilt, focal = aim(point, CAMERA_POSITION, width_m=6.0, size=(112, 192))

    distance = float(np.linalg.norm(point[0] - CAMERA_POSITION))
    assert focal[0] == pytest.approx(192 / 6.0 * distance)
    assert pan[0] == pytest.approx(np.arctan2(10.0, 67.0))
    assert tilt[0] == pytest.approx(np.arctan2(16.0, np.hypot(10.0, 67.0)))


def test_plain_is_what_a_config_is_without_a_preset():
    config = SyntheticConfig(seed=3, minutes=1.0)

    assert with_preset(config, "plain") == config
    assert with_preset(replace(config, task="ball12"), "plain") == replace(config, task="ball12")


def test_broadcast_has_a_smaller_ball_in_a_wider_picture():
    scene = with_preset(SyntheticConfig(), "broadcast").scene

    assert scene.ball_scale / scene.view_width_m < 0.7 * SceneConfig().ball_scale / SceneConfig().view_width_m


def test_officials_and_substitutes_are_in_the_picture_except_in_plain_ball_matches():
    players = [
        film_half(SyntheticConfig(size=SIZE, minutes=0.2, task=task), 0, 1).play.players.shape[1]
        for task in ("ball", "ball12", "action")
    ]

    assert players == [NUM_PLAYERS, NUM_PLAYERS, NUM_PLAYERS + 5]


def test_an_unknown_task_is_refused():
    with pytest.raises(ConfigError, match="task must be ball, ball12 or action, got 'balls'"):
        SyntheticConfig(task="balls")
