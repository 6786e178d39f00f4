"""Action clips: what each label shows, pairs that differ in order only, joints."""

from dataclasses import replace

import numpy as np
import pytest

from bvas import ConfigError
from bvas.synthetic.clip_actions import REVERSED, draw_action
from bvas.synthetic.clip_config import LABELS, ClipSetConfig
from bvas.synthetic.clips import JOINTS, film_clips

BALANCED = ClipSetConfig(matches=3, clips=120, proportions=(1.0,) * 10, seed=4)
SECONDS = np.arange(16) / 10
WITH_BALL = {"dribble", "control", "pass", "header", "throw"}


def actions(label: str, number: int = 30):
    return [draw_action(label, SECONDS, 0.3, np.random.default_rng(seed)) for seed in range(number)]


@pytest.fixture(scope="module")
def match():
    return film_clips(BALANCED, 1)


def clips_of(match, label: str) -> list[int]:
    return [clip for clip, found in enumerate(match.labels) if found == label]


def test_counts_are_spacejams_proportions_to_the_clip():
    assert dict(zip(LABELS, ClipSetConfig(clips=37085).counts(), strict=True)) == {
        "stand": 6490,
        "walk": 11749,
        "run": 5924,
        "dribble": 3490,
        "control": 2362,
        "pass": 3866,
        "header": 712,
        "throw": 426,
        "rise": 996,
        "fall": 1070,
    }
    # 426 / 37085 * 3000 = 34.5, 11749 / 37085 * 3000 = 950.4
    counts = ClipSetConfig().counts()
    assert sum(counts) == 3000
    assert counts[LABELS.index("throw")] in (34, 35)
    assert counts[LABELS.index("walk")] in (950, 951)
    # 426 / 37085 of ten clips is none, and yet every label has a clip.
    assert ClipSetConfig(matches=3, clips=10).counts() == (1,) * 10


def test_every_match_has_its_part_of_every_label():
    config = ClipSetConfig(matches=7, clips=1000)
    labels = config.labels()
    parts = [config.clips_of(match) for match in range(7)]
    assert [len(part) for part in parts] == [143, 143, 143, 143, 143, 143, 142]
    assert [number for part in parts for number in part] == list(range(1000))
    for label, count in zip(LABELS, config.counts(), strict=True):
        shares = [labels[part.start : part.stop].count(label) for part in parts]
        assert sum(shares) == count
        assert max(shares) - min(shares) <= 1, label


def test_walkers_and_runners_differ_in_speed_and_stand_still_otherwise():
    def speeds(label: str):
        steps = [np.diff(action.places, axis=0) * 10 for action in actions(label)]
        return np.array([np.hypot(*step.T) for step in steps])

    assert speeds("stand").max() < 0.51
    assert 0.89 < speeds("walk").min() < speeds("walk").max() < 1.81
    assert 3.79 < speeds("run").min() < speeds("run").max() < 6.21
    assert 1.19 < speeds("dribble").min()


def test_legs_of_one_frame_do_not_tell_walking_from_running():
    reaches = {label: np.array([action.reach[0] for action in actions(label)]) for label in ("walk", "run")}
    # Both have legs that reach as far as those of somebody at 2.2 to 3.8 m/s.
    for values in reaches.values():
        assert ((values > 2.2) & (values < 3.8)).mean() > 0.5


def test_the_ball_is_there_where_the_action_needs_it(match):
    for label in LABELS:
        for clip in clips_of(match, label):
            frames = match.frames(clip)
            ball = match.staging.play.ball[frames].astype(np.float64)
            xy, scales = match.staging.path.project(ball[:, None], frames)
            inside = (scales[:, 0] > 0) & (xy[:, 0] > 0).all(axis=1) & (xy[:, 0] < (128, 176)).all(axis=1)
            assert inside.any() == (label in WITH_BALL), label
            assert not inside.any() or inside.sum() >= 4, label


@pytest.mark.parametrize("label", ["control", "rise"])
def test_a_pair_is_one_action_in_both_directions(label):
    for ahead, back in zip(actions(REVERSED[label]), actions(label), strict=True):
        for name in ("places", "facing", "gait", "ball", "kicks", "falls"):
            assert np.array_equal(getattr(ahead, name)[::-1], getattr(back, name), equal_nan=True), name


def test_control_stops_a_ball_and_pass_sends_one_away():
    for stopped, sent in zip(actions("control"), actions("pass"), strict=True):
        for action, resting in ((stopped, slice(-4, None)), (sent, slice(0, 4))):
            to_player = np.hypot(*(action.ball[:, :2] - action.places).T)
            assert to_player[resting] == pytest.approx(0.55 * 1.15, abs=0.15)
        away = np.hypot(*(sent.ball[-1, :2] - sent.places[-1]))
        assert away > 1.1
        assert np.hypot(*(stopped.ball[0, :2] - stopped.places[0])) == pytest.approx(away)


def test_pictures_of_a_pair_are_those_of_one_clip_backward():
    """The same clip is filmed as a pass and as a control; only the noise of the sensor differs."""
    match = {}
    for label in ("pass", "control"):
        shares = tuple(1.0 if name == label else 1e-9 for name in LABELS)
        match[label] = film_clips(replace(BALANCED, clips=60, proportions=shares), 2)
    pairs = [
        clip
        for clip, labels in enumerate(zip(match["pass"].labels, match["control"].labels, strict=True))
        if set(labels) == {"pass", "control"}
    ]
    # Of 20 clips, at most 4 have another label: 9 in 60.
    assert len(pairs) >= 12
    for clip in pairs[:3]:
        frames = match["pass"].frames(clip)
        one, other = (
            np.stack(list(match[name].renderer().frames(frames.start, frames.stop))).astype(int)
            for name in ("pass", "control")
        )
        # Exposure drifts by a step or two, noise has a deviation of 2.
        assert np.abs(one[::-1] - other).mean() < 4.0
        assert np.abs(one - other).mean() > np.abs(one[::-1] - other).mean()
        joints = match["pass"].joints(clip), match["control"].joints(clip)
        assert np.array_equal(joints[0][::-1], joints[1])


def test_who_falls_lies_at_the_end_and_who_rises_at_the_beginning(match):
    head = JOINTS.index("head")
    feet = [JOINTS.index(name) for name in ("left foot", "right foot")]
    for label, lying, upright in (("fall", -1, 0), ("rise", 0, -1)):
        for clip in clips_of(match, label):
            joints = match.joints(clip)
            heights = joints[:, feet, 1].mean(axis=1) - joints[:, head, 1]
            assert heights[lying] < 0.65 * heights[upright]
            assert heights[upright] > 70


def test_joints_lie_on_the_player(match):
    renderer = match.renderer()
    for label in ("stand", "run", "pass", "fall"):
        clip = clips_of(match, label)[0]
        joints, frames = match.joints(clip), match.frames(clip)
        assert joints.shape == (16, 13, 2)
        assert joints.dtype == np.float32
        pictures = np.stack(list(renderer.frames(frames.start, frames.stop))).astype(int)
        staging = match.staging
        # Without the player, the same frames show the ground.
        players = staging.play.players.copy()
        players[frames, match.actors[clip]] = staging.path.position[frames, :2] - (0.0, 200.0)
        empty_match = replace(match, staging=replace(staging, play=replace(staging.play, players=players)))
        empty = np.stack(list(empty_match.renderer().frames(frames.start, frames.stop))).astype(int)
        differs = abs(pictures - empty) > 6
        on_body = [JOINTS.index(name) for name in ("hip", "head", "left knee", "right foot")]
        for i in range(16):
            for x, y in joints[i, on_body]:
                assert differs[i, max(0, int(y) - 2) : int(y) + 3, max(0, int(x) - 2) : int(x) + 3].any(), (
                    label
                )


def test_the_player_stays_in_the_picture(match):
    for clip in range(len(match.labels)):
        joints = match.joints(clip)
        assert ((joints[:, 0] > (32, 44)) & (joints[:, 0] < (96, 150))).all(), match.labels[clip]
        inside = (joints > 0) & (joints < (128, 176))
        assert inside.all(axis=-1).mean() > 0.97, match.labels[clip]


def test_matches_differ_in_kits_and_camera():
    one, other = (film_clips(BALANCED, number) for number in (0, 1))
    assert not np.allclose(one.staging.path.position[0], other.staging.path.position[0])
    frames = [next(match.renderer().frames(0, 1)) for match in (one, other)]
    assert not np.array_equal(*frames)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"matches": 2}, "matches must be at least 3, one for each split, got 2"),
        ({"clips": 9}, "clips must be at least 10, one for each match and each label, got 9"),
        ({"proportions": (1.0,) * 9}, "proportions must be 10 numbers above 0"),
        ({"proportions": (0.0,) + (1.0,) * 9}, "proportions must be 10 numbers above 0"),
        ({"size": (176, 127)}, "size must be"),
        ({"rate": 4}, "rate must be 5 to 60 frames per second, got 4"),
        ({"keyframe_interval": 0}, "keyframe_interval must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(ClipSetConfig(matches=3), **changes)
