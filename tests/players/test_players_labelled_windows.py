"""Windows whose action is known: which there are, and which are chosen."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from track_samples import track_of

from bvas.errors import ConfigError
from bvas.players.labelled_windows import (
    PlayerClipsConfig,
    centers_of_labels,
    centers_of_result,
    choose_centers,
    windows_at,
)
from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_grid import Grid

BOX = [10, 10, 20, 40]
# Grid frame n is source frame 2 n of 20 frames a second.
GRID = Grid(rate=10, indices=np.arange(0, 100, 2), seconds=np.arange(50) / 10)
CLIP = ClipConfig(num_frames=16, frame_step=1, stack_size=1)


def track(number=1, frames=range(100), boxes=BOX):
    return track_of(number, frames, boxes, rate=20.0)


def found(labels, one=None):
    one = one or track()
    return centers_of_labels([one], [labels], GRID, CLIP)


def centers(windows, label):
    return [one.center for one in windows if one.label == label]


def test_an_action_covers_the_center_and_half_of_the_window():
    # Source frames 40 to 55 are grid frames 20 to 27: eight, half of sixteen.
    windows = found([*["stand"] * 40, *["pass"] * 16, *["stand"] * 44])

    # The window of center c has the frames c - 8 to c + 7.
    assert centers(windows, "pass") == list(range(20, 28))
    assert not set(centers(windows, "stand")) & set(range(20, 28))
    # Around 19 lie frames 11 to 26: nine of standing.
    assert 19 in centers(windows, "stand")


def test_a_shorter_action_has_no_window():
    assert centers(found([*["stand"] * 40, *["pass"] * 14, *["stand"] * 46]), "pass") == []


def test_frames_that_the_edge_repeats_count_once():
    # Around grid frame 0 lie eight repetitions of it; frames 0 to 7 are eight.
    assert centers(found(["run"] * 100), "run")[:2] == [0, 1]
    # At the end there are nine frames from 41 to 49, around 49.
    assert centers(found(["run"] * 100), "run")[-1] == 49
    # A stretch of seven grid frames is too short.
    short = track(frames=range(20, 34))
    assert found(["run"] * 14, short) == []


def test_frames_without_an_action_have_no_window():
    windows = found([*[""] * 50, *["run"] * 50])

    assert min(centers(windows, "run")) == 25
    assert {one.label for one in windows} == {"run"}


@pytest.mark.parametrize("boxes", [[200, 10, 20, 40], [10, 10, 20, 65]])
def test_windows_in_which_the_box_jumps_are_left_out(boxes):
    one = track(boxes=[*[BOX] * 50, *[boxes] * 50])

    # The jump is at source frame 50, grid frame 25: no window holds 24 and 25.
    assert centers(found(["run"] * 100, one), "run") == [*range(18), *range(33, 50)]


def test_a_fast_player_does_not_jump():
    one = track(boxes=[[10 + 10 * frame, 10, 20, 40] for frame in range(100)])

    assert len(found(["run"] * 100, one)) == 50


def chosen(windows, **changes):
    return choose_centers(windows, PlayerClipsConfig(**{"per_class": 5, **changes}), (0, 0))


def test_windows_of_a_player_and_class_do_not_overlap_where_there_are_enough():
    windows = centers_of_labels([track(place + 1) for place in range(4)], [["run"] * 100] * 4, GRID, CLIP)
    picked = chosen(windows)

    assert len(picked) == 5
    for place in range(4):
        own = sorted(one.center for one in picked if one.place == place)
        assert all(b - a >= 16 for a, b in pairwise(own))


def test_windows_of_a_rare_class_overlap_by_three_quarters_at_most():
    windows = found([*["stand"] * 40, *["pass"] * 16, *["stand"] * 44])
    picked = centers(chosen(windows), "pass")

    # Of centers 20 to 27, two at most are four apart.
    assert len(picked) in (1, 2)
    assert all(b - a >= 4 for a, b in pairwise(picked))


def test_the_choice_depends_on_the_seed_alone():
    windows = centers_of_labels([track(place + 1) for place in range(9)], [["run"] * 100] * 9, GRID, CLIP)

    def places(seed):
        picked = choose_centers(windows, PlayerClipsConfig(per_class=5), (seed,))
        return [(one.place, one.center) for one in picked]

    assert places(1) == places(1)
    assert places(1) != places(2)


def test_only_the_labels_asked_for_are_taken_and_windows_come_in_order_of_their_ends():
    labels = [*["stand"] * 40, *["pass"] * 16, *["run"] * 44]
    picked = windows_at(chosen(found(labels), labels=("run", "pass")), [track()], GRID, CLIP)

    assert {one.label for one in picked} == {"pass", "run"}
    ends = [int(one.window.frames[-1]) for one in picked]
    assert ends == sorted(ends)


def test_centers_of_results_are_those_that_were_classified():
    actions = tuple(
        PlayerAction(seconds=seconds, label=label, confidence=None)
        for seconds, label in ((0.4, "walk"), (1.2, "run"), (2.8, "walk"))
    )
    result = PlayersResult(
        path=Path("a.mp4"),
        size=(100, 100),
        num_frames=100,
        players=(
            Player(track=track(1, frames=range(2)), actions=()),
            Player(track=track(2, frames=range(60)), actions=actions),
        ),
        labels=("run", "walk"),
        every=0.8,
    )
    centers = centers_of_result(result, GRID, CLIP)

    assert [(one.place, one.center, one.label) for one in centers] == [
        (1, 4, "walk"),
        (1, 12, "run"),
        (1, 28, "walk"),
    ]
    # The stretch ends at source frame 59, grid frame 29; the clip is centered on frame 8 of 16.
    windows = windows_at(centers, [player.track for player in result.players], GRID, CLIP)
    assert windows[2].window.place == 1
    assert windows[2].window.frames.tolist() == [*range(20, 30), *[29] * 6]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (175, 128)}, "size must be"),
        ({"num_frames": 0}, "num_frames must be at least 1, got 0"),
        ({"per_class": 0}, "per_class must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"rate": 0.0}, "rate must be a positive number"),
        ({"labels": ("a", "a")}, "labels name one twice: a, a"),
    ],
)
def test_settings_that_break_a_rule_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        PlayerClipsConfig(**changes)
