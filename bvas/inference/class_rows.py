"""Rows of a table of classes: the most probable labels of each window of a video."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.values.score_curve import ScoreCurve

DEFAULT_TOP = 5


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Classes of one window of a video."""

    seconds: float
    """Time of its center, from the video's first shown frame."""
    label: str
    """The most probable one."""
    confidence: float
    """Its probability."""
    top: tuple[tuple[str, float], ...]
    """The most probable labels with their probabilities, in this order."""


def class_rows(curve: ScoreCurve, top: int) -> list[ClassRow]:
    """Return the most probable labels of each row of a curve; rows of NaN are left out."""
    rows = []
    for seconds, scores in zip(curve.seconds.tolist(), curve.scores, strict=True):
        if not np.isnan(scores).any():
            best = top_classes(scores, curve.labels, top)
            rows.append(ClassRow(seconds, *best[0], top=best))
    return rows


def top_classes(
    scores: NDArray[np.float32], labels: Sequence[str], top: int
) -> tuple[tuple[str, float], ...]:
    """Return the `top` highest scores with their labels, highest first; of equal ones the earlier label first."""
    order = np.argsort(-scores, kind="stable")[:top].tolist()
    return tuple((labels[place], float(scores[place])) for place in order)


def check_top(top: int) -> None:
    """Check a number of classes.

    Raises:
        ConfigError: it is below 1.
    """
    if top < 1:
        raise ConfigError(f"top must be at least 1, got {top}: so many labels are shown")
