"""Runs of a class: stretches of a score curve whose best class is the same."""

from itertools import pairwise

import numpy as np

from bvas.values.annotations import Interval
from bvas.values.score_curve import ScoreCurve


def class_runs(curve: ScoreCurve, duration_seconds: float | None = None) -> list[Interval]:
    """Return the runs of a curve in order; NaN rows belong to none.

    A run ends half-way to the next row. Its confidence is the mean probability of its class.

    Args:
        curve: Rows of a video.
        duration_seconds: Its length: the first run begins with the video, and the last one ends with it. None where it
            is unknown: they reach as far beyond their rows as half the way to the next one.
    """
    if not len(curve.seconds):
        return []
    middles = (curve.seconds[1:] + curve.seconds[:-1]) / 2
    reach = (curve.seconds[-1] - middles[-1]) if len(middles) else 0.0
    borders = [max(0.0, curve.seconds[0] - reach), *middles, curve.seconds[-1] + reach]
    if duration_seconds is not None:
        borders[0], borders[-1] = 0.0, max(duration_seconds, curve.seconds[-1])
    is_gap = np.isnan(curve.scores).any(axis=1)
    best = np.where(is_gap, -1, np.nan_to_num(curve.scores).argmax(axis=1))
    changes = [0, *(np.flatnonzero(best[1:] != best[:-1]) + 1).tolist(), len(best)]
    return [
        Interval(
            curve.labels[best[start]],
            float(borders[start]),
            float(borders[stop]),
            confidence=float(curve.scores[start:stop, best[start]].mean()),
        )
        for start, stop in pairwise(changes)
        if best[start] >= 0
    ]
