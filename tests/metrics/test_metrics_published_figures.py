"""Published figures of SpaceJam, recomputed from what their authors state: the arithmetic of docs/classes.md."""

import pytest

from bvas.models.logits_check import lowest_loss

COUNTS = (996, 1070, 5924, 3490, 426, 2362, 3866, 712, 6490, 11749)
# The classification report of the slow_r50 system, over 833 clips in balanced numbers.
RECALLS = (0.75, 0.76, 0.86, 0.94, 0.83, 0.72, 0.58, 0.88, 0.81, 0.58)
SUPPORTS = (64, 161, 64, 64, 64, 160, 64, 64, 64, 64)


def test_the_data_set_has_37085_clips_and_copies_of_four_classes_make_49901():
    rare = [count for count in COUNTS if count < 2000]
    assert sum(COUNTS) == 37085
    assert (len(rare), sum(rare)) == (4, 3204)
    assert sum(COUNTS) + 4 * sum(rare) == 49901
    # An original with four copies: all five have siblings.
    assert 5 * sum(rare) / 49901 == pytest.approx(0.32, abs=0.005)
    # Of four siblings, each in training with 70 %, at least one is.
    assert 1 - 0.3**4 == pytest.approx(0.99, abs=0.005)


def test_at_natural_shares_an_accuracy_of_85_percent_is_one_of_82_at_most():
    # Of the stored confusion matrix: 95.3 % of the classes with copies are right, 80.8 % of the others.
    with_copies = 3204 / 37085
    assert 5 * 3204 / 49901 * 0.953 + (1 - 5 * 3204 / 49901) * 0.808 == pytest.approx(0.854, abs=0.001)
    assert with_copies * 0.953 + (1 - with_copies) * 0.808 == pytest.approx(0.821, abs=0.001)


def test_an_accuracy_on_balanced_clips_is_another_one_at_natural_shares():
    balanced = sum(r * n for r, n in zip(RECALLS, SUPPORTS, strict=True)) / sum(SUPPORTS)
    natural = sum(r * n for r, n in zip(RECALLS, COUNTS, strict=True)) / sum(COUNTS)
    assert balanced == pytest.approx(0.7647, abs=0.005)
    assert natural == pytest.approx(0.726, abs=0.0005)
    assert max(COUNTS) / sum(COUNTS) == pytest.approx(0.317, abs=0.0005)


@pytest.mark.parametrize(("accuracy", "reported"), [(0.8830, 1.5763), (0.7587, 1.7117)])
def test_reported_losses_are_those_of_cross_entropy_on_probabilities(accuracy, reported):
    floor = lowest_loss(10)
    assert floor == pytest.approx(1.4612, abs=5e-5)
    # A certain answer costs the floor where it is right, and one more where it is wrong.
    assert accuracy * floor + (1 - accuracy) * (floor + 1) == pytest.approx(reported, abs=0.01)
