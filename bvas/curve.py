"""A score curve: for each grid frame of a video, how much each label is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.files import ARCHIVE_FAULTS, replacing
from bvas.plural import count_text


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

    def holes(self) -> list[tuple[float, float]]:
        """Return (first, last) time of each stretch of NaN rows."""
        lost = np.concatenate(([False], np.isnan(self.scores).any(axis=1), [False]))
        borders = np.flatnonzero(lost[1:] != lost[:-1]).tolist()
        return [
            (float(self.seconds[start]), float(self.seconds[stop - 1]))
            for start, stop in zip(borders[::2], borders[1::2], strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write `scores`, `seconds` and `labels` to an `.npz`, whole or not at all."""
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary,
                scores=self.scores.astype(np.float32),
                seconds=self.seconds.astype(np.float64),
                labels=np.array(self.labels),
            )


def load_curve(path: Path) -> ScoreCurve:
    """Read a curve that `ScoreCurve.save` wrote.

    Raises:
        DataError: the file is missing, damaged, or lacks one of the arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return ScoreCurve(
                stored["scores"], stored["seconds"], tuple(str(name) for name in stored["labels"])
            )
    except ARCHIVE_FAULTS as error:
        raise DataError(f"cannot read the score curve {path} ({error}); predict it again") from error


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
