import json

import pytest

from bvas.cli import main

TRUTH = "".join(f"{frame},1,{10 * frame},20,30,60,1,1,1\n" for frame in range(1, 5))
SWITCHED = "".join(f"{frame},{1 + frame // 3},{10 * frame},20,30,60,0.9,-1,-1,-1\n" for frame in range(1, 5))
TABLE = "frame,seconds,player,name,x,y,width,height,label,confidence\n" + "".join(
    f"{frame},{frame / 25:.3f},{1 + (frame + 1) // 3},,{10 + 10 * frame},20,30,60,{label},0.9\n"
    for frame, label in enumerate(("run", "run", "walk", ""))
)
ACTIONS = "player,from_frame,to_frame,label\n1,0,3,run\n1,3,9,walk\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gt.txt").write_text(TRUTH)
    (tmp_path / "perfect.txt").write_text(TRUTH)
    (tmp_path / "actions.csv").write_text(ACTIONS)
    folder = tmp_path / "players" / "game"
    folder.mkdir(parents=True)
    (folder / "tracks.txt").write_text(SWITCHED)
    (folder / "players.csv").write_text(TABLE)
    return tmp_path


def score(*words):
    return main(["players", "score", *words])


def test_sequences_are_scored_each_and_together(place, capsys):
    code = score("--tracks", "perfect.txt", "players/game", "--truth", "gt.txt", "gt.txt")
    assert code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["sequence", "HOTA", "DetA", "AssA", "IDF1", "MOTA", "switches", "FP", "FN"]
    assert lines[1].split() == ["perfect", "1.000", "1.000", "1.000", "1.000", "1.000", "0", "0", "0"]
    # A switch in the middle of four frames: HOTA is the root of 1 * 1/2.
    assert lines[2].split() == ["game", "0.707", "1.000", "0.500", "0.500", "0.750", "1", "0", "0"]
    # 4 matches with association 1 and 4 with 1/2: AssA 3/4. 6 of 8 boxes agree.
    assert lines[3].split() == ["combined", "0.866", "1.000", "0.750", "0.750", "0.875", "1", "0", "0"]
    assert len(lines) == 4


def test_one_sequence_is_not_combined(place, capsys):
    assert score("--tracks", "perfect.txt", "--truth", "gt.txt") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["sequence", "perfect"]


def test_all_figures_are_written(place):
    command = ["--tracks", "players/game", "perfect.txt", "--truth", "gt.txt", "gt.txt", "--json", "all.json"]
    assert score(*command) == 0
    held = json.loads((place / "all.json").read_text())
    game, perfect = held["sequences"]
    assert (game["name"], game["tracks"], game["truth"]) == ("game", "players/game", "gt.txt")
    assert (game["IDSW"], game["IDTP"], game["AssA"]) == (1, 2, 0.5)
    assert perfect["by_alpha"]["HOTA"] == [1.0] * 19
    assert held["combined"]["true_boxes"] == 8


def test_actions_of_matched_players_are_scored(place, capsys):
    command = ["--tracks", "players/game", "--truth", "gt.txt", "--actions", "actions.csv"]
    assert score(*command, "--json", "all.json") == 0
    lines = capsys.readouterr().out.splitlines()
    # True: run, run, run, walk. Found: run, run, walk, none. run has F1 2*2 / (3 + 2), walk 0.
    assert lines[0].split()[-2:] == ["action", "F1"]
    assert lines[1].split()[-1] == "0.400"
    assert lines[4].split() == ["run", "1.000", "0.667", "0.800", "3"]
    assert lines[5].split() == ["walk", "0.000", "0.000", "0.000", "0"]
    assert "macro F1 0.4000 over 3 pairs" in lines[6]
    assert "without a label found 1" in lines[6]
    actions = json.loads((place / "all.json").read_text())["sequences"][0]["actions"]
    assert actions["confusion"] == [[2, 1], [0, 0]]


def test_files_of_one_name_are_named_by_their_paths(place, capsys):
    (place / "other").mkdir()
    (place / "other" / "perfect.txt").write_text(TRUTH)
    assert score("--tracks", "perfect.txt", "other/perfect.txt", "--truth", "gt.txt", "gt.txt") == 0
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["sequence", "perfect.txt", "other/perfect.txt", "combined"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tracks", "perfect.txt", "--truth", "gt.txt", "gt.txt"], "got 1 file of tracks, 2 of truth"),
        (["--tracks", "none.txt", "--truth", "gt.txt"], "no file none.txt"),
        (["--tracks", "players", "--truth", "gt.txt"], "players holds no tracks.txt; give a MOT file"),
        (
            ["--tracks", "perfect.txt", "--truth", "gt.txt", "--actions", "actions.csv"],
            "no file players.csv, which holds the actions found; give a results folder",
        ),
    ],
)
def test_files_that_do_not_fit_are_named(place, capsys, words, message):
    assert score(*words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("player,from_frame,label\n1,0,run\n", "line 1 lacks the column 'to_frame'"),
        (ACTIONS + "1,4,4,run\n", "line 4: to_frame is 4, and must lie after from_frame, 4"),
        (ACTIONS + "1,8,12,run\n", "line 4: player 1 begins an action in frame 8, inside the one of line 3"),
        (ACTIONS + "1.5,9,12,run\n", "line 4: player is 1.5; write a whole number"),
        (ACTIONS + "1,-1,12,run\n", "line 4: from_frame is -1; write a whole number"),
    ],
)
def test_wrong_actions_are_named(place, capsys, text, message):
    (place / "actions.csv").write_text(text)
    assert score("--tracks", "players/game", "--truth", "gt.txt", "--actions", "actions.csv") == 2
    assert message in capsys.readouterr().err


def test_a_player_with_two_boxes_in_a_frame_of_the_table_is_named(place, capsys):
    lines = TABLE.splitlines()
    (place / "players" / "game" / "players.csv").write_text("\n".join([*lines, lines[2]]))
    assert score("--tracks", "players/game", "--truth", "gt.txt", "--actions", "actions.csv") == 2
    assert "line 6: player 1 has a box in frame 1 already" in capsys.readouterr().err
