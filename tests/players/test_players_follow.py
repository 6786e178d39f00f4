"""Drawn boxes followed through a video: names, a player drawn again, damage."""

import numpy as np
import pytest
from video_samples import damage

from bvas import DecodeError
from bvas.players.follow_players import follow_players
from bvas.players.rois import Roi
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

NUM_FRAMES = 60


def box_at(frame):
    return (10.0 + frame, 20.0, 24.0, 40.0)


@pytest.fixture
def video(tmp_path):
    """A patch of noise moves to the right by a pixel a frame, over a gray ground with faint noise."""
    rng = np.random.default_rng(0)
    ground = rng.integers(100, 130, (96, 128, 3)).astype(np.uint8)
    patch = rng.integers(0, 256, (8, 5, 3)).astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)[:, :24]
    path = tmp_path / "a.mp4"
    with VideoWriter(path, size=(96, 128), rate=25, crf=8, keyframe_interval=15) as writer:
        for frame in range(NUM_FRAMES):
            picture = ground.copy()
            picture[20:60, 10 + frame : 34 + frame] = patch
            writer.write(picture)
    return path


def roi(frame, name=""):
    return Roi(box=box_at(frame), seconds=frame / 25, name=name)


def test_a_box_is_followed_from_its_frame_to_the_end(video):
    found = follow_players(build_index(video)[0], [roi(10, "Ann")])
    ((track, name),) = found.tracks
    assert (track.number, name, found.lost) == (1, "Ann", ())
    assert track.frames.tolist() == list(range(10, NUM_FRAMES))
    assert np.allclose(track.seconds, np.arange(10, NUM_FRAMES) / 25)
    assert np.allclose(track.boxes[:, 0], 10 + track.frames, atol=3)


def test_boxes_of_one_name_are_one_player(video):
    found = follow_players(
        build_index(video)[0], [roi(0, "Ann"), Roi(box=(90.0, 40.0, 24.0, 40.0), seconds=0.2), roi(30, "Ann")]
    )
    assert [(track.number, name) for track, name in found.tracks] == [(1, "Ann"), (2, "")]
    ann = found.tracks[0][0]
    assert ann.frames.tolist() == list(range(NUM_FRAMES))
    # The second box counts in its frame as it was drawn.
    assert ann.boxes[30].tolist() == list(box_at(30))


def test_lost_frames_are_passed_over_unless_a_box_is_drawn_in_one(video):
    damage(video, range(20, 25))
    index = build_index(video)[0]
    ((track, _),) = follow_players(index, [roi(0)]).tracks
    lost = sorted({*range(NUM_FRAMES)} - {*track.frames.tolist()})
    assert lost
    assert lost[0] >= 15
    with pytest.raises(DecodeError, match=rf"frame {lost[0]}, in which a box is drawn, cannot be decoded"):
        follow_players(index, [roi(lost[0])])
    with pytest.raises(DecodeError):
        follow_players(index, [roi(0)], strict=True)


def test_a_player_hidden_behind_another_is_lost_when_they_meet(tmp_path):
    # A red and a blue figure; the blue one stops being drawn where the red one covers it.
    rng = np.random.default_rng(0)
    ground = rng.integers(100, 130, (96, 160, 3)).astype(np.uint8)
    texture = rng.integers(0, 120, (40, 24, 1)).astype(np.uint8).repeat(3, axis=2)
    red, blue = texture.copy(), texture.copy()
    red[..., 0] += 120
    blue[..., 2] += 120
    path = tmp_path / "a.mp4"
    with VideoWriter(path, size=(96, 160), rate=25, crf=8) as writer:
        for frame in range(NUM_FRAMES):
            picture = ground.copy()
            picture[20:60, 80:104] = blue
            right = min(10 + 3 * frame, 80)
            picture[20:60, right : right + 24] = red
            writer.write(picture)
    rois = [Roi(box=(80.0, 20.0, 24.0, 40.0), name="Blue"), Roi(box=(10.0, 20.0, 24.0, 40.0), name="Red")]
    index = build_index(path)[0]
    found = follow_players(index, rois)
    ((blue_track, _), (red_track, _)) = found.tracks
    assert red_track.frames[-1] == NUM_FRAMES - 1
    (lost,) = found.lost
    # They overlap by 0.6 of both from frame 22 on, where 6 of 24 columns are uncovered.
    assert lost.player == 1
    assert lost.seconds == pytest.approx(22 / 25, abs=0.12)
    assert blue_track.seconds[-1] < lost.seconds
