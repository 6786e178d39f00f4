import numpy as np

from bvas.detection.box_choice import choose_boxes

BOX = [1.0, 2.0, 3.0, 4.0]


def test_boxes_without_area_are_left_out():
    boxes = np.array([[0, 0, 0, 5.0], [0, 0, 5, -1], [0, 0, np.inf, 1], BOX])
    kept, scores = choose_boxes(boxes, np.array([0.9, 0.9, 0.9, 0.5]), threshold=0.3)
    assert kept.tolist() == [BOX]
    assert scores.tolist() == [0.5]


def test_a_score_at_the_threshold_is_kept_and_nan_never():
    kept, scores = choose_boxes(np.array([BOX] * 3), np.array([np.nan, 0.5, 0.25]), threshold=0.5)
    assert len(kept) == 1
    assert scores.tolist() == [0.5]


def test_the_best_remain_in_order_and_equal_ones_as_they_came():
    boxes = np.array([[x, 0, 1, 1] for x in (0.0, 10, 20, 30)])
    kept, _ = choose_boxes(boxes, np.array([0.5, 0.9, 0.5, 0.4]), threshold=0.0, most=3)
    assert kept[:, 0].tolist() == [10, 0, 20]
