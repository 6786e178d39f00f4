from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bvas import ConfigError, VideoIndex
from bvas.video.container.frame_rate import as_rate, rate_of
from bvas.video.index.frame_grid import GrowingGrid, make_grid


def index_at(times, rate, *, variable=False, last_duration=40, time_base=Fraction(1, 1000)):
    pts = np.array(times, dtype=np.int64)
    return VideoIndex(
        stream=0,
        path=Path("a.mp4"),
        time_base=time_base,
        pts=pts,
        last_duration=last_duration,
        keyframe_pts=pts[:1],
        keyframe_dts=pts[:1],
        seek_by_dts=False,
        decode_order=False,
        gradual_refresh=False,
        container="mov",
        rate=Fraction(rate),
        variable_rate=variable,
    )


def test_a_video_of_the_same_constant_rate_is_taken_frame_for_frame():
    grid = make_grid(index_at(range(500, 900, 40), 25), 25)
    assert grid.indices.tolist() == list(range(10))
    assert grid.seconds.tolist() == pytest.approx([i * 0.04 for i in range(10)])


def test_twice_the_rate_gives_every_second_frame():
    grid = make_grid(index_at(range(0, 200, 20), 50, last_duration=20), 25)
    assert grid.indices.tolist() == [0, 2, 4, 6, 8]


def test_a_slower_video_repeats_frames_up_to_the_end_of_its_last():
    # 10 frames a second, 0.3 s: frames at 0, 100, 200 ms; grid at 0, 40, 80, ..., 280 ms.
    grid = make_grid(index_at([0, 100, 200], 10, last_duration=100), 25)
    assert grid.indices.tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    assert grid.seconds[-1] == pytest.approx(0.28)


def test_between_two_frames_equally_near_the_earlier_is_shown():
    # Grid at 0, 40, 80 ms; 40 lies midway between 0 and 80.
    grid = make_grid(index_at([0, 80], 10, variable=True, last_duration=40), 25)
    assert grid.indices.tolist() == [0, 0, 1]


def test_variable_times_are_put_on_the_grid_by_the_nearest():
    grid = make_grid(index_at([0, 30, 90, 200], 20, variable=True, last_duration=20), 25)
    # 0 -> 0; 40 -> 30; 80 -> 90; 120 -> 90; 160 -> 200; 200 -> 200.
    assert grid.indices.tolist() == [0, 1, 2, 2, 3, 3]


def test_a_long_video_at_the_ntsc_rate_does_not_drift():
    pts = np.arange(100_000) * 1001
    grid = make_grid(
        index_at(pts, Fraction(30000, 1001), last_duration=1001, time_base=Fraction(1, 30000)), 25
    )
    expected = np.round(grid.seconds * 30000 / 1001)
    assert np.abs(grid.indices - expected).max() == 0
    assert grid.num_frames == 83417


def test_from_the_first_frame_that_leaves_the_rate_the_nearest_is_shown():
    # Frame for frame at 25 up to 120 ms; then one is missing, and 240 comes late.
    grid = make_grid(index_at([0, 41, 80, 120, 200, 245], 20, variable=True), 25)
    assert grid.indices.tolist() == [0, 1, 2, 3, 3, 4, 5, 5]
    assert grid.seconds.tolist() == pytest.approx([0, 0.041, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28])


def as_they_come(index, rate):
    """The grid of frames that come one by one: (frame, seconds) of each grid frame."""
    grid = GrowingGrid(rate, index.time_base)
    rows = []
    for number, ticks in enumerate((index.pts - index.pts[0]).tolist()):
        steps = grid.add(ticks)
        assert not steps.lost
        rows += [(number - 1, seconds) for seconds in steps.before] + [
            (number, seconds) for seconds in steps.now
        ]
    return rows + [(index.num_frames - 1, s) for s in grid.finish(index.duration_seconds, index.rate)]


def random_index(rng):
    """Times of one of several kinds: constant with jitter, with gaps, variable; a few ticks to many a frame."""
    time_base = Fraction(1, int(rng.choice([25, 30, 50, 1000, 12800, 90000])))
    source_rate = float(rng.choice([10, 24, 25, 29.97, 30, 50, 60]))
    count = int(rng.choice([1, 2, 3, 40, 200]))
    steps = np.ones(count)
    kind = rng.integers(4)
    if kind == 1:
        steps[rng.random(count) < 0.05] = rng.integers(2, 9)
    if kind == 2:
        steps = rng.uniform(0.2, 2, count)
    times = np.cumsum(steps) / source_rate
    if kind == 3:
        times += rng.uniform(0, 0.002, count)
    pts = np.unique(np.round(times / float(time_base)).astype(np.int64))
    claims = [as_rate(source_rate)] if rng.random() < 0.5 else []
    rate, variable = rate_of(pts, time_base, claims)
    duration = max(round(1 / (rate * time_base)), 1)
    return index_at(pts, rate, variable=variable, last_duration=duration, time_base=time_base)


def test_frames_that_come_one_by_one_are_put_on_the_same_grid():
    rng = np.random.default_rng(2)
    for _ in range(400):
        index = random_index(rng)
        rate = float(rng.choice([10, 25, 29.97, 50]))
        grid = make_grid(index, rate)
        rows = as_they_come(index, rate)
        assert [frame for frame, _ in rows] == grid.indices.tolist()
        assert [seconds for _, seconds in rows] == grid.seconds.tolist()
        assert (np.diff(grid.seconds) > 0).all()


def test_grid_frames_between_which_the_source_was_away_are_lost():
    grid = GrowingGrid(25, Fraction(1, 1000))
    for ticks in (0, 40, 80):
        assert len(grid.add(ticks).now) == 1
    assert grid.add(120, after_gap=True).now == (0.12,)  # nothing is missing
    steps = grid.add(330, after_gap=True)
    # 160, 200, ..., 280 are farther than 20 ms from both; 320 shows the new frame, which the next one tells.
    assert (steps.before, steps.now) == ((), ())
    assert steps.lost == pytest.approx([0.16, 0.2, 0.24, 0.28])
    assert grid.add(370).before == pytest.approx([0.32])
    assert grid.finish(0.41, Fraction(25)) == pytest.approx([0.36, 0.4])


def test_the_nearest_grid_frame_prefers_the_earlier_and_stays_inside():
    grid = make_grid(index_at(range(0, 200, 40), 25), 25)
    assert [grid.nearest(s) for s in (-3.0, 0.0, 0.02, 0.0201, 0.1, 0.16, 9.0)] == [0, 0, 0, 1, 2, 4, 4]


def test_a_rate_must_be_positive():
    with pytest.raises(ConfigError, match="positive"):
        make_grid(index_at([0], 25), 0)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (29.97, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (25.0, 25),
        (12.5, Fraction(25, 2)),
        (30, 30),
    ],
)
def test_decimal_rates_mean_the_ntsc_ones(given, meant):
    assert as_rate(given) == meant


def test_a_claimed_rate_counts_only_if_the_times_follow_it():
    times = np.round(np.arange(300) * 1000 * 1001 / 30000).astype(np.int64)
    assert rate_of(times, Fraction(1, 1000), [Fraction(25)]) == (Fraction(30000, 1001), False)
    rate, variable = rate_of(np.array([0, 40, 80, 500]), Fraction(1, 1000), [Fraction(25)])
    assert (rate, variable) == (Fraction(6), True)
