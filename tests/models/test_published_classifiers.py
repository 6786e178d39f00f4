"""Arithmetic of what two published SpaceJam classifiers report: what their figures are figures of."""

import math

import pytest

from bvas.experiment.class_config import ClassConfig
from bvas.models.logits_check import lowest_loss

# Clips by class: block, pass, run, dribble, shoot, ball in hand, defense, pick, no_action, walk.
COUNTS = (996, 1070, 5924, 3490, 426, 2362, 3866, 712, 6490, 11749)
# Recalls of the second one's report, on its balanced test split.
RECALLS = (0.75, 0.76, 0.86, 0.94, 0.83, 0.72, 0.58, 0.88, 0.81, 0.58)
AUGMENTED = [count for count in COUNTS if count < 2000]


def loss_of_softmax_outputs(accuracy):
    """Cross-entropy of certain answers that are given as probabilities, of which a share is right."""
    return lowest_loss(10) + (1 - accuracy)


def test_four_classes_were_augmented_by_four_copies():
    assert sum(COUNTS) == 37_085
    assert len(AUGMENTED) == 4
    assert sum(COUNTS) + 4 * sum(AUGMENTED) == 49_901


def test_nearly_all_clips_with_copies_have_one_in_training():
    assert 5 * sum(AUGMENTED) / 49_901 == pytest.approx(0.32, abs=0.005)
    # None of the four others among the 70 % of training.
    assert 1 - 0.3**4 == pytest.approx(0.99, abs=0.005)


def test_at_natural_shares_the_first_one_reaches_82_percent_at_most():
    # 95.3 % of the classes with copies are right, 80.8 % of the others.
    share = sum(AUGMENTED) / sum(COUNTS)
    assert share * 0.953 + (1 - share) * 0.808 == pytest.approx(0.821, abs=0.001)


def test_the_losses_of_the_second_one_are_those_of_a_softmax_taken_twice():
    assert lowest_loss(10) == pytest.approx(1.4612, abs=5e-5)
    # Reported: 1.5763 in training at 88.30 %, 1.7117 in validation at 75.87 %.
    assert loss_of_softmax_outputs(0.8830) == pytest.approx(1.5763, abs=0.003)
    assert loss_of_softmax_outputs(0.7587) == pytest.approx(1.7117, abs=0.011)


def test_at_natural_shares_the_second_one_reaches_72_6_percent():
    right = sum(count * recall for count, recall in zip(COUNTS, RECALLS, strict=True))
    assert right / sum(COUNTS) == pytest.approx(0.726, abs=0.0005)


def test_the_second_ones_test_split_is_15_percent_of_its_balanced_clips():
    config = ClassConfig(cap_per_class={"1": 1070, "5": 1070})
    balanced = config.balanced_counts({str(number): count for number, count in enumerate(COUNTS)})
    assert math.ceil(0.15 * sum(balanced.values())) == 833


def test_the_majority_class_is_right_in_a_third_of_the_clips():
    assert max(COUNTS) / sum(COUNTS) == pytest.approx(0.317, abs=0.0005)
