"""Figures of a classifier, by hand."""

import json

import numpy as np
import pytest

from bvas import ConfigError
from bvas.metrics.bootstrap import resamples
from bvas.metrics.class_figures import NUM_BINS, in_top
from bvas.metrics.class_scores import classification_scores

NAMES = ("stand", "walk", "run")
# Eight samples: stand 4, walk 3, run 1; one of stand is taken for walk, one of walk for stand, run for stand.
TRUTH = [0, 0, 0, 0, 1, 1, 1, 2]
PREDICTED = [0, 0, 0, 1, 1, 1, 0, 0]


def one_hot(predicted, num_classes=3):
    return np.eye(num_classes)[predicted]


def scored(truth=TRUTH, predicted=PREDICTED, names=NAMES, groups=None):
    return classification_scores(
        truth, one_hot(predicted, len(names)), names, groups or [f"match {i}" for i in range(len(truth))]
    )


def rates_of(rates):
    return rates.precision, rates.recall, rates.f1, rates.support


def test_rates_of_each_class_and_their_means():
    scores = scored()
    assert scores.accuracy == 5 / 8
    assert rates_of(scores.classes["stand"]) == pytest.approx((3 / 5, 3 / 4, 6 / 9, 4))
    assert rates_of(scores.classes["walk"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert rates_of(scores.classes["run"]) == (0, 0, 0, 1)
    assert rates_of(scores.macro) == pytest.approx(((3 / 5 + 2 / 3) / 3, (3 / 4 + 2 / 3) / 3, 4 / 9, 8))
    assert rates_of(scores.weighted) == pytest.approx(
        ((4 * 3 / 5 + 3 * 2 / 3) / 8, 5 / 8, (4 * 6 / 9 + 3 * 2 / 3) / 8, 8)
    )


def test_rows_of_the_confusion_matrix_are_true_classes():
    assert scored().confusion.tolist() == [[3, 1, 0], [1, 2, 0], [1, 0, 0]]


def test_a_class_that_never_occurs_leaves_the_balanced_accuracy_alone_and_counts_in_the_macro_mean():
    scores = scored([0, 0, 0, 0, 1], [0, 0, 0, 2, 1])
    # Recalls 3/4 and 1; nothing is `run`, and one sample was taken for it.
    assert scores.balanced_accuracy == (3 / 4 + 1) / 2
    assert rates_of(scores.classes["run"]) == (0, 0, 0, 0)
    assert scores.macro.recall == pytest.approx((3 / 4 + 1 + 0) / 3)


def test_the_majority_class_stands_beside_and_of_equals_it_is_the_first():
    scores = scored()
    assert (scores.majority, scores.majority_accuracy) == ("stand", 0.5)
    assert scored([2, 2, 1, 1], [0, 0, 0, 0]).majority == "walk"


def test_of_equal_scores_the_lower_id_is_better():
    scores = np.array([[0.1, 0.4, 0.1, 0.4], [0.25, 0.25, 0.25, 0.25]])

    def top(k, *truth):
        return in_top(scores, np.array(truth), k).tolist()

    # First sample: ranks are 1, 3, 0, 2.
    assert [top(k, 3, 0) for k in (1, 2, 3)] == [[False, True], [True, True], [True, True]]
    assert [top(k, 2, 2) for k in (1, 2, 3, 4)] == [[False] * 2, [False] * 2, [False, True], [True] * 2]
    assert top(9, 2, 3) == [True, True]


def test_top_1_is_the_accuracy_even_where_all_scores_are_equal():
    scores = np.full((6, 3), 1 / 3)
    truth = np.array([0, 0, 1, 1, 2, 2])
    assert in_top(scores, truth, 1).mean() == classification_scores(truth, scores, NAMES, "abcdef").accuracy
    assert in_top(scores, truth, 1).tolist() == [True, True, False, False, False, False]


def test_top_5_counts_the_five_best_and_needs_a_sixth_class():
    names = [f"class {i}" for i in range(6)]
    scores = np.array([[0.3, 0.25, 0.2, 0.15, 0.06, 0.04]] * 4)
    # The sixth is out, the fifth is in.
    assert classification_scores([0, 4, 4, 5], scores, names, "abcd").top_5 == 3 / 4
    assert classification_scores([0, 4, 4, 4], scores[:, :5], names[:5], "abcd").top_5 is None


def test_calibration_is_the_mean_distance_of_confidence_and_accuracy():
    confidence = np.array([0.9, 0.9, 0.88, 0.62, 0.64])
    scores = np.stack([confidence, 1 - confidence], axis=1)
    # Bins are 1/15 wide: three samples in 13/15 to 14/15, two of them right; two in 9/15 to 10/15, one right.
    result = classification_scores([0, 0, 1, 0, 1], scores, ("in", "out"), "abcde")
    full = {i: one for i, one in enumerate(result.reliability) if one.count}
    assert len(result.reliability) == NUM_BINS == 15
    assert list(full) == [9, 13]
    assert (full[13].low, full[13].high, full[13].count) == (13 / 15, 14 / 15, 3)
    assert (full[13].share_right, full[13].mean_confidence) == pytest.approx((2 / 3, 2.68 / 3))
    assert (full[9].share_right, full[9].mean_confidence) == pytest.approx((1 / 2, 0.63))
    assert result.calibration_error == pytest.approx((3 * (2.68 / 3 - 2 / 3) + 2 * (0.63 - 1 / 2)) / 5)


def test_a_confidence_on_an_edge_lies_in_the_bin_below_and_bins_without_samples_have_no_share():
    scores = [[0.6, 0.4], [1.0, 0.0], [0.0, 0.0]]
    bins = classification_scores([0, 0, 0], scores, ("in", "out"), "abc").reliability
    # 0.6 = 9/15 is the upper edge of the ninth bin; 0 has none below it.
    assert [i for i, one in enumerate(bins) if one.count] == [0, 8, 14]
    assert bins[1].share_right is None
    assert bins[1].mean_confidence is None


def test_right_and_certain_is_calibrated_and_wrong_and_certain_is_not():
    assert scored([0, 1, 2], [0, 1, 2]).calibration_error == 0
    assert scored([0, 1, 2], [1, 2, 0]).calibration_error == 1


def test_intervals_are_those_of_the_samples_of_drawn_groups():
    draw = np.random.default_rng(3)
    groups = [f"match {g}" for g in draw.integers(5, size=60)]
    truth, predicted = draw.integers(3, size=60), draw.integers(3, size=60)
    # `run` lies in a single match, so that many resamples do not hold it; `fall` never occurs.
    truth[truth == 2] = 0
    truth[groups.index("match 4")] = 2
    names = (*NAMES, "fall")

    values = {"accuracy": [], "balanced_accuracy": [], "macro_f1": []}
    for weights in resamples(5).astype(int).tolist():
        taken = [i for i, group in enumerate(groups) for _ in range(weights[int(group[-1])])]
        resample = scored(truth[taken], predicted[taken], names, ["one"] * len(taken))
        values["accuracy"].append(resample.accuracy)
        values["balanced_accuracy"].append(resample.balanced_accuracy)
        f1 = [rates.f1 for name, rates in resample.classes.items() if rates.support or name == "fall"]
        values["macro_f1"].append(np.mean(f1))

    intervals = scored(truth, predicted, names, groups).intervals
    assert list(intervals) == list(values)
    for name, expected in values.items():
        bounds = intervals[name].low, intervals[name].high
        assert bounds == pytest.approx(np.quantile(expected, (0.025, 0.975)), abs=1e-12)
        assert intervals[name].num_matches == 5


def test_intervals_do_not_depend_on_the_order_of_the_samples():
    groups = ["b", "b", "a", "c", "a", "d", "d", "c"]
    order = [7, 2, 5, 0, 3, 6, 1, 4]
    there = scored(groups=groups).intervals
    shuffled = scored(
        *([row[i] for i in order] for row in (TRUTH, PREDICTED)), groups=[groups[i] for i in order]
    )
    assert shuffled.intervals == there


def test_two_groups_are_too_few_for_an_interval():
    scores = scored(groups=["a"] * 4 + ["b"] * 4)
    assert scores.intervals is None
    assert scores.to_json()["intervals"] is None
    assert scores.summary().splitlines()[0] == "accuracy           0.6250"


def test_hundreds_of_classes_and_groups_take_no_matrix_for_each_resample():
    truth = np.arange(2000) % 400
    scores = scored(truth, truth, [f"class {i}" for i in range(400)], [f"clip {i // 4}" for i in range(2000)])
    assert (scores.accuracy, scores.top_5, scores.intervals["macro_f1"].low) == (1, 1, 1)


def test_the_report_is_a_table_of_all_classes():
    assert scored().report() == (
        "              precision    recall  f1-score   support\n"
        "\n"
        "       stand       0.60      0.75      0.67         4\n"
        "        walk       0.67      0.67      0.67         3\n"
        "         run       0.00      0.00      0.00         1\n"
        "\n"
        "    accuracy                           0.62         8\n"
        "   macro avg       0.42      0.47      0.44         8\n"
        "weighted avg       0.55      0.62      0.58         8\n"
    )


def test_without_any_hit_supports_have_a_decimal_as_scikit_learn_prints_them():
    lines = scored([0, 1], [1, 0]).report().splitlines()
    assert lines[2] == "       stand       0.00      0.00      0.00       1.0"
    assert lines[6] == "    accuracy                           0.00       2.0"


def test_the_summary_has_a_line_for_each_figure_with_its_interval():
    lines = scored().summary().splitlines()
    interval = scored().intervals["accuracy"]
    assert lines[0] == (
        f"accuracy           0.6250  {interval.low:.4f} to {interval.high:.4f} "
        "(95 %, bootstrap over 8 groups, 1000 resamples, seed 0)"
    )
    assert [line.split("  ")[0] for line in lines] == [
        "accuracy",
        "balanced accuracy",
        "macro F1",
        "majority class",
        "calibration error",
    ]
    assert lines[3:] == ["majority class     0.5000  always stand", "calibration error  0.3750  15 bins"]


def test_figures_are_plain_data():
    content = json.loads(json.dumps(scored().to_json(), allow_nan=False))
    assert content["num_samples"] == 8
    assert content["classes"]["run"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert content["confusion"] == [[3, 1, 0], [1, 2, 0], [1, 0, 0]]
    assert content["majority"] == {"class": "stand", "accuracy": 0.5}
    assert content["top_5"] is None
    assert content["calibration"]["expected_error"] == 3 / 8
    assert content["calibration"]["bins"][14] == {
        "low": 14 / 15,
        "high": 1,
        "count": 8,
        "share_right": 5 / 8,
        "mean_confidence": 1,
    }
    assert set(content["intervals"]) == {"accuracy", "balanced_accuracy", "macro_f1"}
    assert content["intervals"]["accuracy"]["num_groups"] == 8


def test_scores_of_a_model_may_be_float32():
    scores = np.float32([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    assert classification_scores(np.array([0, 1], np.int32), scores, NAMES, "ab").accuracy == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"truth": [], "scores": np.empty((0, 3)), "groups": []},
            "got 0 samples, and figures need one at least",
        ),
        ({"truth": [0, 3]}, "sample 1 has class 3, and ids go from 0 to 2; count them in the order"),
        ({"truth": [-1, 0]}, "sample 0 has class -1, and ids go from 0 to 2"),
        ({"truth": [0.0, 1.0]}, r"must be integers \[S\], got float64 \[2\]; give one id a sample"),
        ({"truth": [[0], [1]]}, r"must be integers \[S\], got int64 \[2, 1\]"),
        (
            {"scores": [[0.5, 0.5]] * 2},
            r"\[2, 3\] for 2 true classes and 3 class names, got \[2, 2\]; give a row",
        ),
        ({"scores": [[1, 0, 0]] * 3}, r"\[2, 3\] for 2 true classes and 3 class names, got \[3, 3\]"),
        ({"scores": [1, 0, 0]}, r"got \[3\]"),
        (
            {"scores": [[1, 0, 0], [0, np.nan, 1]]},
            "sample 1 has score nan for 'walk'.* NaN comes from the model",
        ),
        (
            {"scores": [[1, 0, 0], [0, 0, 1.0000001]]},
            r"score 1\.0000001 for 'run', and a probability lies in \[0, 1\]",
        ),
        ({"scores": [[-2.5, 0, 0]] * 2}, "sample 0 has score -2.5 for 'stand'.* logits need a softmax first"),
        ({"scores": [[np.inf, 0, 0]] * 2}, "sample 0 has score inf"),
        ({"groups": ["a"]}, "got 1 group for 2 samples; give one for each"),
        (
            {"names": ("run", "walk", "run")},
            r"distinct, one at least, got \['run', 'walk', 'run'\]; name each",
        ),
        ({"names": (), "scores": np.empty((2, 0))}, r"distinct, one at least, got \[\]"),
    ],
)
def test_what_cannot_be_scored_is_named(wrong, message):
    right = {"truth": [0, 1], "scores": [[1, 0, 0], [0, 1, 0]], "names": NAMES, "groups": ["a", "b"]}
    assert classification_scores(**right).accuracy == 1
    with pytest.raises(ConfigError, match=message):
        classification_scores(**{**right, **wrong})
