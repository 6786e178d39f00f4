"""The team-aware score on cases computed by hand."""

import pytest

from bvas.metrics.score_rules import ScoreRules
from bvas.metrics.scorer import score_sheet
from bvas.metrics.team import label_without_side, sided_labels
from bvas.values.annotations import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))
SIDES = ("left", "right")
RULES = ScoreRules(labels=BALL, sides=SIDES)


def annotations_of(label, number, start=0.0, **more):
    return [Annotation(label, start + 10.0 * i, **more) for i in range(number)]


def found(annotations, label=None):
    return [Spot(label or a.label, a.seconds, 0.9) for a in annotations]


def sheet(annotations, spots, rules=RULES):
    return score_sheet([annotations], [spots], rules, matches=["match"])


def test_every_label_is_doubled_side_by_side():
    assert sided_labels(BALL, SIDES).names == ("PASS-left", "PASS-right", "DRIVE-left", "DRIVE-right")
    assert label_without_side("HIGH PASS-left", SIDES) == "HIGH PASS"


def test_a_label_is_the_mean_of_its_sides_weighted_by_their_annotations():
    left, right = annotations_of("PASS-left", 3), annotations_of("PASS-right", 1, start=500.0)
    drives = annotations_of("DRIVE-left", 2, start=1000.0)

    # All passes of the left, none of the right: 3/4 * 1 + 1/4 * 0; drives of one side count alone.
    scores = sheet(left + right + drives, found(left) + found(drives)).official

    assert scores.per_label == pytest.approx({"PASS": 0.75, "DRIVE": 1.0})
    assert scores.mean == pytest.approx((0.75 + 1.0) / 2)


def test_the_right_moment_for_the_wrong_team_counts_only_whoever_did_it():
    passes, drives = annotations_of("PASS-left", 4), annotations_of("DRIVE-right", 4, start=500.0)

    result = sheet(passes + drives, found(passes, "PASS-right") + found(drives))

    assert result.official.mean == pytest.approx(0.5)
    assert result.without_sides.mean == pytest.approx(1.0)
    labels = list(result.counts)
    assert result.confusion[labels.index("PASS-left"), labels.index("PASS-right")] == 4


def test_a_label_without_annotations_counts_zero_where_the_official_code_gives_nan():
    passes = annotations_of("PASS-left", 4)

    assert sheet(passes, found(passes)).official.per_label == {"PASS": 1.0, "DRIVE": 0.0}


def test_an_annotation_that_is_not_shown_weighs_minus_one_as_in_the_official_code():
    left = annotations_of("PASS-left", 3)
    unshown = annotations_of("PASS-right", 1, start=500.0, visible=False)
    drives = annotations_of("DRIVE-left", 1, start=1000.0)

    # (3 * 1 - 1 * 0) / (3 - 1)
    scores = sheet(left + unshown + drives, found(left) + found(drives)).official

    assert scores.per_label == pytest.approx({"PASS": 1.5, "DRIVE": 1.0})


def test_several_widths_are_averaged_side_by_side_first():
    # 1.9 s late for the left, on time for the right: tight gives (0/2 + 0 + 0 + 1 + 1/2) / 4 and 1.
    left, right = annotations_of("PASS-left", 1), annotations_of("PASS-right", 3, start=500.0)
    late = [Spot("PASS-left", left[0].seconds + 1.9, 0.9)]
    rules = ScoreRules(labels=LabelSet(("PASS",)), sides=SIDES, metric="tight")

    assert sheet(left + right, late + found(right), rules).official.mean == pytest.approx(
        (1 * 0.375 + 3 * 1.0) / 4
    )
