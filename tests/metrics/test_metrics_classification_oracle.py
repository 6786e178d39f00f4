"""Figures of a classifier equal scikit-learn's, and the report to the last character."""

import warnings
from functools import cache

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from bvas.metrics.class_figures import in_top
from bvas.metrics.class_scores import classification_scores

NUM_CASES = 200
SAME = {"rel": 0, "abs": 1e-12}
WORDS = ("block", "pass", "ball in hand", "défense", "a player who throws the ball in", "", "x")


def random_case(seed):
    """Return truth, scores and names: few or many classes, some that never occur, some that are never predicted."""
    draw = np.random.default_rng(seed)
    num_classes, num_samples = int(draw.integers(1, 13)), int(draw.integers(1, 120))
    shares = draw.dirichlet(np.full(num_classes, 0.5))
    truth = draw.choice(num_classes, size=num_samples, p=shares)
    scores = draw.random((num_samples, num_classes))
    scores[np.arange(num_samples), truth] += draw.uniform(0, 1)
    scores /= scores.sum(axis=1, keepdims=True)
    if seed % 3 == 0:
        scores = np.round(scores, 1)  # many ties
    if seed % 4 == 0 and num_classes > 1:
        scores[:, draw.integers(num_classes)] = 0.0
    names = [f"{WORDS[draw.integers(len(WORDS))]}{i}" for i in range(num_classes)]
    return truth, scores, names


@cache
def our_figures(seed):
    truth, scores, names = random_case(seed)
    return (
        truth,
        scores,
        names,
        classification_scores(truth, scores, names, [str(i % 7) for i in range(len(truth))]),
    )


def rates_of(rates):
    return rates.precision, rates.recall, rates.f1


def test_the_report_is_scikit_learns_character_by_character():
    for seed in range(NUM_CASES):
        truth, scores, names, ours = our_figures(seed)
        assert ours.report() == metrics.classification_report(
            truth,
            scores.argmax(axis=1),
            labels=range(len(names)),
            target_names=names,
            digits=2,
            zero_division=0,
        ), seed


def test_every_figure_is_scikit_learns():
    for seed in range(NUM_CASES):
        truth, scores, names, ours = our_figures(seed)
        predicted, labels = scores.argmax(axis=1), range(len(names))
        assert ours.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted), **SAME)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
            warnings.filterwarnings("ignore", message="A single label was found")
            balanced = metrics.balanced_accuracy_score(truth, predicted)
            confusion = metrics.confusion_matrix(truth, predicted, labels=labels)
        assert ours.balanced_accuracy == pytest.approx(balanced, **SAME)
        assert ours.confusion.tolist() == confusion.tolist()
        for average, rows in (
            (None, ours.classes.values()),
            ("macro", [ours.macro]),
            ("weighted", [ours.weighted]),
        ):
            expected = metrics.precision_recall_fscore_support(
                truth, predicted, labels=labels, average=average, zero_division=0
            )
            for got, theirs in zip(zip(*map(rates_of, rows), strict=True), expected[:3], strict=True):
                assert got == pytest.approx(tuple(np.atleast_1d(theirs)), **SAME), (seed, average)
            if average is None:
                assert [row.support for row in rows] == expected[3].tolist()


def test_top_k_is_scikit_learns():
    num_top_5 = 0
    for seed in range(NUM_CASES):
        truth, scores, names, ours = our_figures(seed)
        last = len(names) - 1
        if last < 2:
            continue
        for k in (1, min(5, last)):
            # Of equal scores scikit-learn takes the higher id first: with the classes reversed, that is ours.
            theirs = metrics.top_k_accuracy_score(last - truth, scores[:, ::-1], k=k, labels=range(last + 1))
            assert in_top(scores, truth, k).mean() == pytest.approx(theirs, **SAME), (seed, k)
            if k == 5:
                assert ours.top_5 == pytest.approx(theirs, **SAME)
                num_top_5 += 1
    assert num_top_5 > 80


def test_the_reliability_diagram_is_scikit_learns():
    for seed in range(NUM_CASES):
        truth, scores, _, ours = our_figures(seed)
        right = scores.argmax(axis=1) == truth
        shares, means = calibration_curve(right, scores.max(axis=1), n_bins=15, pos_label=True)
        full = [one for one in ours.reliability if one.count]
        assert [one.share_right for one in full] == pytest.approx(shares.tolist(), **SAME), seed
        assert [one.mean_confidence for one in full] == pytest.approx(means.tolist(), **SAME), seed


def test_the_random_cases_hold_what_is_rare():
    cases = [our_figures(seed) for seed in range(NUM_CASES)]
    wide = [ours for *_, ours in cases if len(ours.classes) > 2]
    assert sum(ours.accuracy == 0 for *_, ours in cases) > 1
    assert sum(any(rates.support == 0 for rates in ours.classes.values()) for ours in wide) > 50
    assert sum((ours.confusion.sum(axis=0) == 0).any() for ours in wide) > 50
    assert sum(max(map(len, names)) > 12 for *_, names, _ in cases) > 50
    assert {1, 2} < {len(names) for *_, names, _ in cases}
