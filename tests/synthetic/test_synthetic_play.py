from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bvas.data.ball12 import BALL12_LABELS
from bvas.errors import ConfigError
from bvas.synthetic.config import PlayConfig
from bvas.synthetic.game import play_half
from bvas.synthetic.play_record import Phase

RATE = Fraction(25)


@pytest.fixture(scope="module")
def plays():
    return [play_half(PlayConfig(), seed=seed, num_frames=7500, rate=RATE) for seed in range(4)]


def events_of(play, label):
    return [event for event in play.events if event.label == label]


def distance_to_ball(play, frame, player):
    return float(np.hypot(*(play.players[frame, player] - play.ball[frame, :2])))


def starts_pass(play, frame):
    """The ball was at a foot in the frame before, and is nobody's in this one."""
    return play.owner[frame - 1] >= 0 and play.phase[frame] == Phase.FREE


def starts_drive(play, frame):
    """The ball was under control in the frame before, and is carried in this one, by the same player."""
    return (
        play.phase[frame - 1] == Phase.CONTROL
        and play.phase[frame] == Phase.CARRY
        and play.owner[frame - 1] == play.owner[frame]
    )


def test_the_same_seed_plays_the_same_half_and_another_seed_another_one():
    first, again, other = (
        play_half(PlayConfig(), seed=seed, num_frames=500, rate=RATE) for seed in (5, 5, 6)
    )

    assert first.events == again.events
    for name in ("players", "facing", "speed", "gait", "ball", "phase", "owner"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.ball, other.ball)


@pytest.mark.slow
def test_gaps_between_passes_and_drives_are_those_of_real_matches(plays):
    gaps = np.concatenate(
        [
            np.diff([event.frame for event in play.events if event.label in ("PASS", "DRIVE")])
            for play in plays
        ]
    )

    assert len(gaps) > 350
    percentiles = np.percentile(gaps, [1, 5, 25, 50, 75])
    assert np.all(np.abs(percentiles - [7, 15, 26, 39, 65]) <= [3, 4, 4, 5, 10]), percentiles


def test_gaps_hold_in_seconds_at_50_frames_per_second():
    play = play_half(PlayConfig(), seed=1, num_frames=8000, rate=Fraction(50))
    frames = [event.frame for event in play.events if event.label in ("PASS", "DRIVE")]

    assert abs(np.median(np.diff(frames)) / 50 - 39 / 25) < 0.4


def test_a_pass_is_the_first_frame_with_the_ball_off_the_foot(plays):
    for play in plays:
        for event in events_of(play, "PASS"):
            assert starts_pass(play, event.frame)
            assert play.owner[event.frame - 1] == event.player
            assert distance_to_ball(play, event.frame - 1, event.player) < 1.2


def test_the_ball_gets_fast_in_the_frame_of_a_pass(plays):
    for play in plays:
        steps = np.hypot(*np.diff(play.ball[:, :2], axis=0).T) * float(
            RATE
        )  # m/s, step i ends in frame i + 1
        at_pass = np.array([steps[event.frame - 1] for event in events_of(play, "PASS")])
        before = np.array([steps[event.frame - 2] for event in events_of(play, "PASS")])
        assert np.median(at_pass) > 10.0
        assert np.median(before) < 6.5


def test_a_drive_is_the_frame_in_which_a_standing_receiver_starts_to_run(plays):
    speed_at = {-1: [], 10: []}
    for play in plays:
        for event in events_of(play, "DRIVE"):
            assert starts_drive(play, event.frame)
            assert play.owner[event.frame] == event.player
            for offset, speeds in speed_at.items():
                speeds.append(play.speed[min(event.frame + offset, play.num_frames - 1), event.player])

    assert np.median(speed_at[-1]) < 0.5
    assert np.quantile(speed_at[-1], 0.95) < 2.0
    assert np.median(speed_at[10]) > 2.5


def test_every_start_of_a_run_with_the_ball_is_annotated(plays):
    for play in plays:
        starts = np.flatnonzero((play.phase[1:] == Phase.CARRY) & (play.phase[:-1] != Phase.CARRY)) + 1
        assert [event.frame for event in events_of(play, "DRIVE")] == starts.tolist()


@pytest.mark.parametrize("shift", [-2, 2])
def test_labels_shifted_by_two_frames_do_not_fit_the_state(plays, shift):
    for play in plays:
        frames = [event.frame + shift for event in events_of(play, "PASS") if 2 < event.frame < 7400]
        assert not any(starts_pass(play, frame) for frame in frames)
        frames = [event.frame + shift for event in events_of(play, "DRIVE") if 2 < event.frame < 7400]
        assert not any(starts_drive(play, frame) for frame in frames)


def test_all_events_have_known_labels_and_come_in_order_within_the_half(plays):
    for play in plays:
        frames = [event.frame for event in play.events]
        assert frames == sorted(frames)
        assert frames[0] >= 0
        assert frames[-1] < play.num_frames
        assert {event.label for event in play.events} <= set(BALL12_LABELS)
        assert {event.team for event in play.events} == {"home", "away"}


def test_every_kind_of_event_happens_where_the_game_is_made_to_have_it():
    config = PlayConfig(high_pass=1.0, cross=1.0, shot=0.5, tackle=1.0, foul=0.5, dead_ball_seconds=5.0)
    counts: Counter[str] = Counter()
    for seed in (3, 4, 5):
        play = play_half(config, seed=seed, num_frames=6000, rate=Fraction(10))
        counts.update(event.label for event in play.events)

    assert {label for label in BALL12_LABELS if counts[label] == 0} == set()


def test_an_out_is_the_first_frame_with_the_ball_over_the_line(plays):
    for play in plays:
        outside = (np.abs(play.ball[:, 0]) > 52.5) | (np.abs(play.ball[:, 1]) > 34.0)
        for event in events_of(play, "OUT"):
            assert (outside[event.frame - 1], outside[event.frame]) == (False, True)


def test_players_stay_near_the_pitch_and_below_the_speed_of_a_sprinter(plays):
    for play in plays:
        assert np.abs(play.players[..., 0]).max() < 60
        assert np.abs(play.players[..., 1]).max() < 42
        assert play.speed.max() < 11


def test_the_ball_never_jumps(plays):
    for play in plays:
        assert np.hypot(*np.diff(play.ball[:, :2], axis=0).T).max() * float(RATE) < 45.0


def test_probabilities_and_times_are_checked():
    with pytest.raises(ConfigError, match="tackle"):
        PlayConfig(tackle=1.2)
    with pytest.raises(ConfigError, match="dead_ball_seconds"):
        replace(PlayConfig(), dead_ball_seconds=1.0)
