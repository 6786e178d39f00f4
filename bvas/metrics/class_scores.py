"""Classification scores: all figures about predicted and true classes of some samples."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bvas.errors import ConfigError
from bvas.metrics.bootstrap import Interval
from bvas.metrics.class_figures import (
    ReliabilityBin,
    calibration_error,
    class_intervals,
    class_rates,
    confusion_of,
    in_top,
    reliability_bins,
)
from bvas.values.arrays import Floats, Ints
from bvas.values.plural import count_text

TOP = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Rates of a class, or their mean over all classes."""

    precision: float
    recall: float
    f1: float
    support: int
    """Samples of the class, or of all classes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassificationScores:
    """All figures; scores and shares in [0, 1]."""

    accuracy: float
    balanced_accuracy: float
    """Mean recall of the classes that occur."""
    top_5: float | None
    """Share of the samples whose true class is among the five best; None with five classes or fewer."""
    classes: dict[str, Rates]
    """By name; a rate without anything to divide by is 0."""
    macro: Rates
    """Mean over all classes; one that never occurs counts with its zeros."""
    weighted: Rates
    """Mean over all classes, weighted by support."""
    confusion: Ints
    """[K, K], samples by true class (row) and predicted class."""
    majority: str
    """Most frequent true class of these samples; of equally frequent ones the first."""
    majority_accuracy: float
    """Accuracy of always answering `majority`."""
    calibration_error: float
    """Expected calibration error, from `reliability`."""
    reliability: tuple[ReliabilityBin, ...]
    """Rows of the reliability diagram."""
    intervals: dict[str, Interval] | None
    """Of `accuracy`, `balanced_accuracy` and `macro_f1`, over groups; None with fewer than three."""

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "num_samples": self.macro.support,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "top_5": self.top_5,
            "classes": {name: asdict(rates) for name, rates in self.classes.items()},
            "macro": asdict(self.macro),
            "weighted": asdict(self.weighted),
            "confusion": self.confusion.tolist(),
            "majority": {"class": self.majority, "accuracy": self.majority_accuracy},
            "calibration": {
                "expected_error": self.calibration_error,
                "bins": [asdict(one) for one in self.reliability],
            },
            "intervals": self.intervals and {name: _as_json(one) for name, one in self.intervals.items()},
        }

    def report(self) -> str:
        """Return the table of all classes as scikit-learn's `classification_report` prints it.

        It equals `classification_report(truth, predicted, labels=range(K), target_names=names, digits=2)`. As every
        class is listed, the row of the accuracy always stands in the place of the micro average.
        """
        width = max(map(len, ("weighted avg", *self.classes)))
        # As scikit-learn's own: without any hit, its supports are floats.
        support = "{:>9}" if self.accuracy else "{:>7}.0"

        def row(name: str, rates: Rates) -> str:
            values = "".join(f" {value:>9.2f}" for value in (rates.precision, rates.recall, rates.f1))
            return f"{name:>{width}} {values} {support.format(rates.support)}"

        titles = "".join(f" {title:>9}" for title in ("precision", "recall", "f1-score", "support"))
        lines = [
            f"{'':>{width}} {titles}",
            "",
            *(row(name, rates) for name, rates in self.classes.items()),
            "",
            f"{'accuracy':>{width}} {'':>20} {self.accuracy:>9.2f} {support.format(self.macro.support)}",
            row("macro avg", self.macro),
            row("weighted avg", self.weighted),
        ]
        return "".join(f"{line}\n" for line in lines)

    def summary(self) -> str:
        """Return the figures of all classes together, a line each, with their intervals."""
        rows: list[tuple[str, float | None, str]] = [
            ("accuracy", self.accuracy, self._interval_text("accuracy")),
            ("balanced accuracy", self.balanced_accuracy, self._interval_text("balanced_accuracy")),
            ("macro F1", self.macro.f1, self._interval_text("macro_f1")),
            (f"top-{TOP} accuracy", self.top_5, ""),
            ("majority class", self.majority_accuracy, f"always {self.majority}"),
            ("calibration error", self.calibration_error, f"{len(self.reliability)} bins"),
        ]
        return "".join(
            f"{name:<18} {value:.4f}  {remark}".rstrip() + "\n"
            for name, value, remark in rows
            if value is not None
        )

    def _interval_text(self, name: str) -> str:
        return self.intervals[name].text(unit="group") if self.intervals else ""


def classification_scores(
    truth: ArrayLike, scores: ArrayLike, names: Sequence[str], groups: Sequence[str]
) -> ClassificationScores:
    """Return all figures of some samples. The predicted class has the best score; of equal ones, the first.

    Args:
        truth: [S], true class ids from 0 to K - 1.
        scores: [S, K], probabilities.
        names: The K classes, by id.
        groups: [S], what each sample belongs to (a match, a recording), over which intervals are resampled.

    Raises:
        ConfigError: no samples, arrays of other shapes, names that repeat, an id without a class, or a score that is
            no probability.
    """
    true_ids, probabilities = _checked(truth, scores, names, groups)
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_of(true_ids, predicted, len(names))
    support = confusion.sum(axis=1)
    rates = np.array(class_rates(confusion.diagonal(), support, confusion.sum(axis=0)))
    bins = reliability_bins(probabilities.max(axis=1), predicted == true_ids)
    return ClassificationScores(
        accuracy=float((predicted == true_ids).mean()),
        balanced_accuracy=float(rates[1, support > 0].mean()),
        top_5=float(in_top(probabilities, true_ids, TOP).mean()) if len(names) > TOP else None,
        classes={
            name: _rates(column, number)
            for name, column, number in zip(names, rates.T, support.tolist(), strict=True)
        },
        macro=_rates([np.average(row) for row in rates], len(true_ids)),
        weighted=_rates([np.average(row, weights=support) for row in rates], len(true_ids)),
        confusion=confusion,
        majority=names[support.argmax()],
        majority_accuracy=float(support.max() / support.sum()),
        calibration_error=calibration_error(bins),
        reliability=bins,
        intervals=class_intervals(true_ids, predicted, len(names), groups),
    )


def _checked(
    truth: ArrayLike, scores: ArrayLike, names: Sequence[str], groups: Sequence[str]
) -> tuple[Ints, Floats]:
    true_ids, probabilities = np.asarray(truth), np.asarray(scores, dtype=np.float64)
    num_classes, num_samples = len(names), true_ids.size
    if not names or len(set(names)) < num_classes:
        raise ConfigError(
            f"class names must be distinct, one at least, got {list(names)}; name each column once"
        )
    if not num_samples:
        raise ConfigError("got 0 samples, and figures need one at least; check which samples were chosen")
    if true_ids.ndim != 1 or not np.issubdtype(true_ids.dtype, np.integer):
        raise ConfigError(
            f"true classes must be integers [S], got {true_ids.dtype} {list(true_ids.shape)}; give one id a sample"
        )
    if probabilities.shape != (num_samples, num_classes):
        raise ConfigError(
            f"scores must be [{num_samples}, {num_classes}] for {count_text(num_samples, 'true class')} and "
            f"{count_text(num_classes, 'class name')}, got {list(probabilities.shape)}; give a row of all classes for "
            "each sample"
        )
    if len(groups) != num_samples:
        raise ConfigError(
            f"got {count_text(len(groups), 'group')} for {count_text(num_samples, 'sample')}; give one for each"
        )
    outside = np.flatnonzero((true_ids < 0) | (true_ids >= num_classes))
    if len(outside):
        raise ConfigError(
            f"sample {outside[0]} has class {true_ids[outside[0]]}, and ids go from 0 to {num_classes - 1}; count "
            "them in the order of the class names"
        )
    # NaN is not inside either.
    wrong = np.argwhere(~((probabilities >= 0) & (probabilities <= 1)))
    if len(wrong):
        sample, class_id = wrong[0]
        raise ConfigError(
            f"sample {sample} has score {probabilities[sample, class_id]} for {names[class_id]!r}, and a probability "
            "lies in [0, 1]; logits need a softmax first, and NaN comes from the model or its input"
        )
    return true_ids.astype(np.int64), probabilities


def _rates(values: Sequence[float] | Floats, support: int) -> Rates:
    precision, recall, f1 = map(float, values)
    return Rates(precision=precision, recall=recall, f1=f1, support=support)


def _as_json(interval: Interval) -> dict[str, float | int]:
    """Return plain data, in which what is resampled is called groups."""
    return {key.replace("num_matches", "num_groups"): value for key, value in interval.to_json().items()}
