from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from bvas.data.action import ACTION_LABELS
from bvas.synthetic.config import PlayConfig, SyntheticConfig, with_preset
from bvas.synthetic.game import play_half
from bvas.synthetic.officials import FAR_ASSISTANT, NEAR_ASSISTANT, REFEREE, raised_arms, with_officials
from bvas.synthetic.play_record import Phase

RATE = Fraction(25)
EVENTFUL = with_preset(SyntheticConfig(task="action"), "plain").play
# Fouls, offsides and substitutions at every turn.
STOPPED = replace(
    EVENTFUL, tackle=0.4, foul=1.0, trip=0.3, offside=0.8, substitution=0.4, out=0.1, shot=0.3, parry=0.4
)


@pytest.fixture(scope="module")
def plays():
    return [play_half(STOPPED, seed=seed, num_frames=3000, rate=RATE) for seed in (1, 4, 6, 7, 8, 9)]


def incidents(plays, *labels):
    found = [(play, incident) for play in plays for incident in play.incidents if incident.label in labels]
    assert found
    return found


def test_all_labels_of_action_spotting_happen_but_the_cards(plays):
    labels = {incident.label for play in plays for incident in play.incidents}

    # The task keeps its 17 labels; the league has no cards.
    assert set(ACTION_LABELS) - labels == {"Yellow card", "Red card", "Yellow->red card"}
    assert labels <= set(ACTION_LABELS)


def test_a_game_without_them_has_no_penalties_offsides_substitutions_or_feints():
    play = play_half(PlayConfig(), seed=3, num_frames=2000, rate=RATE)

    rare = {"Penalty", "Offside", "Substitution", "Direct free-kick"}
    assert not rare & {incident.label for incident in play.incidents}
    assert [action for action in play.actions if action.kind == "feint"] == []
    assert np.array_equal(play.watched, play.ball)


def test_incidents_of_the_ball_come_with_its_events(plays):
    pairs = {"Goal": "GOAL", "Ball out of play": "OUT", "Throw-in": "THROW IN", "Corner": "CROSS"}
    for play, incident in incidents(plays, *pairs):
        same = [event for event in play.events if event.frame == incident.frame]
        assert (pairs[incident.label], incident.player) in [(event.label, event.player) for event in same]


@pytest.mark.parametrize(
    ("label", "place"), [("Kick-off", (0.0, 0.0)), ("Corner", (52.5, 34.0)), ("Penalty", (41.5, 0.0))]
)
def test_a_restart_is_kicked_from_its_place(plays, label, place):
    for play, incident in incidents(plays, label):
        ball = np.abs(play.ball[incident.frame - 1, :2])
        assert np.hypot(*(ball - place)) < 1.5


def test_at_a_penalty_all_but_taker_and_goalkeeper_are_outside_the_area(plays):
    for play, incident in incidents(plays, "Penalty"):
        side = np.sign(play.ball[incident.frame, 0])
        players = play.players[incident.frame - 1]
        inside = np.flatnonzero((side * players[:, 0] > 52.5 - 16.0) & (np.abs(players[:, 1]) < 20.16))
        assert set(inside.tolist()) <= {0, 11, incident.player}


def test_who_is_offside_stood_behind_the_second_last_opponent_at_the_pass(plays):
    for play, incident in incidents(plays, "Offside"):
        kick = max(event.frame for event in play.events if event.frame < incident.frame)
        opponents = range(11, 22) if incident.player < 11 else range(11)
        keeper = play.players[kick, min(opponents), 0]
        line = np.sort(np.sign(keeper) * play.players[kick, list(opponents), 0])[-2]
        assert np.sign(keeper) * play.players[kick, incident.player, 0] > line


def test_a_free_kick_is_direct_where_it_is_shot_and_after_an_offside_it_is_the_other_team_s(plays):
    for play, incident in incidents(plays, "Direct free-kick", "Indirect free-kick"):
        assert any(event.frame == incident.frame and event.label == "FREE KICK" for event in play.events)
        before = [other for other in play.incidents if other.frame < incident.frame]
        offsides = [other for other in before if other.label in ("Offside", "Foul")]
        assert offsides[-1].team != incident.team


def test_the_referee_raises_an_arm_at_a_foul_and_an_assistant_the_flag_at_an_offside(plays):
    for label, figures in (("Foul", [REFEREE]), ("Offside", [NEAR_ASSISTANT, FAR_ASSISTANT])):
        for play, incident in incidents(plays, label):
            raised = raised_arms(with_officials(play))
            assert raised[incident.frame, figures].sum() == 1
            assert not raised[incident.frame - 1, figures].any()
            assert not raised[:, :22].any()


def test_players_are_substituted_at_the_halfway_line_and_the_camera_goes_there(plays):
    for play, incident in incidents(plays, "Substitution"):
        away = with_officials(play).players[incident.frame] - [0.0, -34.3]
        assert np.hypot(*away[incident.player]) < 1.2
        # The substitute of the same team waits beside the player.
        assert np.hypot(*away[25 + incident.player // 11]) < 2.0
        assert play.watched[incident.frame].tolist() == pytest.approx([0.0, -34.3, 0.0])
        assert play.phase[incident.frame] in (Phase.DEAD, Phase.FREE)


def test_a_feint_does_not_move_the_ball_and_is_not_an_event():
    config = PlayConfig(feint=1.0, dummy=1.0)
    plays = [play_half(config, seed=seed, num_frames=3000, rate=RATE) for seed in range(2)]
    feints = [(play, action) for play in plays for action in play.actions if action.kind == "feint"]
    carried = [(play, action) for play, action in feints if play.phase[action.frame] == Phase.CARRY]

    assert len(carried) > 10
    assert len(feints) - len(carried) > 2
    for play, action in feints:
        around = slice(action.frame - 2, action.frame + 3)
        assert len(set(play.phase[around].tolist())) == 1
        assert len(set(play.owner[around].tolist())) == 1
        assert not [event for event in play.events if abs(event.frame - action.frame) <= 2]
        # Near enough to look like a kick.
        way = (
            play.players[action.frame - 3 : action.frame + 1, action.player] - play.ball[action.frame - 1, :2]
        )
        assert np.hypot(*way.T).min() < 1.5


def test_combinations_are_passes_at_the_first_touch_0_6_to_1_second_apart():
    def quick_share(combination):
        config = PlayConfig(combination=combination, first_touch=0.0)
        play = play_half(config, seed=5, num_frames=2500, rate=RATE)
        kicks = [(e.frame, e.label) for e in play.events if e.label in ("PASS", "DRIVE")]
        quick = [b[0] - a[0] for a, b in pairwise(kicks) if a[1] == b[1] == "PASS"]
        return sum(15 <= gap <= 27 for gap in quick) / len(kicks)

    assert quick_share(0.0) == 0.0
    assert quick_share(0.5) > 0.2
