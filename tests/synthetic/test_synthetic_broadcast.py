from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.synthetic.bodies import Poses, pose
from bvas.synthetic.broadcast import BroadcastConfig
from bvas.synthetic.camera import CAMERA_POSITION, aim
from bvas.synthetic.config import SceneConfig, SyntheticConfig
from bvas.synthetic.director import Shot, direct
from bvas.synthetic.events import NUM_PLAYERS
from bvas.synthetic.half import half_renderer, half_shots, simulate_half
from bvas.synthetic.lighting import Light
from bvas.synthetic.play import play_half
from bvas.synthetic.presets import with_preset
from bvas.synthetic.staging import shown_moments

SIZE = (64, 112)
EVEN_LIGHT = BroadcastConfig(shade=0.0, flicker=0.0, exposure_drift=0.0)
# Cut all the time, so that a short half holds enough of everything.
BUSY = replace(EVEN_LIGHT, replays_per_minute=4.0, closeups_per_minute=4.0, cuts_per_minute=3.0)


def busy_config(task="ball"):
    config = with_preset(SyntheticConfig(size=SIZE, minutes=4.0, seed=2, task=task), "broadcast")
    return replace(config, broadcast=BUSY, scene=replace(config.scene, noise_luma=0.0))


@pytest.fixture(scope="module")
def filmed():
    """The shown play, its path and its shots, and the play as it was played."""
    config = busy_config()
    play, path = simulate_half(config, 0, 1)
    played = play_half(config.play, seed=(2, 0, 1, 0), num_frames=3000, rate=Fraction(25))
    return play, path, half_shots(config, 0, 1), played


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


def test_what_replays_close_ups_and_wipes_hide_is_not_visible_and_the_rest_is_if_the_ball_is_in_the_picture(
    filmed,
):
    play, path, shots, played = filmed
    wipe = 4  # Half of 0.32 s at 25 frames per second.
    hidden = np.zeros(play.num_frames, bool)
    for shot in shots:
        if shot.kind in ("replay", "closeup"):
            margin = wipe if shot.kind == "replay" else 0
            hidden[max(0, shot.start - margin) : shot.stop + margin] = True

    assert [(event.frame, event.label) for event in play.events] == [
        (event.frame, event.label) for event in played.events
    ]
    for event in play.events:
        in_picture = path.shows(played.ball[event.frame].astype(float), event.frame)
        assert event.visible == (not hidden[event.frame] and in_picture)
    assert 0.5 < np.mean([event.visible for event in play.events]) < 1.0


def test_a_close_up_has_the_ball_outside_the_picture_and_its_player_in_it(filmed):
    play, path, shots, _ = filmed

    for shot in of_kind(shots, "closeup"):
        for frame in range(shot.start, shot.stop):
            assert not path.shows(play.ball[frame].astype(float), frame)
        chest = np.append(play.players[shot.start, shot.player], 1.05)
        assert path.shows(chest.astype(float), shot.start)


def test_the_scoreboard_is_absent_in_replays_only():
    config = busy_config()
    video, _ = half_renderer(config, 0, 1)
    shots = half_shots(config, 0, 1)
    upper_edge = (3, slice(5, 15))

    def has_box(kind):
        shot = of_kind(shots, kind)[0]
        return bool((next(video.frames((shot.start + shot.stop) // 2))[upper_edge] == 34).all())

    assert [has_box(kind) for kind in ("main", "second", "closeup", "replay")] == [True, True, True, False]


def test_a_cut_frame_is_the_same_wherever_rendering_begins():
    config = busy_config("action")
    video, _ = half_renderer(config, 0, 1)
    cut = of_kind(half_shots(config, 0, 1), "replay")[0].start
    whole = list(video.frames(cut - 3, cut + 3))

    assert np.array_equal(next(video.frames(cut)), whole[3])
    assert np.array_equal(next(video.frames(cut + 2)), whole[5])


def test_nothing_is_cut_where_every_rate_is_0():
    config = BroadcastConfig(
        replay_after_goal=0.0,
        replay_after_shot=0.0,
        replay_after_foul=0.0,
        replay_after_out=0.0,
        closeup_after_stop=0.0,
        replays_per_minute=0.0,
        closeups_per_minute=0.0,
        cuts_per_minute=0.0,
    )
    play = play_half(SyntheticConfig().play, seed=1, num_frames=1500, rate=Fraction(25))

    assert direct(play, config, 0) == (Shot(start=0, stop=1500, kind="main"),)


def test_the_shadow_takes_its_share_of_the_light_and_the_iris_gives_half_of_that_back():
    config = BroadcastConfig(shade=1.0, shade_depth=0.4, exposure_drift=0.0, flicker=0.0)
    plain = SyntheticConfig(size=SIZE, minutes=0.5)
    play, path = simulate_half(plain, 0, 1)
    light = Light(play, config, match_seed=1, half_seed=2)
    gray = np.full(SIZE, 116, np.uint8)

    # Black stays: 16 + 100 * gain outside the shadow, 60 % of that inside; the gain is 1 in full sun and
    # 1 + 0.5 * 0.4 / 0.6 in full shade.
    assert 1.0 <= light.gain.min()
    assert light.gain.max() <= 1.0 + 1 / 3 + 1e-9
    for frame in (0, 200, 370):
        gain = light.gain[frame]
        expected = {round(16 + 100 * gain), round(16 + 60 * gain)}
        assert set(np.unique(light.apply(gray, path, frame)).tolist()) <= expected
    seen = {
        value for frame in range(0, 375, 5) for value in np.unique(light.apply(gray, path, frame)).tolist()
    }
    assert min(seen) < 100
    assert max(seen) > 110


def test_a_flicker_goes_around_the_same_mean():
    config = BroadcastConfig(shade=0.0, exposure_drift=0.0, flicker=1.0, flicker_depth=0.05)
    play = play_half(SyntheticConfig().play, seed=1, num_frames=2000, rate=Fraction(25))

    gain = Light(play, config, match_seed=3, half_seed=4).gain

    assert gain.mean() == pytest.approx(1.0, abs=0.002)
    assert (gain.min(), gain.max()) == pytest.approx((0.95, 1.05), abs=0.002)


def test_a_feint_s_foot_swings_back_and_stops_before_the_ball():
    config = with_preset(SyntheticConfig(minutes=2.0, seed=4), "broadcast")
    play = play_half(replace(config.play, feint=1.0), seed=1, num_frames=1500, rate=Fraction(25))
    feint = next(action for action in play.actions if action.kind == "feint" and action.frame > 40)
    frames = slice(feint.frame - 10, feint.frame + 10)
    still = replace(play, speed=np.zeros_like(play.speed))
    seconds = np.full(play.players.shape[:2], np.inf)
    seconds[frames, feint.player] = np.arange(-10, 10) / 25
    far = np.full_like(seconds, np.inf)
    with_it = pose(still, frames, Poses(far, far, seconds), 1.0)

    foot = with_it.points[:, feint.player, 8, :2] - play.players[frames, feint.player]
    facing = play.facing[frames, feint.player]
    ahead = foot[:, 0] * np.cos(facing) + foot[:, 1] * np.sin(facing)
    assert ahead.min() < -0.4
    assert ahead.max() < 0.3  # The ball lies 0.4 m ahead.


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


def test_officials_are_drawn_and_plain_ball_matches_have_none():
    players = [
        simulate_half(SyntheticConfig(size=SIZE, minutes=0.2, task=task), 0, 1)[0].players.shape[1]
        for task in ("ball", "ball12", "action")
    ]

    assert players == [NUM_PLAYERS, NUM_PLAYERS, NUM_PLAYERS + 6]


def test_broadcast_values_are_checked():
    with pytest.raises(ConfigError, match=r"shade_depth is a share in \[0, 1\], got 1.5"):
        BroadcastConfig(shade_depth=1.5)
    with pytest.raises(ConfigError, match="cuts_per_minute must be at least 0"):
        BroadcastConfig(cuts_per_minute=-1.0)
    with pytest.raises(ConfigError, match="replay_seconds must be"):
        BroadcastConfig(replay_seconds=(4.0, 2.0))
    with pytest.raises(ConfigError, match="replay_speed must be at most 1"):
        BroadcastConfig(replay_speed=(0.5, 1.5))
    with pytest.raises(ConfigError, match="task must be ball, ball12 or action"):
        SyntheticConfig(task="balls")
