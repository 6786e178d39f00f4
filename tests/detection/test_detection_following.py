import cv2
import numpy as np
import pytest

from bvas.detection.box_following import BoxFollower
from bvas.detection.box_window import BOX_SIDE, WINDOW, BoxWindow
from bvas.errors import ConfigError
from bvas.tracking.mot_files import read_mot
from bvas.values.boxes import box_overlaps
from bvas.video.decode.open_video import open_video
from tests.detection.drawn_players import BODY, frame_of

RED, BLUE = (200, 40, 40), (40, 60, 210)


def place(step, growth=0.0):
    """The box of a player who walks to the right."""
    height, width = BODY[0] * (1 + growth * step), BODY[1] * (1 + growth * step)
    return (30 + 3.0 * step, 40 + 0.5 * step, width, height)


def overlap(first, second):
    return float(box_overlaps(np.array([first], float), np.array([second], float))[0, 0])


def follow(frames, box, kind="mil"):
    follower = BoxFollower(frames[0], box, kind)
    return [follower.update(frame) for frame in frames[1:]]


@pytest.mark.parametrize("growth", [0.0, 0.02])
def test_a_walking_player_is_followed_and_his_box_grows_with_him(growth):
    frames = [frame_of([place(step, growth)], [RED]) for step in range(21)]
    found = follow(frames, place(0, growth))
    overlaps = [overlap(box, place(step, growth)) for step, box in enumerate(found, start=1)]
    assert min(overlaps) > 0.6
    # He becomes 1.4 times as high.
    assert (found[-1][3] > 1.15 * BODY[0]) == (growth > 0)


def test_the_same_pictures_give_the_same_boxes_also_beside_another_follower():
    other = (150.0, 60.0, 18.0, 40.0)
    frames = [frame_of([place(step), other], [RED, BLUE]) for step in range(8)]
    alone = follow(frames, place(0))
    assert follow(frames, place(0)) == alone
    first, second = BoxFollower(frames[0], place(0), "mil"), BoxFollower(frames[0], other, "mil")
    beside = []
    for frame in frames[1:]:
        second.update(frame)
        beside.append(first.update(frame))
    assert beside == alone


def test_a_player_who_vanishes_is_lost_and_stays_lost():
    frames = [frame_of([place(step)], [RED]) for step in range(6)]
    gone = [frame_of([], []) for _ in range(3)]
    back = [frame_of([place(9)], [RED])]
    found = follow([*frames, *gone, *back], place(0))
    assert all(box is not None for box in found[:5])
    assert found[5:] == [None] * 4


def test_a_player_who_leaves_the_picture_is_lost_when_half_of_him_is_out():
    def leaving(step):
        return (160 + 4.0 * step, 40.0, 18.0, 40.0)

    frames = [frame_of([leaving(step)], [RED]) for step in range(12)]
    found = follow(frames, leaving(0))
    # Half of him is out at x = 191, in step 7.75.
    lost = next(step for step, box in enumerate(found, start=1) if box is None)
    assert 7 <= lost <= 9
    assert all(box is None for box in found[lost:])


def test_another_scene_is_no_player():
    frames = [frame_of([place(step)], [RED]) for step in range(4)]
    cut = np.full_like(frames[0], 240)
    assert follow([*frames, cut], place(0))[-1] is None


def test_a_box_beside_the_picture_is_refused():
    with pytest.raises(
        ConfigError, match=r"the box 195, 40, 18, 40 .* by less than half in the picture of 200x120"
    ):
        BoxFollower(frame_of([], []), (195, 40, 18, 40))
    with pytest.raises(ConfigError, match="the box 10, 10, 0, 40"):
        BoxFollower(frame_of([], []), (10, 10, 0, 40))


def test_csrt_is_taken_where_it_is_installed_and_refused_where_not(monkeypatch):
    frames = [frame_of([place(step)], [RED]) for step in range(2)]

    class Csrt:
        """Finds the box where it was in the window."""

        @staticmethod
        def create():
            return Csrt()

        def init(self, picture, box):
            self.box = box
            # As OpenCV's own pictures are: blue, green, red.
            assert picture[..., 2].max() > picture[..., 0].max()

        def update(self, picture):
            return True, self.box

    if not hasattr(cv2, "TrackerCSRT"):
        assert BoxFollower(frames[0], place(0)).kind == "mil"
        with pytest.raises(ConfigError, match="has no CSRT; install opencv-contrib-python-headless"):
            BoxFollower(frames[0], place(0), "csrt")
    monkeypatch.setattr(cv2, "TrackerCSRT", Csrt, raising=False)
    follower = BoxFollower(frames[0], place(0))
    assert follower.kind == "csrt"
    assert overlap(follower.update(frames[1]), place(1)) > 0.6
    with pytest.raises(ConfigError, match="unknown follower 'kcf'; known are auto, csrt and mil"):
        BoxFollower(frames[0], place(0), "kcf")


def test_the_window_holds_the_box_in_its_center_at_a_fixed_size():
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[100:228, 200:264] = 255
    box = (200.0, 100.0, 64.0, 128.0)
    window = BoxWindow.around(box)
    # 128 pixels become 64: 320 pixels around the center (232, 164) become 160.
    assert (window.left, window.top, window.side, window.scale) == (72, 4, 320, 0.5)
    assert window.inside(box) == (64.0, 48.0, 32.0, BOX_SIDE)
    rows, columns = np.nonzero(window.cut(picture)[..., 0] > 127)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (48, 111, 64, 95)
    # Beyond the picture its edge goes on.
    beside = BoxWindow.around((-10.0, -10.0, 20.0, 20.0)).cut(np.full((50, 50, 3), 9, np.uint8))
    assert beside.shape == (WINDOW, WINDOW, 3)
    assert (beside == 9).all()


@pytest.mark.slow
def test_both_players_of_the_basketball_video_are_followed_up_to_the_crossing_and_the_hidden_one_is_lost(
    shared_data,
):
    truth = read_mot(shared_data / "tracking" / "basketball_truth.txt")
    with open_video(shared_data / "videos" / "test_video_structuralize.mp4", channels="rgb") as reader:
        frames = np.empty((200, *reader.frame_shape), np.uint8)
        reader.read_into(range(200), frames)
    for player in (1, 2):
        rows = np.flatnonzero((truth.identities == player) & (truth.frames < 145))
        follower = BoxFollower(frames[0], tuple(truth.boxes[rows[0]]), "mil")
        found = {frame: follower.update(frames[frame]) for frame in range(1, 200)}
        good = [
            found[frame] is not None and overlap(found[frame], box) >= 0.4
            for frame, box in zip(truth.frames[rows[1:]].tolist(), truth.boxes[rows[1:]], strict=True)
        ]
        assert len(good) == 12
        assert np.mean(good) >= 0.8
        # From about frame 150 on the second player is behind the first.
        lost = [frame for frame, box in found.items() if box is None]
        assert lost == ([] if player == 1 else list(range(lost[0], 200)))
        assert player == 1 or 145 <= lost[0] <= 180
