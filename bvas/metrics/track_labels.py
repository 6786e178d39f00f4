"""Labels of tracked boxes against those of the true boxes that they lie on.

In each frame, true and tracked boxes are assigned to each other regardless of identities: pairs need an intersection
over union (IoU) of `MIN_OVERLAP`, and the assignment has the largest sum of IoU. Each assigned pair is a sample, the
true box's label its class and the tracked box's label its prediction. A pair without one of the labels is counted, and
scored nowhere; so are boxes without a partner.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from bvas.errors import ConfigError
from bvas.metrics.class_figures import class_rates, confusion_of
from bvas.metrics.class_scores import Rates
from bvas.metrics.track_overlaps import TrackRows, sequence_overlaps
from bvas.values.arrays import Ints
from bvas.values.plural import count_text

MIN_OVERLAP = 0.5
"""IoU of boxes that are one player."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledRows:
    """Boxes with labels."""

    rows: TrackRows
    """R boxes"""
    labels: Sequence[str]
    """[R]; empty where none is known."""

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.rows.frames):
            raise ConfigError(
                f"got {count_text(len(self.labels), 'label')} for {count_text(len(self.rows.frames), 'box')}; give "
                "one for each, and an empty one where none is known"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScores:
    """Counts of one or several sequences; they add up over sequences."""

    pairs: Mapping[tuple[str, str], int]
    """Pairs of boxes by (true label, label)."""
    without_truth: int
    """Pairs whose true box has no label."""
    without_label: int
    """Pairs whose true box has a label, and whose tracked box has none."""
    missed: int
    """True boxes with a label that no tracked box lies on."""

    @property
    def labels(self) -> list[str]:
        """The K labels of the pairs, true or not, sorted."""
        return sorted({label for pair in self.pairs for label in pair})

    @property
    def num_pairs(self) -> int:
        """Pairs with both labels."""
        return sum(self.pairs.values())

    @property
    def confusion(self) -> Ints:
        """[K, K], pairs by true label (row) and label, in the order of `labels`."""
        place = {label: number for number, label in enumerate(self.labels)}
        cells = np.array([(place[true], place[label]) for true, label in self.pairs], dtype=np.int64)
        repeats = np.array(list(self.pairs.values()), dtype=np.int64)
        true_ids, ids = np.repeat(cells.reshape(-1, 2), repeats, axis=0).T
        return confusion_of(true_ids, ids, len(place))

    @property
    def rates(self) -> dict[str, Rates]:
        """Precision, recall and F1 of each label."""
        confusion = self.confusion
        support = confusion.sum(axis=1)
        columns = np.array(class_rates(confusion.diagonal(), support, confusion.sum(axis=0))).T
        return {
            label: Rates(
                precision=float(values[0]), recall=float(values[1]), f1=float(values[2]), support=number
            )
            for label, values, number in zip(self.labels, columns, support.tolist(), strict=True)
        }

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 of the labels; None without a pair."""
        rates = self.rates
        return float(np.mean([one.f1 for one in rates.values()])) if rates else None

    @property
    def accuracy(self) -> float | None:
        """Share of the pairs with equal labels; None without a pair."""
        hits = sum(count for (true, label), count in self.pairs.items() if true == label)
        return hits / self.num_pairs if self.pairs else None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "pairs": self.num_pairs,
            "pairs_without_true_label": self.without_truth,
            "pairs_without_label": self.without_label,
            "labelled_true_boxes_missed": self.missed,
            "macro_f1": self.macro_f1,
            "accuracy": self.accuracy,
            "classes": {
                label: {
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                    "support": one.support,
                }
                for label, one in self.rates.items()
            },
            "confusion": self.confusion.tolist(),
        }


def score_labels(truth: LabelledRows, tracks: LabelledRows) -> LabelScores:
    """Return the counts of one sequence."""
    # Each box is an identity of its own: what is assigned are rows.
    sequence = sequence_overlaps(_without_identities(truth.rows), _without_identities(tracks.rows))
    pairs: Counter[tuple[str, str]] = Counter()
    without_truth = without_label = num_true = 0
    for frame in sequence.frames:
        weights = np.where(frame.overlaps >= MIN_OVERLAP, frame.overlaps, 0.0)
        rows, columns = linear_sum_assignment(weights, maximize=True)
        is_pair = weights[rows, columns] > 0
        for row, column in zip(frame.truth[rows[is_pair]], frame.tracks[columns[is_pair]], strict=True):
            true, label = truth.labels[row], tracks.labels[column]
            num_true += bool(true)
            if not true:
                without_truth += 1
            elif not label:
                without_label += 1
            else:
                pairs[true, label] += 1
    return LabelScores(
        pairs=dict(pairs),
        without_truth=without_truth,
        without_label=without_label,
        missed=sum(map(bool, truth.labels)) - num_true,
    )


def combined_labels(parts: Sequence[LabelScores]) -> LabelScores:
    """Return the counts of several sequences together."""
    pairs: Counter[tuple[str, str]] = Counter()
    for part in parts:
        pairs.update(part.pairs)
    return LabelScores(
        pairs=dict(pairs),
        without_truth=sum(part.without_truth for part in parts),
        without_label=sum(part.without_label for part in parts),
        missed=sum(part.missed for part in parts),
    )


def _without_identities(rows: TrackRows) -> TrackRows:
    return TrackRows(frames=rows.frames, identities=np.arange(len(rows.frames)), boxes=rows.boxes)
