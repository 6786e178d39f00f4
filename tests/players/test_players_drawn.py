"""Players chosen by hand: a drawn box takes the nearest track."""

import numpy as np
import pytest
from track_samples import track_of
from video_samples import make_video

from bvas import ConfigError
from bvas.players.drawn_players import check_rois, chosen_tracks, group_rois
from bvas.players.rois import Roi
from bvas.video.index.video_index import build_index

LEFT, RIGHT = [5, 10, 10, 20], [40, 10, 10, 20]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return build_index(make_video(tmp_path_factory.mktemp("video") / "a.mp4"))[0]


def roi(box, seconds=0.0, name=""):
    return Roi(box=tuple(box), seconds=seconds, name=name)


def test_a_box_takes_the_track_that_it_overlaps_most(index):
    tracks = [track_of(1, range(60), LEFT), track_of(2, range(60), [12, 10, 10, 20])]
    ((track, name),) = chosen_tracks(tracks, [roi([11, 8, 12, 22], name="Ann")], index)
    assert (track.boxes[0].tolist(), track.number, name) == ([12, 10, 10, 20], 1, "Ann")


def test_a_box_beside_a_player_takes_the_nearest(index):
    tracks = [track_of(1, range(60), LEFT), track_of(2, range(60), RIGHT)]
    ((track, _),) = chosen_tracks(tracks, [roi([52, 10, 10, 20])], index)
    assert track.boxes[0].tolist() == RIGHT


def test_two_boxes_of_a_frame_take_two_tracks(index):
    # Both overlap the left track most; the other one of them takes the one beside.
    near = [9, 10, 10, 20]
    tracks = [track_of(1, range(60), LEFT), track_of(2, range(60), [18, 10, 10, 20])]
    chosen = chosen_tracks(tracks, [roi(near), roi(LEFT)], index)
    assert [track.boxes[0, 0] for track, _ in chosen] == [18, 5]
    assert [track.number for track, _ in chosen] == [1, 2]


def test_the_frame_on_screen_at_the_time_of_the_box_counts(index):
    # 1.3 s lie in frame 32, in which the first track has ended.
    tracks = [track_of(1, range(30), LEFT), track_of(2, range(20, 60), [7, 10, 10, 20])]
    ((track, _),) = chosen_tracks(tracks, [roi(LEFT, 1.3)], index)
    assert track.frames[0] == 20


def test_boxes_of_one_name_unite_their_tracks(index):
    tracks = [track_of(1, range(30), LEFT), track_of(2, range(25, 60), RIGHT)]
    rois = [roi(LEFT, 0.0, "Ann"), roi(RIGHT, 2.0, "Ann")]
    ((track, name),) = chosen_tracks(tracks, rois, index)
    assert name == "Ann"
    assert track.frames.tolist() == list(range(60))
    # In the five frames that both have, the box that was drawn first stays.
    assert track.boxes[:, 0].tolist() == [5] * 30 + [40] * 30
    assert np.array_equal(track.seconds, index.seconds)


def test_boxes_without_a_name_are_of_a_player_each():
    rois = [roi(LEFT), roi(RIGHT, 1.0, "Ann"), roi(RIGHT), roi(LEFT, 0.5, "Ann")]
    assert [(name, [one.seconds for one in drawn]) for name, drawn in group_rois(rois)] == [
        ("", [0.0]),
        ("Ann", [1.0, 0.5]),
        ("", [0.0]),
    ]


def test_boxes_of_two_players_take_two_tracks(index):
    tracks = [track_of(1, range(60), LEFT)]
    rois = [roi(LEFT, 0.0, "Ann"), roi(LEFT, 2.0, "Bo")]
    said = r"5,10,10,20 at 0.00 s \(Ann\) and 5,10,10,20 at 2.00 s \(Bo\) take the same player"
    with pytest.raises(ConfigError, match=said):
        chosen_tracks(tracks, rois, index)


def test_a_box_outside_of_the_picture_is_refused(index):
    check_rois([roi([-5, -5, 10, 20]), roi([63, 47, 10, 20])], index, (48, 64))
    for box in ([64, 0, 10, 20], [0, 48, 10, 20], [-10, 0, 10, 20], [0, -20, 10, 20]):
        with pytest.raises(
            ConfigError, match=r"lies outside of the picture of 64x48; draw it around a player"
        ):
            check_rois([roi(box)], index, (48, 64))


def test_a_box_far_from_all_players_is_refused(index):
    with pytest.raises(ConfigError, match=r"no player was detected near the box 60,30,4,4 at 0.00 s"):
        chosen_tracks([track_of(1, range(60), LEFT)], [roi([60, 30, 4, 4])], index)


def test_more_boxes_than_players_are_refused(index):
    with pytest.raises(ConfigError, match=r"2 boxes drawn at 0.00 s, and 1 player detected there"):
        chosen_tracks([track_of(1, range(60), LEFT)], [roi(LEFT), roi(RIGHT)], index)


def test_a_time_outside_of_the_video_is_refused(index):
    with pytest.raises(ConfigError, match=r"a box is drawn at 2.5 s, and a.mp4 runs from 0 s to 2.400 s"):
        chosen_tracks([track_of(1, range(60), LEFT)], [roi(LEFT, 2.5)], index)
