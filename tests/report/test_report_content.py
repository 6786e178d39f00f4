import numpy as np
import pytest
from report_samples import shown_video

from bvas.errors import DataError
from bvas.report.content import MatchReport, drawn_labels
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve

BALL = LabelSet(("PASS", "DRIVE"))
FOUR = LabelSet(("PASS", "DRIVE", "SHOT", "GOAL"))


def report_of(spots, annotations=None, labels=BALL, **options):
    return shown_video(
        "a.mkv",
        spots,
        labels,
        duration_seconds=60.0,
        operating_point=0.2,
        annotations=annotations,
        **options,
    )


def test_only_spots_from_the_operating_point_up_are_reported_in_order_of_time():
    video = report_of([Spot("PASS", 9.0, 0.2), Spot("PASS", 5.0, 0.9), Spot("PASS", 7.0, 0.19)])
    assert [spot.seconds for spot in video.spots] == [5.0, 9.0]


def test_a_candidate_below_the_operating_point_is_no_false_alarm_and_no_hit():
    video = report_of([Spot("PASS", 5.0, 0.1)], [Annotation("PASS", 5.0)])
    assert (len(video.matching.hits), len(video.matching.misses), len(video.matching.false_alarms)) == (
        0,
        1,
        0,
    )


def test_annotations_come_back_in_order_of_time_answered_or_not():
    video = report_of([Spot("PASS", 9.0, 0.9)], [Annotation("PASS", 9.0), Annotation("PASS", 2.0)])
    assert [a.seconds for a in video.annotations] == [2.0, 9.0]


def test_an_empty_list_of_annotations_makes_every_spot_a_false_alarm_and_none_makes_no_claim():
    assert len(report_of([Spot("PASS", 5.0, 0.9)], []).matching.false_alarms) == 1
    assert report_of([Spot("PASS", 5.0, 0.9)]).matching is None


def test_a_report_has_rankings_only_if_all_its_videos_have():
    with_labels, without = report_of([], []), report_of([])

    def rankings(*videos):
        return MatchReport(title="", labels=BALL, videos=videos, operating_point=0.2).rankings

    assert rankings(with_labels, without) is None
    assert rankings() is None
    assert len(rankings(with_labels, with_labels)) == 2


def test_lanes_are_drawn_for_labels_that_occur():
    assert drawn_labels(report_of([Spot("SHOT", 1.0, 0.9)], [Annotation("PASS", 3.0)], FOUR), FOUR) == [
        "PASS",
        "SHOT",
    ]
    assert drawn_labels(report_of([], labels=FOUR), FOUR) == list(FOUR)
    assert drawn_labels(report_of([]), BALL) == ["PASS", "DRIVE"]


def test_a_curve_of_other_labels_is_refused():
    curve = ScoreCurve(np.zeros((5, 3), np.float32), np.arange(5.0), ("A", "B", "C"))
    with pytest.raises(DataError, match="has the labels A, B, C, and its results have PASS, DRIVE"):
        report_of([], curve=curve)
