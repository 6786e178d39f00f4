"""Weighted mean of score curves, on one grid of times."""

from collections.abc import Sequence

import numpy as np

from bvas.errors import DataError
from bvas.values.score_curve import ScoreCurve


def curve_at(curve: ScoreCurve, like: ScoreCurve, what: str) -> ScoreCurve:
    """Return a curve at the times of another one of the same video: between two rows on the line through them.

    A row is a gap where a row that it is computed from is one. Before the first and after the last row the curve
    keeps their scores, for at most a row of the coarser grid.

    Args:
        curve: The curve.
        like: Gives the times and the order of the labels.
        what: Name of the curve in messages.

    Raises:
        DataError: other labels, or the curves end at different times, so that they are not of one video.
    """
    if set(curve.labels) != set(like.labels):
        raise DataError(
            f"{what} scores the labels {', '.join(curve.labels)}, and the others {', '.join(like.labels)}"
        )
    if not len(curve.seconds) or not len(like.seconds):
        raise DataError(f"{what} has no rows")
    columns = [curve.labels.index(label) for label in like.labels]
    if np.array_equal(curve.seconds, like.seconds):
        return ScoreCurve(curve.scores[:, columns], like.seconds, like.labels)
    slack = max(_period(curve), _period(like)) * 1.001
    for mine, other, edge in (
        (curve.seconds[0], like.seconds[0], "begins"),
        (curve.seconds[-1], like.seconds[-1], "ends"),
    ):
        if abs(mine - other) > slack:
            raise DataError(
                f"{what} {edge} at {mine:.2f} s and that of another experiment at {other:.2f} s: they are not of the "
                "same video; predict both again"
            )
    before = np.clip(
        np.searchsorted(curve.seconds, like.seconds, side="right") - 1, 0, len(curve.seconds) - 1
    )
    after = np.minimum(before + 1, len(curve.seconds) - 1)
    gap = np.maximum(curve.seconds[after] - curve.seconds[before], 1e-9)
    share = np.clip((like.seconds - curve.seconds[before]) / gap, 0, 1)[:, None]
    first, second = curve.scores[before][:, columns], curve.scores[after][:, columns]
    # A row at the time of one of its own takes nothing of the next, which may be a gap.
    mixed = np.where(
        share < 1e-6, first, np.where(share > 1 - 1e-6, second, (1 - share) * first + share * second)
    )
    return ScoreCurve(mixed.astype(np.float32), like.seconds, like.labels)


def weighted_mean(curves: Sequence[ScoreCurve], weights: Sequence[float]) -> ScoreCurve:
    """Return the weighted mean of curves with the same times and labels; those of weight 0 do not count.

    A row is a gap where a curve that counts has one.
    """
    first = curves[0]
    assert all(c.labels == first.labels and len(c.seconds) == len(first.seconds) for c in curves)
    counted = [(weight, curve) for weight, curve in zip(weights, curves, strict=True) if weight > 0]
    total = np.zeros(first.scores.shape, np.float64)
    for weight, curve in counted:
        total += weight * curve.scores
    mean = total / sum(weight for weight, _ in counted)
    return ScoreCurve(mean.astype(np.float32), first.seconds, first.labels)


def _period(curve: ScoreCurve) -> float:
    if len(curve.seconds) < 2:
        return 0.0
    return float(curve.seconds[-1] - curve.seconds[0]) / (len(curve.seconds) - 1)
