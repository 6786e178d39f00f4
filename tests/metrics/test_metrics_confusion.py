from bvas.metrics.analysis import match_spots
from bvas.metrics.confusion import confusion_matrix
from bvas.values.annotations import Annotation, LabelSet, Spot

BALL = LabelSet(("PASS", "DRIVE"))


def confusion(annotations, spots):
    return confusion_matrix([match_spots(annotations, spots, BALL)], BALL, tolerance_seconds=0.5).tolist()


def test_annotations_are_rows_and_spots_columns_with_nothing_last():
    annotations = [Annotation("PASS", 10.0), Annotation("PASS", 20.0), Annotation("DRIVE", 30.0)]
    spots = [Spot("PASS", 10.1, 0.9), Spot("DRIVE", 20.4, 0.9), Spot("DRIVE", 50.0, 0.9)]

    # A pass found, a pass taken for a drive, a drive missed, a drive where nothing was.
    assert confusion(annotations, spots) == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_a_spot_of_the_same_label_answers_first_though_another_is_surer():
    spots = [Spot("DRIVE", 10.0, 0.9), Spot("PASS", 10.4, 0.3)]

    assert confusion([Annotation("PASS", 10.0)], spots) == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_a_spot_of_another_label_must_lie_within_the_tolerance_too():
    assert confusion([Annotation("PASS", 10.0)], [Spot("DRIVE", 10.6, 0.9)]) == [
        [0, 0, 1],
        [0, 0, 0],
        [0, 1, 0],
    ]


def test_rows_sum_to_the_annotations_and_columns_to_the_spots():
    annotations = [Annotation(label, float(i)) for i, label in enumerate(["PASS", "DRIVE"] * 20)]
    spots = [Spot(label, 0.7 * i, 0.5) for i, label in enumerate(["DRIVE", "PASS", "PASS"] * 15)]

    matrix = confusion(annotations, spots)

    assert [sum(row) for row in matrix[:2]] == [20, 20]
    assert [sum(row[i] for row in matrix) for i in (0, 1)] == [30, 15]
