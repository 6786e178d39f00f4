"""Team-aware score of 2025, which counts the team of an action beside its label and time.

Each label is scored for each of two sides as a label of its own (`PASS-left`). A label's figure is the
mean of its two sides, weighted by how many annotations they have; the score is the plain mean over
labels. These are the rules of SoccerNet's team ball action spotting (`sn-teamspotting`,
`evaluation/`, read). There an annotation that is not shown weighs -1, and a label without
annotations makes every figure NaN; here such a label counts 0, as in the score without teams.
"""

import numpy as np

from bvas.metrics.official import OfficialScores, over_widths, scores_by_label
from bvas.metrics.tally import UNSHOWN, VISIBLE, Tally
from bvas.values.annotations import LabelSet
from bvas.values.arrays import Floats


def sided_label(label: str, side: str) -> str:
    """Return the label of one side's actions."""
    return f"{label}-{side}"


def sided_labels(labels: LabelSet, sides: tuple[str, str]) -> LabelSet:
    """Return each label twice, once for each side."""
    return LabelSet(
        tuple(sided_label(label, side) for label in labels for side in sides),
        merged={
            sided_label(name, side): sided_label(label, side)
            for name, label in labels.merged.items()
            for side in sides
        },
    )


def label_without_side(label: str, sides: tuple[str, str]) -> str:
    """Return the label that `sided_label` gave a side; one of another form stays as it is."""
    for side in sides:
        if label.endswith(f"-{side}"):
            return label.removesuffix(f"-{side}")
    return label


def mean_of_sides(per_label: Floats, num_annotations: Floats) -> Floats:
    """Return the weighted mean of each label's two sides, float64 [..., K].

    Args:
        per_label: [..., 2 K], sides beside each other.
        num_annotations: [..., 2 K], visible minus unshown ones.
    """
    weights = np.broadcast_to(num_annotations, per_label.shape)
    shape = (*per_label.shape[:-1], -1, 2)
    weighted = (per_label * weights).reshape(shape).sum(axis=-1)
    total = weights.reshape(shape).sum(axis=-1)
    return np.asarray(np.divide(weighted, total, out=np.zeros_like(weighted), where=total != 0))


def signed_annotations(counts: Tally, weights: Floats) -> Floats:
    """Return visible minus unshown annotations, float64 [B, 2 K]; `weights` is [B, G]."""
    return np.asarray(weights @ (counts.annotations[:, VISIBLE] - counts.annotations[:, UNSHOWN]))


def team_scores_of(
    counts: Tally, labels: LabelSet, weights: Floats | None = None, *, plain_mean: bool = False
) -> OfficialScores:
    """Return the team-aware scores of the groups together, for the labels without sides.

    Args:
        counts: For the sided labels.
        labels: The K labels that `sided_labels` doubled.
        weights: [G], how often each group is taken; None: once each.
        plain_mean: Plain mean over the tolerances, instead of SoccerNet's trapezoid rule.
    """
    kinds = counts.average_precisions(weights)
    taken = np.ones(counts.num_groups) if weights is None else weights
    signed = signed_annotations(counts, taken[None])[0]
    per_label = [mean_of_sides(over_widths(kind, plain_mean=plain_mean), signed) for kind in kinds]
    return scores_by_label(per_label, labels)
