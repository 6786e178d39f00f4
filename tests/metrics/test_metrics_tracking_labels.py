import numpy as np
import pytest

from bvas.errors import ConfigError
from bvas.metrics.track_labels import LabelledRows, combined_labels, score_labels
from bvas.metrics.track_overlaps import TrackRows


def labelled(*entries):
    """`entries` as (frame, identity, x, label); boxes are 10 by 10."""
    table = np.array([entry[:3] for entry in entries], dtype=np.float64).reshape(-1, 3)
    boxes = np.zeros((len(table), 4))
    boxes[:, 0], boxes[:, 2:] = table[:, 2], 10
    rows = TrackRows(
        frames=table[:, 0].astype(np.int64), identities=table[:, 1].astype(np.int64), boxes=boxes
    )
    return LabelledRows(rows=rows, labels=[entry[3] for entry in entries])


TRUTH = labelled(*((frame, 1, 0, "run" if frame < 3 else "walk") for frame in range(4)))


def test_labels_are_compared_whatever_the_identities():
    # Another identity in each frame: run, run, walk, walk against run, run, run, walk.
    found = labelled((0, 5, 0, "run"), (1, 6, 0, "run"), (2, 7, 0, "walk"), (3, 8, 0, "walk"))
    scores = score_labels(TRUTH, found)
    assert scores.labels == ["run", "walk"]
    assert scores.confusion.tolist() == [[2, 1], [0, 1]]
    # run: precision 2 / 2, recall 2 / 3. walk: precision 1 / 2, recall 1 / 1.
    assert scores.rates["run"].f1 == pytest.approx(0.8)
    assert scores.rates["walk"].f1 == pytest.approx(2 / 3)
    assert scores.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert scores.accuracy == 3 / 4


def test_what_has_no_label_or_no_partner_is_counted_and_not_scored():
    truth = labelled((0, 1, 0, "run"), (1, 1, 0, ""), (2, 1, 0, "run"), (3, 1, 0, "run"))
    found = labelled((0, 1, 0, "run"), (1, 1, 0, "walk"), (2, 1, 0, ""), (3, 1, 50, "run"))
    scores = score_labels(truth, found)
    assert scores.pairs == {("run", "run"): 1}
    assert (scores.without_truth, scores.without_label, scores.missed) == (1, 1, 1)


def test_boxes_pair_up_by_the_largest_sum_of_overlaps():
    # Tracks at 1 and 3, players at 0 and 4: each takes the near one (IoU 9 / 11), not the one 3 apart (IoU 7 / 13).
    truth = labelled((0, 1, 0, "run"), (0, 2, 4, "jump"))
    found = labelled((0, 1, 3, "jump"), (0, 2, 1, "run"))
    assert score_labels(truth, found).pairs == {("run", "run"): 1, ("jump", "jump"): 1}


def test_an_overlap_below_one_half_is_no_pair():
    # 3 apart: 7 / 13; 4 apart: 6 / 14.
    assert score_labels(labelled((0, 1, 0, "run")), labelled((0, 1, 3, "run"))).num_pairs == 1
    scores = score_labels(labelled((0, 1, 0, "run")), labelled((0, 1, 4, "run")))
    assert (scores.num_pairs, scores.missed, scores.macro_f1, scores.accuracy) == (0, 1, None, None)
    assert scores.confusion.shape == (0, 0)


def test_a_label_that_is_never_true_counts_with_its_zero():
    scores = score_labels(TRUTH, labelled(*((frame, 1, 0, "kick") for frame in range(4))))
    assert scores.macro_f1 == 0
    assert scores.to_json()["classes"]["kick"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_several_sequences_add_up():
    one = score_labels(TRUTH, labelled(*((frame, 1, 0, "run") for frame in range(4))))
    both = combined_labels([one, one])
    assert both.pairs == {("run", "run"): 6, ("walk", "run"): 2}
    assert both.macro_f1 == one.macro_f1


def test_another_number_of_labels_is_refused():
    with pytest.raises(ConfigError, match="got 1 label for 4 boxes"):
        LabelledRows(rows=TRUTH.rows, labels=["run"])
