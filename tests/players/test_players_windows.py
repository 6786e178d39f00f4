"""Windows of players: who is classified at which times, and which frames a window shows."""

from fractions import Fraction

import numpy as np
from track_samples import track_of

from bvas.players.player_windows import player_windows, visible_stretches
from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_grid import Grid

CLIP = ClipConfig(num_frames=4, frame_step=1, stack_size=4)
BOX = [0, 0, 10, 20]


def grid_of(num_frames, step=1, rate=10):
    """A grid that shows each `step`-th source frame."""
    places = np.arange(num_frames)
    return Grid(rate=Fraction(rate), indices=places * step, seconds=places / rate)


def test_stretches_end_where_a_frame_has_no_box():
    assert visible_stretches(track_of(1, [3, 4, 5, 9, 20, 21], BOX)) == [(3, 5), (9, 9), (20, 21)]


def test_a_player_has_the_windows_at_whose_center_he_is_visible():
    centers = np.array([4, 12, 20])
    tracks = [track_of(1, range(30), BOX), track_of(2, range(10, 15), BOX), track_of(3, [4, 20], BOX)]
    found = player_windows(tracks, grid_of(30), centers, CLIP)
    assert sorted((window.place, window.center) for window in found) == [
        *((0, 4), (0, 12), (0, 20)),
        (1, 12),
        *((2, 4), (2, 20)),
    ]


def test_frames_before_and_after_a_stretch_are_its_first_and_last_again():
    # Two frames before the center and one behind it.
    (window,) = player_windows([track_of(1, range(12, 30), BOX)], grid_of(30), np.array([12]), CLIP)
    assert window.frames.tolist() == [12, 12, 12, 13]
    (window,) = player_windows([track_of(1, range(5, 13), BOX)], grid_of(30), np.array([12]), CLIP)
    assert window.frames.tolist() == [10, 11, 12, 12]


def test_a_window_never_reaches_over_a_gap_of_its_player():
    track = track_of(1, [*range(10), *range(12, 30)], BOX)
    windows = player_windows([track], grid_of(30), np.array([9, 12]), CLIP)
    assert [window.frames.tolist() for window in windows] == [[7, 8, 9, 9], [12, 12, 12, 13]]


def test_windows_count_grid_frames_whatever_the_rate_of_the_video():
    # 50 source frames a second on a grid of 10: each fifth frame.
    (window,) = player_windows([track_of(1, range(3, 62), BOX, 50)], grid_of(20, step=5), np.array([6]), CLIP)
    assert window.frames.tolist() == [4, 5, 6, 7]
    (window,) = player_windows(
        [track_of(1, range(21, 62), BOX, 50)], grid_of(20, step=5), np.array([6]), CLIP
    )
    # Grid frame 4 shows source frame 20, before the player is there.
    assert window.frames.tolist() == [5, 5, 6, 7]


def test_windows_come_in_the_order_in_which_their_last_frames_are_read():
    tracks = [track_of(1, range(30), BOX), track_of(2, range(13), BOX)]
    found = player_windows(tracks, grid_of(30), np.array([12, 13]), CLIP)
    # The second player's stretch ends with frame 12, so that his window is complete before.
    assert [(window.place, window.center, int(window.frames[-1])) for window in found] == [
        (1, 12, 12),
        (0, 12, 13),
        (0, 13, 14),
    ]
