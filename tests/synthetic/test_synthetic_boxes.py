"""True boxes and actions of the players of a match, and their files."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bvas.cli import main
from bvas.synthetic.camera import follow_ball
from bvas.synthetic.clip_config import LABELS
from bvas.synthetic.config import PlayConfig, SceneConfig, SyntheticConfig, with_preset
from bvas.synthetic.game import play_half
from bvas.synthetic.half_video import film_half, simulate_half
from bvas.synthetic.league import make_league
from bvas.synthetic.officials import with_officials
from bvas.synthetic.play_record import NUM_PLAYERS, Phase, Play, PlayerAction
from bvas.synthetic.player_actions import frame_labels, true_actions
from bvas.synthetic.player_boxes import true_boxes
from bvas.synthetic.player_truth import add_player_truth
from bvas.synthetic.render import Renderer
from bvas.synthetic.shots import Shot
from bvas.synthetic.staging import shown_moments, stage
from bvas.tracking.mot_files import read_tracks, read_truth
from bvas.values.boxes import box_overlaps

SIZE = (180, 320)
MAIN = (Shot(start=0, stop=75, kind="main"),)
# Smooth edges fade out within this many pixels of the box; what is clearly seen ends sooner.
FAINT_PX, CLEAR_PX = 2.3, 1.6
TINY = SyntheticConfig(matches=1, challenge_matches=1, minutes=0.04, size=(64, 112))


class BodiesOnly(Renderer):
    """No shadows, no blur, no noise."""

    def _draw_shadows(self, *_):
        pass

    def _expose(self, *_):
        pass


def filmed(play, size=SIZE, shots=None):
    path = follow_ball(play, SceneConfig(), size=size, seed=1)
    shots = shots or (Shot(start=0, stop=play.num_frames, kind="main"),)
    return stage(play, path, shots, None)


@pytest.fixture(scope="module")
def staging():
    return filmed(play_half(PlayConfig(), seed=3, num_frames=200, rate=Fraction(25)))


class Pictures:
    """One frame, with or without a player; a pixel changes where that player is seen."""

    def __init__(self, staging, frame):
        self._renderer = BodiesOnly(staging, SceneConfig(), look_seed=2, noise_seed=0)
        self._play, self._frame = staging.play, frame
        self._whole = self._draw()

    def edges_drawn(self, player, share):
        """Return left, upper, right and lower edge of the pixels that change by more than a share of the most."""
        players = self._play.players.copy()
        players[self._frame, player] = (0.0, -300.0)
        self._renderer._play = replace(self._play, players=players)
        change = np.abs(self._whole - self._draw())
        y, x = np.nonzero(change > share * change.max())
        return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])

    def _draw(self):
        return next(self._renderer.frames(self._frame, self._frame + 1)).astype(int)


def outside(box, edges):
    """Return by how many pixels the edges lie outside of a box on each side."""
    x, y, width, height = box
    return np.array([x - edges[0], y - edges[1], edges[2] - x - width, edges[3] - y - height])


@pytest.mark.parametrize("frame", [3, 90, 199])
def test_a_box_holds_what_is_drawn_of_its_player_and_ends_there(staging, frame):
    found = list(true_boxes(staging))[frame]
    overlaps = box_overlaps(found.boxes, found.boxes).sum(axis=1)
    pictures, num_alone = Pictures(staging, frame), 0

    rows = zip(found.players, found.boxes, found.visible, overlaps, strict=True)
    for player, box, visible, overlap in rows:
        faint, clear = (pictures.edges_drawn(player, share) for share in (0.0, 0.4))
        assert (outside(box, faint) <= FAINT_PX).all()
        assert (outside(box, clear) <= CLEAR_PX).all()
        if overlap == visible == 1.0:
            num_alone += 1
            assert (outside(box, faint) >= -1.0).all()
    assert num_alone >= 3


@pytest.mark.parametrize("kind", ["second", "replay", "closeup"])
def test_boxes_are_right_in_every_kind_of_shot(kind):
    play = play_half(PlayConfig(), seed=3, num_frames=100, rate=Fraction(25))
    shot = Shot(start=50, stop=100, kind=kind, player=7, width_m=20.0, view=1, first_shown=10.0, speed=0.5)
    staging = filmed(play, shots=(Shot(start=0, stop=50, kind="main"), shot))
    found = list(true_boxes(staging))[80]
    pictures = Pictures(staging, 80)

    assert len(found.players) > 0
    for player, box in zip(found.players, found.boxes, strict=True):
        assert (outside(box, pictures.edges_drawn(player, 0.4)) <= CLEAR_PX).all()


def test_a_player_who_falls_has_a_low_box_and_a_header_a_high_one(staging):
    play, (upright, *_) = staging.play, list(true_boxes(staging))
    player = int(upright.players[np.argmax(upright.visible)])
    for kind, taller in (("fall", False), ("head", True)):
        acting = replace(play, actions=(PlayerAction(0, player, kind),))
        moved = list(true_boxes(filmed(acting)))[20 if kind == "fall" else 0]
        top, height = moved.boxes[moved.players.tolist().index(player)][[1, 3]]
        row = upright.players.tolist().index(player)
        if taller:
            assert top < upright.boxes[row, 1] - 2.0
        else:
            assert height < 0.7 * upright.boxes[row, 3]


def test_boxes_are_clipped_to_the_picture_and_leave_out_who_is_hardly_seen(staging):
    found = list(true_boxes(staging))
    boxes = np.concatenate([one.boxes for one in found])
    visible = np.concatenate([one.visible for one in found])

    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [SIZE[1], SIZE[0]]).all()
    assert visible.min() >= 0.25
    assert visible.max() == 1.0
    assert (visible < 0.5).any()
    assert [one.frame for one in found] == list(range(200))


def test_officials_have_no_box():
    play = play_half(PlayConfig(), seed=3, num_frames=30, rate=Fraction(25))

    plain, more = (list(true_boxes(filmed(one))) for one in (play, with_officials(play)))

    assert max(player for found in more for player in found.players) < NUM_PLAYERS
    assert all(np.array_equal(a.boxes, b.boxes) for a, b in zip(plain, more, strict=True))


def test_boxes_are_the_same_at_any_place_of_a_half_and_larger_in_larger_pictures(staging):
    twice = list(true_boxes(filmed(staging.play, size=(360, 640))))

    small, large = list(true_boxes(staging))[150], twice[150]
    both = np.isin(small.players, large.players)
    # Lines of at least a pixel and half a pixel around each do not grow.
    assert np.abs(2 * small.boxes[both] - large.boxes[np.isin(large.players, small.players)]).max() < 2.5


# Actions.


def still(num_frames=250, *, actions=(), phase=None, owner=None, speed=None):
    """Return a play at 25 frames per second in which players stand."""
    shape = (num_frames, NUM_PLAYERS)
    zeros = np.zeros(shape, np.float32)
    return Play(
        rate=Fraction(25),
        players=np.zeros((*shape, 2), np.float32),
        facing=zeros,
        speed=zeros if speed is None else np.tile(np.float32(speed)[:, None], NUM_PLAYERS),
        gait=zeros,
        ball=np.zeros((num_frames, 3), np.float32),
        watched=np.zeros((num_frames, 3), np.float32),
        phase=np.full(num_frames, Phase.FREE, np.uint8) if phase is None else phase,
        owner=np.full(num_frames, -1, np.int16) if owner is None else owner,
        events=(),
        incidents=(),
        actions=tuple(actions),
    )


def pieces(play, player=0, shots=None):
    """Return (start, stop, label) of the actions of a player."""
    shots = shots or (Shot(start=0, stop=play.num_frames, kind="main"),)
    return [(a.start, a.stop, a.label) for a in true_actions(play, shots) if a.player == player]


def with_ball(num_frames, *stretches):
    """Return phase and owner of stretches (start, stop, phase, owner); free besides."""
    phase, owner = np.full(num_frames, Phase.FREE, np.uint8), np.full(num_frames, -1, np.int16)
    for start, stop, state, player in stretches:
        phase[start:stop], owner[start:stop] = state, player
    return {"phase": phase, "owner": owner}


def test_the_speed_tells_standing_walking_and_running():
    speed = np.repeat([0.3, 1.4, 4.5, 1.4, 0.3], 50)

    assert [piece[2] for piece in pieces(still(speed=speed))] == ["stand", "walk", "run", "walk", "stand"]
    assert pieces(still(speed=speed))[1] == (50, 100, "walk")


def test_a_speed_about_a_threshold_does_not_flicker():
    speed = 2.8 + 0.15 * np.sin(np.arange(250))

    assert len(pieces(still(speed=speed))) == 1


def test_a_stop_of_less_than_400_ms_is_no_action_of_its_own():
    speed = np.full(250, 4.5)
    speed[100:109] = 0.0
    assert pieces(still(speed=speed)) == [(0, 250, "run")]

    speed[100:110] = 0.0
    assert pieces(still(speed=speed)) == [(0, 100, "run"), (100, 110, "stand"), (110, 250, "run")]


@pytest.mark.parametrize(
    ("kind", "label", "start", "stop"),
    [("foot", "pass", 90, 110), ("head", "header", 90, 110), ("throw", "throw", 85, 105)],
)
def test_a_moment_names_800_ms_around_it(kind, label, start, stop):
    play = still(actions=[PlayerAction(100, 0, kind)])

    assert pieces(play) == [(0, start, "stand"), (start, stop, label), (stop, 250, "stand")]
    assert pieces(play, player=1) == [(0, 250, "stand")]


def test_a_player_falls_lies_and_gets_up_again():
    play = still(actions=[PlayerAction(100, 0, "fall")])

    assert pieces(play) == [
        (0, 92, "stand"),
        (92, 125, "fall"),
        (125, 157, "rise"),
        (157, 250, "stand"),
    ]


def test_a_ball_is_stopped_then_carried_then_kicked():
    ball = with_ball(250, (100, 108, Phase.CONTROL, 0), (108, 150, Phase.CARRY, 0))
    play = still(actions=[PlayerAction(150, 0, "foot")], **ball)

    assert pieces(play) == [
        (0, 90, "stand"),
        (90, 110, "control"),
        (110, 140, "dribble"),
        (140, 160, "pass"),
        (160, 250, "stand"),
    ]


def test_a_first_touch_is_a_pass_and_a_ball_put_down_is_not_stopped():
    touch = still(actions=[PlayerAction(102, 0, "foot")], **with_ball(250, (100, 102, Phase.CONTROL, 0)))
    put_down = still(**with_ball(250, (80, 100, Phase.HANDS, 0), (100, 250, Phase.CONTROL, 0)))

    assert [piece[2] for piece in pieces(touch)] == ["stand", "pass", "stand"]
    assert [piece[2] for piece in pieces(put_down)] == ["stand"]


def test_feints_are_no_passes():
    assert pieces(still(actions=[PlayerAction(100, 0, "feint")])) == [(0, 250, "stand")]


def test_an_action_ends_at_a_cut_and_a_replay_has_that_which_it_shows():
    play = still(actions=[PlayerAction(100, 0, "foot")])
    shots = (
        Shot(start=0, stop=150, kind="main"),
        Shot(start=150, stop=210, kind="replay", first_shown=85.0, speed=0.5),
        Shot(start=210, stop=250, kind="main"),
    )

    assert pieces(play, shots=shots) == [
        (0, 90, "stand"),
        (90, 110, "pass"),
        (110, 150, "stand"),
        # Frame 160 shows frame 90 of the play, frame 200 shows frame 110.
        (150, 160, "stand"),
        (160, 200, "pass"),
        (200, 210, "stand"),
        (210, 250, "stand"),
    ]


def test_labels_of_another_frame_rate_are_the_same_in_seconds():
    fast = replace(still(num_frames=500, actions=[PlayerAction(200, 0, "foot")]), rate=Fraction(50))

    assert pieces(fast) == [(0, 180, "stand"), (180, 220, "pass"), (220, 500, "stand")]


def test_every_frame_of_every_player_of_a_match_has_one_action():
    config = replace(TINY, minutes=2.0)
    play = simulate_half(config, 0, 1)
    shots = film_half(config, 0, 1, play).shots
    count = np.zeros((play.num_frames, NUM_PLAYERS), int)

    for action in true_actions(play, shots):
        count[action.start : action.stop, action.player] += 1

    assert (count == 1).all()
    found = frame_labels(play)
    kicks = [action for action in play.actions if action.kind == "foot" and action.frame < play.num_frames]
    assert all(LABELS[found[kick.frame, kick.player]] == "pass" for kick in kicks)
    assert all(
        found[moved, 3] == LABELS.index("run") for moved in np.flatnonzero(play.speed[:, 3] > 3.6)[20:40]
    )


# Files.


def test_the_command_writes_boxes_and_actions_beside_each_video(tmp_path):
    words = ["--out", str(tmp_path), "--matches", "1", "--minutes", "0.04", "--size", "64x112", "--jobs", "1"]
    assert main(["data", "synth", *words, "--boxes"]) == 0
    folder = next(tmp_path.rglob("1_64p.mkv")).parent
    config = replace(TINY, challenge_matches=0)

    tracks = {track.number: track for track in read_tracks(folder / "1_gt.txt", np.arange(30) / 25)}
    frames = list(true_boxes(film_half(config, 0, 1)))
    assert set(tracks) == {player + 1 for found in frames for player in found.players}
    for found in frames:
        for player, box in zip(found.players, found.boxes, strict=True):
            track = tracks[player + 1]
            row = track.frames.tolist().index(found.frame)
            assert np.allclose(track.boxes[row], box, atol=0.006)
    lines = (folder / "2_actions.csv").read_text().splitlines()
    assert lines[0] == "player,from_frame,to_frame,label"
    assert lines[1].startswith("1,0,")
    assert lines[-1].split(",")[2] == "30"
    assert len(read_truth(folder / "2_gt.txt").frames) > 0


def test_boxes_change_nothing_else_and_are_added_to_a_league_that_is_there(tmp_path):
    league = make_league(tmp_path, TINY, jobs=1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    calls = []

    add_player_truth(league, TINY, jobs=1, progress=lambda *counts: calls.append(counts))

    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    folders = (*league.matches, *league.challenge_matches)
    added = {
        folder / f"{half}_{name}"
        for folder in folders
        for half in (1, 2)
        for name in ("gt.txt", "actions.csv")
    }
    assert set(after) - set(before) == added
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]

    (league.matches[0] / "2_gt.txt").unlink()
    add_player_truth(league, TINY, jobs=1)
    assert {path: path.read_bytes() for path in after} == after


def test_a_broadcast_has_boxes_in_its_replays(tmp_path):
    config = with_preset(SyntheticConfig(minutes=2.0, size=(64, 112), seed=2, task="action"), "broadcast")
    play = simulate_half(config, 0, 1)
    staging = film_half(config, 0, 1, play)
    replay = next(shot for shot in staging.shots if shot.kind == "replay")
    boxes = list(true_boxes(staging))

    assert any(len(boxes[frame].players) for frame in range(replay.start, replay.stop))
    starts = {action.start for action in true_actions(play, staging.shots) if action.player == 4}
    assert {shot.start for shot in staging.shots} <= starts
    moments = shown_moments(play.num_frames, staging.shots)
    assert moments[replay.start] < replay.start


@pytest.mark.parametrize("task", ["presence", "clips"])
def test_boxes_are_of_matches(tmp_path, task, capsys):
    assert main(["data", "synth", "--out", str(tmp_path), "--task", task, "--boxes"]) == 2
    assert f"--boxes are of matches; --task {task} has none" in capsys.readouterr().err
