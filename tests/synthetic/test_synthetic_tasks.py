import hashlib
import json
import re
from dataclasses import replace

import pytest

from bvas.cli import main
from bvas.data.action import ACTION_LABELS, action_task
from bvas.data.ball import found_ball_task
from bvas.data.ball12 import BALL12_LABELS, ball12_task
from bvas.data.matches import annotated_halves, find_matches
from bvas.errors import DataError
from bvas.synthetic.config import SyntheticConfig, with_preset
from bvas.synthetic.half_video import film_half
from bvas.synthetic.league import make_league
from bvas.synthetic.league_files import LABELS_2023, LEAGUE_FOLDER, layout_of, match_name

TINY = SyntheticConfig(matches=1, challenge_matches=0, minutes=0.7, size=(64, 96), rate=10)
BALL = with_preset(replace(TINY, minutes=2.0), "broadcast")
_ACTION = with_preset(replace(TINY, task="action", seed=29, challenge_matches=1), "broadcast")
# Shots from anywhere, so that there is a goal in 42 seconds.
ACTION = replace(_ACTION, play=replace(_ACTION.play, shot=0.9, shot_m=60.0, parry=0.0))


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def entries(match, name):
    return json.loads((match / name).read_text())["annotations"]


@pytest.fixture(scope="module")
def leagues(tmp_path_factory):
    """One data root with a league of each task, of one seed each."""
    root = tmp_path_factory.mktemp("root")
    ball = make_league(root, BALL, jobs=1)
    action = make_league(root, ACTION, jobs=1)
    return ball, action


@pytest.mark.slow
def test_one_data_root_holds_leagues_of_several_tasks(leagues):
    ball, action = leagues

    assert ball.root == action.root
    assert {path.name for path in ball.root.iterdir()} == {
        "spotting-ball-2023",
        "action-spotting-2023",
        "synthetic_league.json",
        "synthetic_league_action.json",
    }
    for task, league in ((found_ball_task(), ball), (replace(action_task(), num_folds=1), action)):
        found = find_matches(task, league.root)
        assert [match.folder for match in found] == [*league.matches, *league.challenge_matches]
        assert [half.path.name for half, _ in annotated_halves(found[0], task)] == ["1_64p.mkv", "2_64p.mkv"]


def test_a_match_of_action_spotting_is_named_after_its_day_hour_teams_and_goals(leagues):
    _, action = leagues
    match = action.matches[0]
    goals = [entry["team"] for entry in entries(match, "Labels-v2.json") if entry["label"] == "Goal"]

    assert len(goals) > 0
    assert match.name == (
        f"2019-10-01 - 12-30 Synthetic Albion {goals.count('home')} - {goals.count('away')} Synthetic Borough"
    )
    assert match.parent.relative_to(action.root).as_posix() == "action-spotting-2023/england_efl/2019-2020"
    assert re.fullmatch(
        r"2019-10-02 - 15-00 Synthetic City \d - \d Synthetic Dynamo", action.challenge_matches[0].name
    )
    assert not (action.challenge_matches[0] / "Labels-v2.json").exists()


def test_its_labels_are_the_incidents_those_that_are_hidden_not_shown(leagues):
    _, action = leagues
    written = [
        (
            int(entry["gameTime"][0]),
            entry["label"],
            int(10 * int(entry["position"]) / 1000),
            entry["visibility"],
        )
        for entry in entries(action.matches[0], "Labels-v2.json")
    ]

    assert written == [
        (half, incident.label, incident.frame, "visible" if incident.visible else "not shown")
        for half in (1, 2)
        for incident in film_half(ACTION, 0, half).play.incidents
    ]
    assert {label for _, label, _, _ in written} <= set(ACTION_LABELS)
    assert {visibility for _, _, _, visibility in written} == {"visible", "not shown"}


def test_ball_spotting_leaves_out_what_a_cut_hides(leagues):
    ball, _ = leagues
    written = [
        (int(entry["gameTime"][0]), int(10 * int(entry["position"]) / 1000))
        for entry in entries(ball.matches[0], "Labels-ball.json")
    ]
    events = [
        (half, event)
        for half in (1, 2)
        for event in film_half(BALL, 0, half).play.events
        if event.label in LABELS_2023
    ]

    assert written == [(half, event.frame) for half, event in events if event.visible]
    assert 0 < sum(not event.visible for _, event in events) < len(events)


def test_any_number_of_processes_makes_the_same_bytes_and_a_second_call_makes_nothing(leagues, tmp_path):
    _, action = leagues
    calls = []

    made = make_league(tmp_path, ACTION, jobs=2)
    again = make_league(tmp_path, ACTION, jobs=2, progress=calls.append)

    expected = {name: digest for name, digest in digests(action.root).items() if "ball" not in name}
    del expected["synthetic_league.json"]
    assert digests(tmp_path) == expected
    assert calls == [ACTION.num_frames]
    assert [match.name for match in made.matches] == [match.name for match in action.matches]
    assert again == made


def test_a_task_with_12_labels_annotates_the_same_pictures(tmp_path):
    two = make_league(tmp_path, TINY, jobs=1).matches[0]
    made = make_league(tmp_path, replace(TINY, task="ball12"), jobs=1)
    twelve = made.matches[0]
    ((half, annotations), _) = annotated_halves(find_matches(ball12_task(), tmp_path)[0], ball12_task())

    assert half.path == twelve / "1_64p.mkv"
    assert {annotation.label for annotation in annotations} <= set(BALL12_LABELS)
    assert (two / "1_64p.mkv").read_bytes() == (twelve / "1_64p.mkv").read_bytes()
    labels = [(entry["position"], entry["label"]) for entry in entries(twelve, "Labels-ball.json")]
    assert {label for _, label in labels} <= set(BALL12_LABELS)
    merged = [(position, LABELS_2023[label]) for position, label in labels if label in LABELS_2023]
    assert merged == [(entry["position"], entry["label"]) for entry in entries(two, "Labels-ball.json")]


def test_a_league_of_another_version_is_refused(tmp_path):
    config = replace(TINY, minutes=0.05)
    make_league(tmp_path, config, jobs=1)
    path = tmp_path / "synthetic_league.json"
    content = json.loads(path.read_text())
    del content["play"]["feint"]
    path.write_text(json.dumps({**content, "crf": 20}))

    # Its pictures would not be those of the matches that are missing.
    with pytest.raises(DataError, match=r"another config \(other: crf, play\); choose another folder"):
        make_league(tmp_path, config, jobs=1)


def test_names_with_scores_are_unique_and_found_again(tmp_path):
    layout = layout_of("action")
    names = [layout.match_name(number, (2, 1)) for number in range(300)]

    assert len(set(names)) == 300
    assert names == sorted(names)
    (tmp_path / layout.folder / names[17]).mkdir(parents=True)
    assert layout.find_match(tmp_path, 17) == tmp_path / layout.folder / names[17]
    assert layout.find_match(tmp_path, 18) is None
    (tmp_path / LEAGUE_FOLDER / match_name(3)).mkdir(parents=True)
    assert layout_of("ball").find_match(tmp_path, 3) == tmp_path / LEAGUE_FOLDER / match_name(3)
    assert layout_of("ball12").find_match(tmp_path, 3) is None


def test_the_command_makes_a_preset_and_a_task(tmp_path, capsys):
    arguments = [
        "--matches",
        "1",
        "--minutes",
        "0.1",
        "--size",
        "64x96",
        "--fps",
        "10",
        "--jobs",
        "1",
        "--quiet",
    ]
    command = ["--out", str(tmp_path), *arguments, "--task", "action", "--preset", "broadcast"]

    assert main(["data", "synth", *command, "--gray", "--sound"]) == 0
    assert len(list(tmp_path.rglob("Labels-v2.json"))) == 1
    content = json.loads((tmp_path / "synthetic_league_action.json").read_text())
    assert (content["task"], content["broadcast"]) == ("action", True)
    assert (content["color"], content["sound"]) == (False, True)
    assert main(["data", "synth", *command[:-1], "plain"]) == 2
    assert "another config (other: broadcast, color, play, scene, sound)" in capsys.readouterr().err
