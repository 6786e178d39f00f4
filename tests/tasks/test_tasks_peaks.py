import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.tasks.peaks import above, find_spots, shown, smooth_scores, stretches
from bvas.values.annotations import LabelSet, Spot

PASS = LabelSet(("PASS",))
SHARP = PeakConfig(sigma_frames=0, min_distance_frames=1)


def curve(length, **peaks):
    """Scores [length, 1], zero but for `at_ROW=score`."""
    scores = np.zeros((length, 1), np.float32)
    for name, score in peaks.items():
        scores[int(name.removeprefix("at_")), 0] = score
    return scores


def rows(scores, config=SHARP, labels=PASS):
    """Rows of the spots, read back from times that are the row numbers."""
    spots = find_spots(scores, np.arange(len(scores), dtype=np.float64), labels, config)
    return [int(spot.seconds) for spot in spots]


def test_a_spot_holds_label_time_and_height_of_its_peak():
    seconds = np.arange(10) / 25

    (spot,) = find_spots(curve(10, at_4=0.5), seconds, PASS, SHARP)

    assert spot == Spot("PASS", 4 / 25, 0.5)


@pytest.mark.parametrize("row", [0, 9])
def test_a_peak_on_the_first_or_last_row_counts(row):
    assert rows(curve(10, **{f"at_{row}": 0.5})) == [row]


def test_a_smoothed_peak_at_the_edge_keeps_its_height_by_mirroring():
    scores = np.zeros((50, 1), np.float32)
    scores[:5] = 0.8  # mirrored, the block is 10 rows wide

    (spot,) = find_spots(scores, np.arange(50.0), PASS, PeakConfig(sigma_frames=1))

    assert spot.seconds == 0
    assert spot.confidence == pytest.approx(0.8, abs=1e-3)


def test_of_two_near_peaks_the_higher_stays():
    config = PeakConfig(sigma_frames=0, min_distance_frames=15)

    assert rows(curve(40, at_10=0.5, at_24=0.6), config) == [24]
    assert rows(curve(40, at_10=0.5, at_25=0.6), config) == [10, 25]


def test_of_two_equal_peaks_that_are_too_near_the_earlier_stays_however_many_there_are():
    config = PeakConfig(sigma_frames=0, min_distance_frames=15)
    scores = np.zeros((10_000, 1), np.float32)
    scores[::10] = 0.5

    assert rows(scores, config) == list(range(0, 10_000, 20))


def test_labels_do_not_push_each_other_away():
    scores = np.hstack([curve(40, at_10=0.5), curve(40, at_12=0.6)])
    config = PeakConfig(sigma_frames=0, min_distance_frames=15)

    assert rows(scores, config, LabelSet(("PASS", "DRIVE"))) == [10, 12]


def test_spots_come_in_order_of_time_then_of_label():
    scores = np.hstack([curve(40, at_30=0.5, at_12=0.2), curve(40, at_12=0.6)])

    spots = find_spots(scores, np.arange(40.0), LabelSet(("PASS", "DRIVE")), SHARP)

    assert [(s.seconds, s.label) for s in spots] == [(12, "PASS"), (12, "DRIVE"), (30, "PASS")]


def test_candidates_are_kept_from_min_height_up_and_people_see_those_above_the_operating_point():
    spots = find_spots(curve(40, at_5=0.009, at_15=0.01, at_25=0.2), np.arange(40.0), PASS, SHARP)

    assert [spot.seconds for spot in spots] == [15, 25]
    assert [spot.seconds for spot in above(spots, SHARP.operating_point)] == [25]


def test_a_curve_without_scores_gives_no_spots():
    assert rows(np.zeros((0, 1), np.float32)) == []
    assert rows(np.zeros((30, 1), np.float32)) == []


def test_a_gap_yields_no_spot_and_its_neighbors_do():
    scores = curve(12, at_4=0.5, at_8=0.4)
    scores[5:8] = np.nan

    assert rows(scores) == [4, 8]
    assert rows(np.full((12, 1), np.nan, np.float32)) == []


def test_the_smallest_distance_holds_across_a_gap():
    scores = curve(40, at_10=0.5, at_14=0.4)
    scores[12] = np.nan

    assert rows(scores, PeakConfig(sigma_frames=0, min_distance_frames=15)) == [10]


def test_no_score_is_smeared_over_a_gap():
    scores = curve(60, at_20=1.0)
    scores[23:30] = np.nan

    smooth = smooth_scores(scores, 3.0)

    assert np.isnan(smooth[23:30]).all()
    assert (smooth[30:] == 0).all()
    assert smooth[:23].sum() == pytest.approx(1.0, abs=1e-5)  # all of it stays before the gap


def test_a_gap_in_one_column_is_one_in_all():
    scores = np.zeros((5, 2), np.float32)
    scores[2, 1] = np.nan

    assert np.isnan(smooth_scores(scores, 1.0)[2]).all()


def test_smoothing_a_lone_score_draws_the_gaussian():
    smooth = smooth_scores(curve(101, at_50=1.0), 3.0)[:, 0]

    expected = np.exp(-0.5 * (np.arange(-12, 13) / 3.0) ** 2)
    assert smooth[38:63] == pytest.approx(expected / expected.sum(), abs=1e-6)
    assert smooth.dtype == np.float32


def test_smoothing_leaves_its_input_alone():
    scores = curve(20, at_3=1.0)
    smooth_scores(scores, 2.0)
    assert scores[3, 0] == 1.0


def test_stretches_are_the_runs_of_true():
    assert stretches(np.array([True, True, False, True])) == [slice(0, 2), slice(3, 4)]
    assert stretches(np.zeros(0, np.bool_)) == []


def test_scores_that_do_not_fit_times_and_labels_are_refused():
    with pytest.raises(ConfigError, match=r"\(5, 1\) do not match 4 times and 1 label"):
        find_spots(np.zeros((5, 1), np.float32), np.arange(4.0), PASS, SHARP)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma_frames": -1.0}, "sigma_frames"),
        ({"min_distance_frames": 0}, "min_distance_frames must be at least 1, got 0"),
        ({"min_height": 1.5}, r"min_height .* \[0, 1\], got 1.5"),
        ({"operating_point": 0.005}, "lies below min_height"),
    ],
)
def test_a_peak_rule_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        PeakConfig(**change)


def test_a_label_with_a_rule_of_its_own_is_spotted_by_it_and_the_others_by_the_common_one():
    both = LabelSet(("PASS", "DRIVE"))
    scores = np.repeat(curve(60, at_20=0.5, at_26=0.4, at_40=0.005), 2, axis=1)
    config = PeakConfig(
        sigma_frames=0,
        per_label={"DRIVE": PeakRule(sigma_frames=0, min_distance_frames=5, min_height=0.001)},
    )

    spots = find_spots(scores, np.arange(60.0), both, config)

    assert [(s.seconds, s.label) for s in spots] == [
        (20, "PASS"),
        (20, "DRIVE"),
        (26, "DRIVE"),
        (40, "DRIVE"),
    ]


def test_each_column_may_be_smoothed_as_its_label_wants():
    scores = np.repeat(curve(101, at_50=1.0), 3, axis=1)
    scores[3] = np.nan

    smooth = smooth_scores(scores, (0, 3.0, 1.5))

    for column, sigma in enumerate((0, 3.0, 1.5)):
        assert np.array_equal(smooth[:, column], smooth_scores(scores, sigma)[:, column], equal_nan=True), (
            sigma
        )


def test_people_are_shown_the_spots_from_their_labels_operating_points_up():
    config = PeakConfig(operating_point=0.2, per_label={"DRIVE": PeakRule(operating_point=0.6)})
    spots = [Spot(label, 1.0, score) for label in ("PASS", "DRIVE") for score in (0.1, 0.2, 0.5, 0.6)]

    assert [(s.label, s.confidence) for s in shown(spots, config)] == [
        ("PASS", 0.2),
        ("PASS", 0.5),
        ("PASS", 0.6),
        ("DRIVE", 0.6),
    ]
    assert config.lowest_operating_point(("PASS", "DRIVE")) == 0.2
    assert config.lowest_operating_point(("DRIVE",)) == 0.6
    anyway = config.shown_from(0.005)
    assert anyway.operating_points(("PASS", "DRIVE")) == {"PASS": 0.005, "DRIVE": 0.005}
    assert (anyway.min_height, anyway.rule("DRIVE").min_height) == (0.005, 0.005)
    lowest = config.from_operating_points()
    assert (lowest.min_height, lowest.rule("DRIVE").min_height) == (0.2, 0.6)
