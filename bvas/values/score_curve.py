"""Score curve: a score of each label for each grid frame of a video."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.values.annotations import Gap
from bvas.values.plural import count_text


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """Scores of one video on the experiment's grid."""

    scores: NDArray[np.float32]
    """[L, K] in [0, 1]; NaN rows where the video could not be decoded."""
    seconds: NDArray[np.float64]
    """[L] time of each row from the video's first shown frame."""
    labels: tuple[str, ...]
    """K names, in column order."""

    def __post_init__(self) -> None:
        assert self.scores.shape == (len(self.seconds), len(self.labels)), (
            self.scores.shape,
            len(self.seconds),
            self.labels,
        )

    def gaps(self) -> list[Gap]:
        """Return each stretch of rows that hold a NaN."""
        lost = np.concatenate(([False], np.isnan(self.scores).any(axis=1), [False]))
        borders = np.flatnonzero(lost[1:] != lost[:-1]).tolist()
        return [
            Gap(float(self.seconds[start]), float(self.seconds[stop - 1]), stop - start, "no scores")
            for start, stop in zip(borders[::2], borders[1::2], strict=True)
        ]


def mean_curve(curves: Sequence[ScoreCurve]) -> ScoreCurve:
    """Return the mean of curves over the same rows and labels; a row is NaN where one of them is.

    Raises:
        DataError: the curves have different rows or labels.
    """
    first = curves[0]
    for other in curves[1:]:
        if other.labels != first.labels or not np.array_equal(other.seconds, first.seconds):
            raise DataError(
                f"score curves do not match: {count_text(len(first.seconds), 'row')} of {first.labels} "
                f"against {count_text(len(other.seconds), 'row')} of {other.labels}; predict both with one grid"
            )
    mean = np.stack([curve.scores for curve in curves]).mean(axis=0, dtype=np.float64)
    return ScoreCurve(np.asarray(mean, np.float32), first.seconds, first.labels)
