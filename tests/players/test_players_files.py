import csv
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from player_samples import result_of, track_of
from video_samples import make_video

from bvas.errors import ConfigError, DataError
from bvas.players.player_files import check_same_video, read_players, read_record, record_of, write_players
from bvas.players.players_result import Player, PlayerAction
from bvas.video.container.read_options import ReadOptions, source_of


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    # Steps of 1001/30000 s need more digits than three.
    return make_video(
        tmp_path_factory.mktemp("video") / "game.mp4", num_frames=40, rate=Fraction(30000, 1001)
    )


@pytest.fixture
def written(video, tmp_path):
    """A folder of players and what was written there."""
    result = result_of(video, names=('Ann "the wall"', "Ayşe, Öz\nUçan"))
    record = record_of(
        video, reading=ReadOptions(tone="none"), settings={"detector_stride": 0.08, "top": [1]}
    )
    out = tmp_path / "players" / "game"
    write_players(out, result, record)
    return out, result, record


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def fields(result):
    names = ("path", "size", "num_frames", "labels", "every", "experiment", "detector")
    return [getattr(result, name) for name in names]


def test_what_was_written_is_read_again(written):
    out, result, record = written

    found = read_players(out)

    assert fields(found) == fields(result)
    for one, other in zip(found.players, result.players, strict=True):
        assert (one.number, one.name, one.actions) == (other.number, other.name, other.actions)
        np.testing.assert_array_equal(one.track.frames, other.track.frames)
        np.testing.assert_allclose(one.track.seconds, other.track.seconds, atol=5.1e-7)
        # Boxes of two decimals come back as they were.
        np.testing.assert_array_equal(one.track.boxes, other.track.boxes)
        np.testing.assert_array_equal(one.track.scores, other.track.scores)
    assert [(row.label, row.confidence) for row in found.rows()] == [
        (row.label, row.confidence) for row in result.rows()
    ]
    assert read_record(out) == record
    assert record.rate == Fraction(30000, 1001)


def test_reading_and_writing_again_gives_the_same_files(written, tmp_path):
    out, _, _ = written
    write_players(tmp_path / "again", read_players(out), read_record(out))
    for path in sorted(out.iterdir()):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name
    assert [path.name for path in sorted(out.iterdir())] == ["players.csv", "players.json", "tracks.txt"]


def test_the_table_has_fixed_decimals_and_an_empty_cell_where_there_is_no_label(video, tmp_path):
    result = result_of(video, names=("",))
    player = Player(
        track=track_of(7, [2, 3, 5], np.arange(40) / 25, [[1, 2.345, 30, 4.5]] * 3),
        name="Zoë, 9",
        actions=(
            PlayerAction(seconds=0.1, label="pass", confidence=0.98765),
            PlayerAction(seconds=0.22, label="shoot", confidence=None),
        ),
    )
    write_players(tmp_path, replace(result, players=(player,), every=0.04), record_of(video))
    assert (tmp_path / "players.csv").read_text(encoding="utf-8").splitlines() == [
        "frame,seconds,player,name,x,y,width,height,label,confidence",
        '2,0.080000,7,"Zoë, 9",1.00,2.35,30.00,4.50,pass,0.9877',
        '3,0.120000,7,"Zoë, 9",1.00,2.35,30.00,4.50,pass,0.9877',
        '5,0.200000,7,"Zoë, 9",1.00,2.35,30.00,4.50,shoot,',
    ]
    # MOTChallenge's frames count from 1.
    assert [line.split(",")[:2] for line in (tmp_path / "tracks.txt").read_text().splitlines()] == [
        ["3", "7"],
        ["4", "7"],
        ["6", "7"],
    ]


def test_the_rows_are_in_order_of_frames_then_of_numbers_and_their_times_give_the_frames(written):
    out, result, _ = written
    with (out / "players.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [(int(row["frame"]), int(row["player"])) for row in rows]
    assert keys == [(frame, player) for frame in range(40) for player in (1, 2)]
    assert [round(float(row["seconds"]) * 30000 / 1001) for row in rows] == [frame for frame, _ in keys]
    assert {row["name"] for row in rows} == {player.name for player in result.players}


def test_players_json_states_the_video_and_each_player(written, video):
    out, result, record = written
    content = json.loads((out / "players.json").read_text(encoding="utf-8"))
    assert content["format"] == "bvas-players-1"
    assert content["video"] == {"path": str(video), "tone": "none"}
    assert content["made_from"]["sha256"] == record.made_from.sha256
    assert (content["size"], content["num_frames"], content["rate"]) == ([48, 80], 40, "30000/1001")
    first, last = content["players"]
    assert (first["number"], first["frames"], first["from_seconds"]) == (1, 40, 0.0)
    assert last["to_seconds"] == pytest.approx(39 * 1001 / 30000)
    assert [action["label"] for action in last["actions"]] == [one.label for one in result.players[1].actions]


def test_a_video_without_players_is_read_again(video, tmp_path):
    result = replace(result_of(video), players=())
    write_players(tmp_path, result, record_of(video))
    assert read_players(tmp_path).players == ()
    assert (tmp_path / "players.csv").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("players.json", "bvas-players-1", "bvas-players-9", "its format is 'bvas-players-9', not"),
        ("players.json", '"detector": ', '"detektor": ', "detektor"),
        ("players.json", '"num_frames": 40', '"num_frames": "many"', "num_frames"),
        ("players.json", '"num_frames": 40', '"num_frames": 0', "at least 1"),
        ("players.json", '"number": 2', '"number": 1', "must rise, each once"),
        ("players.json", '"confidence": 0.', '"confidence": 7.', r"player 1 must lie in \[0, 1\], got 7"),
        ("players.json", '"from_seconds": 0.0', '"from_seconds": NaN', "times of player 1 must be finite"),
        (
            "players.json",
            '"label": "pass"',
            '"label": "dance"',
            "has the action 'dance', which is not one of labels",
        ),
        ("players.json", '"seconds": 0.', '"seconds": 9.', "actions of player 1 must be in order of time"),
        ("players.json", '"every": 0.2', '"every": -1', "every must be"),
        ("players.json", '"30000/1001"', '"fast"', "fast"),
        ("players.json", '"frames": 40', '"frames": 39', "40 frames of player 1, and players.json 39"),
        ("players.json", '"number": 2', '"number": 3', "has 0 frames of player 3"),
        ("tracks.txt", "1,1,", "1,-1,", "identity is -1"),
        ("tracks.txt", "\n40,2,", "\n41,2,", "line 80: frame is 41"),
        ("players.csv", "frame,", "Frame,", "line 1 must be frame,seconds"),
        ("players.csv", "\n3,", "\nthree,", "invalid literal"),
        ("players.csv", "\n3,", "\n40,", "frame is 40, and the video has 40 frames"),
    ],
)
def test_a_fault_is_named_with_its_file(written, name, old, new, message):
    out, _, _ = written
    change(out / name, old, new)
    with pytest.raises(DataError, match=message) as raised:
        read_players(out)
    assert str(out) in str(raised.value)


def test_a_frame_whose_time_is_nowhere_is_named(written):
    out, _, _ = written
    change(out / "players.csv", "\n12,", "\n13,")
    change(out / "players.csv", "\n12,", "\n13,")
    with pytest.raises(DataError, match=r"has frame 13, and players\.csv has no row of frame 12"):
        read_players(out)


@pytest.mark.parametrize("name", ["players.json", "players.csv", "tracks.txt"])
def test_a_missing_file_is_named(written, name):
    out, _, _ = written
    (out / name).unlink()
    with pytest.raises(DataError, match=f"no file .*{name}"):
        read_players(out)


def test_a_folder_of_another_video_is_refused(written, video, tmp_path):
    out, _, _ = written
    check_same_video(out, source_of(video))
    check_same_video(tmp_path / "new", source_of(video))

    other = make_video(tmp_path / "other.mp4", num_frames=5)
    with pytest.raises(DataError, match=r"holds the results of .*game\.mp4, another recording than .*other"):
        check_same_video(out, source_of(other))
    (tmp_path / "moved.mp4").write_bytes(video.read_bytes())
    check_same_video(out, source_of(tmp_path / "moved.mp4"))
    (out / "players.json").unlink()
    with pytest.raises(DataError, match=r"nothing says of which recording; .*--overwrite"):
        check_same_video(out, source_of(video))


def test_a_confidence_that_is_none_is_refused_before_it_is_written(video, tmp_path):
    result = result_of(video, names=("",))
    actions = (PlayerAction(seconds=0.1, label="pass", confidence=1.5),)
    player = replace(result.players[0], actions=actions)
    with pytest.raises(ConfigError, match="must lie in"):
        write_players(tmp_path, replace(result, players=(player,)), record_of(video))
    assert list(tmp_path.iterdir()) == []
