"""Corrections of players by hand, on tracks of a few frames at 10 a second."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bvas.errors import DataError
from bvas.players.corrections import (
    Merge,
    PlayersCorrections,
    Relabel,
    Remove,
    Rename,
    Split,
    Swap,
    apply_corrections,
    read_corrections,
    tracks_fingerprint,
)
from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.tracking.tracks import Track


def player(number, frames, actions=(), name=""):
    """Boxes (frame, number, 10, 20); an action is (seconds, label)."""
    frames = np.array(frames)
    boxes = np.stack([frames, 0 * frames + number, 0 * frames + 10, 0 * frames + 20], axis=1)
    track = Track(
        number=number,
        frames=frames,
        seconds=frames / 10,
        boxes=boxes.astype(np.float64),
        scores=np.full(len(frames), number / 10, np.float32),
    )
    made = tuple(PlayerAction(seconds=seconds, label=label, confidence=0.5) for seconds, label in actions)
    return Player(track=track, name=name, actions=made)


def result(*players):
    return PlayersResult(
        path=Path("clips/game.mp4"),
        size=(90, 160),
        num_frames=20,
        players=players,
        labels=("run", "pass", "shoot"),
        every=0.4,
    )


# Player 1 in frames 0 to 9, 2 in 0 to 19, 3 in 8 to 14.
GAME = result(
    player(1, range(10), [(0.2, "run"), (0.6, "pass")], "Ann"),
    player(2, range(20), [(0.2, "run"), (0.6, "run"), (1.0, "shoot"), (1.4, "run")]),
    player(3, range(8, 15), [(1.0, "pass")], "Bea"),
)


def corrected(*edits, game=GAME):
    return apply_corrections(game, PlayersCorrections(edits=edits))


def owners(game, number):
    """Of each frame of a player, whose box it was at first."""
    found = next(one for one in game.players if one.number == number)
    return dict(zip(found.track.frames.tolist(), found.track.boxes[:, 1].astype(int).tolist(), strict=True))


def actions(game, number):
    found = next(one for one in game.players if one.number == number)
    return [(action.seconds, action.label) for action in found.actions]


def test_merged_players_are_one_and_its_own_boxes_stay_where_both_have_one():
    found = corrected(Merge(player=3, into=1))
    assert [(one.number, one.name) for one in found.players] == [(1, "Ann"), (2, "")]
    assert owners(found, 1) == {frame: 1 if frame < 10 else 3 for frame in range(15)}
    assert actions(found, 1) == [(0.2, "run"), (0.6, "pass"), (1.0, "pass")]
    track = found.players[0].track
    assert track.frames.tolist() == list(range(15))
    assert track.seconds.tolist() == [frame / 10 for frame in range(15)]
    assert track.scores.tolist() == pytest.approx([0.1] * 10 + [0.3] * 5)
    assert track.boxes[12].tolist() == [12, 3, 10, 20]


def test_a_merge_into_the_later_player_takes_the_earlier_s_frames_before_it():
    found = corrected(Merge(player=1, into=3))
    assert owners(found, 3) == {frame: 3 if frame >= 8 else 1 for frame in range(15)}
    # Of both windows at one time the own stays.
    found = corrected(Merge(player=3, into=2))
    assert actions(found, 2)[2] == (1.0, "shoot")
    assert actions(corrected(Merge(player=2, into=3)), 3)[2] == (1.0, "pass")
    # A name moves to a player without one.
    assert found.players[1].name == "Bea"


def test_a_split_makes_a_new_player_without_a_name():
    found = corrected(Split(player=1, frame=6, new=4))
    assert [(one.number, one.name) for one in found.players] == [(1, "Ann"), (2, ""), (3, "Bea"), (4, "")]
    assert owners(found, 1) == dict.fromkeys(range(6), 1)
    assert owners(found, 4) == dict.fromkeys(range(6, 10), 1)
    # The window at 0.6 s has its center in frame 6.
    assert actions(found, 1) == [(0.2, "run")]
    assert actions(found, 4) == [(0.6, "pass")]


def test_swapped_players_exchange_boxes_and_actions_from_the_frame_on_and_keep_their_names():
    found = corrected(Swap(players=(1, 2), frame=5))
    assert owners(found, 1) == {frame: 1 if frame < 5 else 2 for frame in range(20)}
    assert owners(found, 2) == {frame: 2 if frame < 5 else 1 for frame in range(10)}
    assert actions(found, 1) == [(0.2, "run"), (0.6, "run"), (1.0, "shoot"), (1.4, "run")]
    assert actions(found, 2) == [(0.2, "run"), (0.6, "pass")]
    assert [one.name for one in found.players] == ["Ann", "", "Bea"]
    # Twice is none.
    again = corrected(Swap(players=(1, 2), frame=5), Swap(players=(2, 1), frame=5))
    assert list(again.rows()) == list(GAME.rows())
    # One may end where the other goes on.
    found = corrected(Swap(players=(1, 2), frame=10))
    assert (len(owners(found, 1)), len(owners(found, 2))) == (20, 10)
    # From the first frame on: the numbers alone are exchanged.
    assert owners(corrected(Swap(players=(1, 3), frame=0)), 1) == dict.fromkeys(range(8, 15), 3)


def test_names_and_labels_change_and_a_removed_player_is_gone():
    found = corrected(
        Rename(player=2, name="Cleo"),
        Rename(player=1, name=""),
        Relabel(player=2, seconds=1.0004, label="pass"),
    )
    assert [one.name for one in found.players] == ["", "Cleo", "Bea"]
    changed = found.players[1].actions[2]
    assert changed == PlayerAction(seconds=1.0, label="pass", confidence=None)
    assert [action.confidence for action in found.players[1].actions] == [0.5, 0.5, None, 0.5]
    assert [one.number for one in corrected(Remove(player=2)).players] == [1, 3]
    assert corrected(Remove(player=1), Remove(player=2), Remove(player=3)).players == ()


def test_edits_see_the_players_as_those_before_left_them():
    found = corrected(
        Swap(players=(1, 2), frame=5),
        Split(player=1, frame=12, new=4),
        Merge(player=4, into=3),
        Relabel(player=3, seconds=1.4, label="shoot"),
        Rename(player=3, name="Dee"),
    )
    assert owners(found, 1) == {frame: 1 if frame < 5 else 2 for frame in range(12)}
    assert owners(found, 3) == {frame: 3 if frame < 15 else 2 for frame in range(8, 20)}
    assert actions(found, 3) == [(1.0, "pass"), (1.4, "shoot")]
    assert len(GAME.players[0].track.frames) == 10  # the given result stays


def test_an_action_outside_of_its_track_belongs_to_the_nearest_frame():
    # Of a gap between frames 3 and 8, whose middle is 0.55 s, and of two as near the earlier.
    gap = result(player(1, [0, 1, 2, 3, 8, 9], [(0.4, "run"), (0.55, "pass"), (0.56, "shoot"), (1.9, "run")]))
    found = corrected(Split(player=1, frame=5, new=2), game=gap)
    assert actions(found, 1) == [(0.4, "run"), (0.55, "pass")]
    assert actions(found, 2) == [(0.56, "shoot"), (1.9, "run")]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Merge(player=9, into=1), "no player 9 at this point; players are 1, 2, 3"),
        (Merge(player=1, into=1), "two players are needed, and both are 1"),
        (Split(player=1, frame=20, new=4), "frame 20 is outside of the video, whose last is 19"),
        (Split(player=3, frame=8, new=4), "player 3 has no box before frame 8; it is in frames 8 to 14"),
        (Split(player=1, frame=10, new=4), "player 1 has no box from frame 10 on; it is in frames 0 to 9"),
        (Split(player=1, frame=5, new=3), "number 3 is or was that of a player; the next free one is 4"),
        (Swap(players=(1, 3), frame=15), "players 1 and 3 have no box from frame 15 on"),
        (Swap(players=(1, 3), frame=20), "frame 20 is outside"),
        (Remove(player=4), "no player 4"),
        (Rename(player=4, name="x"), "no player 4"),
        (Relabel(player=1, seconds=0.7, label="run"), "player 1 has no window with its center at 0.700 s"),
        (
            Relabel(player=1, seconds=0.2, label="rum"),
            "'rum' is not a label of the experiment: run, pass, shoot",
        ),
    ],
)
def test_an_edit_that_contradicts_the_players_is_named_by_its_number(edit, message):
    edits = (Rename(player=1, name="x"), edit)
    with pytest.raises(DataError, match=rf"correction 2 \((\w+)\): {message}"):
        corrected(*edits)


def test_a_player_cannot_lose_all_boxes_in_a_swap():
    game = result(player(1, range(5)), player(2, range(10, 15)))
    with pytest.raises(DataError, match="player 2 would be left without a box; merge the two instead"):
        corrected(Swap(players=(1, 2), frame=7), game=game)


def test_numbers_of_merged_and_removed_players_do_not_come_back():
    with pytest.raises(DataError, match=r"correction 2 \(split\): number 3 is or was"):
        corrected(Remove(player=3), Split(player=1, frame=5, new=3))
    with pytest.raises(DataError, match=r"correction 2 \(name\): no player 3"):
        corrected(Merge(player=3, into=1), Rename(player=3, name="x"))


def test_corrections_of_another_video_or_of_other_tracks_are_refused():
    apply_corrections(GAME, PlayersCorrections(edits=(), video="game.mp4", tracks=tracks_fingerprint(GAME)))
    with pytest.raises(DataError, match=r"the corrections: made for other\.mp4, not for game\.mp4"):
        apply_corrections(GAME, PlayersCorrections(edits=(), video="other.mp4"))
    other = replace(GAME, players=GAME.players[:2])
    with pytest.raises(DataError, match=r"made for other tracks of game\.mp4"):
        apply_corrections(other, PlayersCorrections(edits=(), tracks=tracks_fingerprint(GAME)))
    # Rounded boxes and names are no other tracks.
    track = replace(GAME.players[0].track, boxes=GAME.players[0].track.boxes + 0.01)
    rounded = replace(GAME, players=(replace(GAME.players[0], track=track, name=""), *GAME.players[1:]))
    assert tracks_fingerprint(rounded) == tracks_fingerprint(GAME)


ENTRIES = [
    ({"edit": "merge", "player": 3, "into": 1}, Merge(player=3, into=1)),
    ({"edit": "split", "player": 2, "frame": 7, "new": 4}, Split(player=2, frame=7, new=4)),
    ({"edit": "swap", "players": [1, 2], "frame": 0}, Swap(players=(1, 2), frame=0)),
    ({"edit": "name", "player": 1, "name": " LeBron "}, Rename(player=1, name="LeBron")),
    ({"edit": "name", "player": 1, "name": ""}, Rename(player=1, name="")),
    ({"edit": "remove", "player": 1}, Remove(player=1)),
    (
        {"edit": "relabel", "player": 1, "seconds": 0.2, "label": "run"},
        Relabel(player=1, seconds=0.2, label="run"),
    ),
]


def write(path, entries, **more):
    head = {"format": "bvas-players-corrections-1", "video": "game.mp4", "tracks": "00"}
    path.write_text(json.dumps(head | {"corrections": entries} | more))
    return path


def test_a_file_is_read_in_its_order(tmp_path):
    path = write(tmp_path / "c.json", [entry for entry, _ in ENTRIES])
    found = read_corrections(path)
    assert found.edits == tuple(edit for _, edit in ENTRIES)
    assert (found.video, found.tracks, found.path) == ("game.mp4", "00", path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"edit": "join", "player": 1},
            "needs 'edit', one of merge, split, swap, name, remove, relabel; got 'join'",
        ),
        (7, "needs 'edit'"),
        ({"edit": "merge", "player": 1}, "needs 'into', the number of a player, from 1 up, got nothing"),
        ({"edit": "remove", "player": 0}, "needs 'player', the number of a player, from 1 up, got 0"),
        ({"edit": "split", "player": 1, "frame": 1.5, "new": 2}, "needs 'frame', a whole number from 0 up"),
        ({"edit": "swap", "players": [1], "frame": 0}, "needs 'players', the numbers of two players"),
        ({"edit": "remove", "player": 1, "frame": 3}, "unknown key 'frame'"),
        ({"edit": "name", "player": 1, "name": "a\nb"}, "needs 'name', a text of one line"),
    ],
)
def test_a_wrong_entry_is_named_by_its_number(tmp_path, entry, message):
    path = write(tmp_path / "c.json", [{"edit": "remove", "player": 1}, entry])
    with pytest.raises(DataError, match=f"correction 2: {message}"):
        read_corrections(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_corrections(tmp_path / "none.json")
    with pytest.raises(DataError, match="not 'bvas-players-corrections-1'"):
        read_corrections(write(tmp_path / "c.json", [], format="bvas-corrections-1"))
