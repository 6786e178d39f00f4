"""Tuned rules: the known optimum is found, and noise brings nothing."""

from dataclasses import replace

import numpy as np
import pytest
from ball_league import ROWS, SECONDS, actions, tunable_curve

from bvas.errors import ConfigError, DataError
from bvas.evaluation.tuning.choice import MIN_ANNOTATIONS, count_rules
from bvas.evaluation.tuning.counting import LabelledCurves, truths
from bvas.evaluation.tuning.grid import RuleGrid, default_grid
from bvas.evaluation.tuning.nested import tune
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.metrics.official import official_tally
from bvas.results.store import read_results, write_results
from bvas.tasks.peaks import find_spots, lowest_height, smooth_scores
from bvas.values.annotations import Annotation, LabelSet
from bvas.values.score_curve import ScoreCurve

BALL = LabelSet(("PASS", "DRIVE"))
PASS = LabelSet(("PASS",))


def labelled_curves(scores, annotations, labels=BALL):
    """One half a match: scores [L, K] of each, and annotations as (label, frame)."""
    return LabelledCurves(
        labels=labels,
        rate=25.0,
        curves=tuple(
            ScoreCurve(np.asarray(s, np.float32), np.arange(len(s)) / 25, labels.names) for s in scores
        ),
        annotations=tuple(
            tuple(Annotation(label, frame / 25) for label, frame in sorted(match, key=lambda pair: pair[1]))
            for match in annotations
        ),
        groups=np.arange(len(scores)),
    )


def league(num_matches):
    return labelled_curves(
        [tunable_curve(number) for number in range(num_matches)],
        [
            [(label, frame) for label, frames in zip(BALL, actions(number), strict=True) for frame in frames]
            for number in range(num_matches)
        ],
    )


def test_each_label_gets_the_rule_that_is_known_to_be_best_for_it():
    tuning = tune(league(5), np.arange(5), PeakConfig(), default_grid(25.0))

    assert tuning.peaks.per_label == {
        # Of 5 and 7, both nearer than 8, the nearer to 15. Smoothed, its rows of 0.9 have 0.12.
        "PASS": PeakRule(min_distance_frames=7, operating_point=0.12),
        # The first hundredth above the false 0.5.
        "DRIVE": PeakRule(sigma_frames=0, operating_point=0.51),
    }
    assert tuning.peaks.common == PeakConfig().common
    # One pass of each pair is found: 6 of 11 recalls. All drives rank behind as many false ones: precision 1/2.
    assert tuning.spots.per_label == {"PASS": (pytest.approx(6 / 11), 1.0), "DRIVE": (0.5, 1.0)}
    assert tuning.spots.gain == pytest.approx(1 - (6 / 11 + 1 / 2) / 2)
    # It is the same in each match, so in each resample.
    assert tuning.spots.interval.low == pytest.approx(tuning.spots.gain)
    assert tuning.spots.is_real
    # By the tuned rules, from 0.2 up: no pass; 12 drives and 12 false ones, of 24 actions in a match.
    assert tuning.operating_points.before == pytest.approx(2 * 12 / (24 + 24))
    assert tuning.operating_points.nested == 1.0
    assert tuning.num_annotations == {"PASS": 60, "DRIVE": 60}


def test_a_tail_below_the_height_is_found_by_a_lower_one():
    data = league(5)
    curves = tuple(replace(curve, scores=curve.scores * np.float32(0.01)) for curve in data.curves)
    own = PeakConfig(sigma_frames=0, min_distance_frames=7)

    tuning = tune(replace(data, curves=curves), np.arange(5), own, default_grid(25.0))

    assert {label: rule.min_height for label, rule in tuning.rules.items()} == dict.fromkeys(BALL, 0.005)
    # 0.009 lies above the second of the 200 thresholds, 0.005 below it: what is false ranks behind.
    assert (tuning.spots.before, tuning.spots.nested) == (0.0, 1.0)


def noise(kind, seed):
    """Six matches of 100 s whose scores know nothing of their 33 annotations a label."""
    rng = np.random.default_rng(seed)
    scores, annotations = [], []
    for _ in range(6):
        curve = rng.random((2500, 2)).astype(np.float32)
        if kind == "smooth":
            curve = np.clip((smooth_scores(curve, 6.0) - 0.5) * 6 + 0.3, 0, 1)
        elif kind == "mostly low":
            curve = curve**8
        scores.append(curve)
        annotations.append([(label, f) for label in BALL for f in rng.integers(0, 2500, 33).tolist()])
    return labelled_curves(scores, annotations)


@pytest.mark.parametrize("kind", ["even", "smooth", "mostly low"])
def test_noise_brings_no_gain_and_keeps_the_rules(kind):
    own = PeakConfig(operating_point=0.3)

    tuning = tune(noise(kind, 3), np.arange(6), own, default_grid(25.0))

    assert tuning.peaks == own
    assert not tuning.spots.is_real
    assert not tuning.operating_points.is_real
    # Rules were chosen, and looked better on the matches that they were chosen on.
    assert any(rule != own.common for rule in tuning.rules.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["even", "smooth", "mostly low"])
def test_noise_is_seldom_taken_for_a_gain(kind):
    found = [tune(noise(kind, seed), np.arange(6), PeakConfig(), default_grid(25.0)) for seed in range(60)]

    # One in 40 is what the rule allows; four or fewer of 60 come in 98 of 100 such tests.
    assert sum(tuning.spots.is_real for tuning in found) <= 4
    assert sum(tuning.operating_points.is_real for tuning in found) <= 4


def test_the_score_is_that_of_rules_chosen_on_other_matches():
    """Two matches that want opposite rules: each gets the other's."""
    frames = 100 + 150 * np.arange(MIN_ANNOTATIONS)
    pairs, lone = np.zeros((5000, 1)), np.zeros((5000, 1))
    pairs[frames], pairs[frames + 8] = 0.9, 0.9  # both are true
    lone[frames], lone[frames + 13] = 0.8, 0.9  # the second is false, and higher
    data = labelled_curves(
        [pairs, lone],
        [[("PASS", f) for f in [*frames, *(frames + 8)]], [("PASS", f) for f in frames]],
        PASS,
    )
    own = PeakConfig(sigma_frames=0, min_distance_frames=10)
    grid = RuleGrid(sigmas_frames=(0.0,), distances_frames=(5, 10, 20), heights=(0.01,))

    tuning = tune(data, np.arange(2), own, grid)

    chosen = {part: rules["PASS"].min_distance_frames for part, rules in tuning.rules_by_fold.items()}
    # The lone ones are found alike with 5 and 10, so their own 10 is chosen for the pairs.
    assert chosen == {0: 10, 1: 5}
    # Pairs by 10 find 30 of 60, lone ones by 5 find 30 of 30 behind 30 false ones: as by the own rule.
    assert tuning.spots.gain == 0
    # Chosen on both, 5 finds all 90: of 60 + 60 spots 30 are false, and those are among the highest.
    assert tuning.rules["PASS"].min_distance_frames == 5
    assert tuning.spots.interval is None
    assert not tuning.spots.is_real
    assert tuning.peaks == own


def test_a_label_with_few_annotations_keeps_its_rule():
    data = league(5)
    few = []
    for number, match in enumerate(data.annotations):
        drives = [a for a in match if a.label == "DRIVE"]
        few.append((*(a for a in match if a.label == "PASS"), *drives[: 12 if number == 0 else 4]))

    tuning = tune(replace(data, annotations=tuple(few)), np.arange(5), PeakConfig(), default_grid(25.0))

    assert tuning.num_annotations == {"PASS": 60, "DRIVE": 28}
    assert tuning.rules["DRIVE"] == PeakRule()
    assert tuning.points["DRIVE"] == 0.2
    assert tuning.rules["PASS"].min_distance_frames == 7


def test_the_matches_of_a_fold_are_held_out_together():
    tuning = tune(league(4), np.array([0, 0, 1, 1]), PeakConfig(), default_grid(25.0))

    assert sorted(tuning.rules_by_fold) == [0, 1]
    with pytest.raises(DataError, match="predict at least two matches"):
        tune(league(3), np.zeros(3, np.int64), PeakConfig(), default_grid(25.0))


def test_counts_are_those_of_the_official_metric_on_results_files(tmp_path):
    rng = np.random.default_rng(5)
    scores = [rng.random((3000, 2)) ** 4 for _ in range(3)]
    scores[1][700:760] = np.nan
    frames = [[(label, f) for label in BALL for f in rng.integers(0, 3000, 60)] for _ in range(3)]
    data = labelled_curves(scores, frames)
    data = replace(data, groups=np.array([0, 0, 1]))
    own = PeakRule(sigma_frames=1.3, min_distance_frames=4, min_height=0.2)
    rules = RuleGrid(sigmas_frames=(0.0,), distances_frames=(12,), heights=(0.5,)).rules(own)
    assert len(rules) == 2 * 2 * 2

    for label_id, label in enumerate(BALL):
        counted = count_rules(data, label_id, truths(data)[label_id], rules)
        for number, rule in enumerate(rules):
            config = PeakConfig(per_label={label: rule})
            spots = []
            for curve in data.curves:
                found = find_spots(curve.scores, curve.seconds, BALL, config)
                write_results(tmp_path / "r.json", "m", {1: found}, rate=25.0)
                spots.append(read_results(tmp_path / "r.json")[1])
            tally = official_tally(data.annotations, spots, BALL, groups=[0, 0, 1])
            assert np.array_equal(counted.hits[number], tally.hits[:, 0, 0, label_id]), (label, rule)
            assert np.array_equal(counted.spots[number], tally.spots[:, 0, label_id]), (label, rule)
            assert np.array_equal(counted.annotations, tally.annotations[:, 0, label_id])


def test_thrown_annotations_keep_their_number_and_leave_their_places():
    data = league(2)

    thrown = data.thrown(0)

    for before, after in zip(data.annotations, thrown.annotations, strict=True):
        assert len(before) == len(after)
        assert sorted(a.label for a in before) == sorted(a.label for a in after)
        assert all(0 <= a.seconds < ROWS / 25 for a in after)
        assert [a.seconds for a in after] == sorted(a.seconds for a in after)
    assert thrown.annotations != data.annotations
    assert thrown.annotations == data.thrown(0).annotations != data.thrown(1).annotations
    assert thrown.curves == data.curves
    assert len(SECONDS) == ROWS


def test_a_labels_own_rule_comes_first_and_then_the_nearest_ones():
    own = PeakRule(sigma_frames=2.0, min_distance_frames=10, min_height=0.02, operating_point=0.3)
    grid = RuleGrid(sigmas_frames=(0.0, 4.0), distances_frames=(10, 20), heights=(0.02,))

    rules = grid.rules(own)

    assert rules[0] == own
    assert [(r.sigma_frames, r.min_distance_frames) for r in rules] == [
        (2, 10),
        (0, 10),
        (2, 20),
        (4, 10),
        (0, 20),
        (4, 20),
    ]
    assert lowest_height(own) <= 0.02
    with pytest.raises(ConfigError, match="a value of each kind"):
        RuleGrid(sigmas_frames=(), distances_frames=(1,), heights=(0.1,))


def test_the_grid_is_in_seconds_so_that_other_rates_try_the_same():
    assert default_grid(25.0).distances_frames == (5, 7, 9, 11, 13, 15, 18, 21, 25, 31, 40, 50)
    assert default_grid(12.5).sigmas_frames[-1] == 5.0
    assert min(default_grid(2.0).distances_frames) == 1
