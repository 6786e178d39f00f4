"""Score curve to spots: smooth, find peaks, keep those that stand apart.

Rows that hold a NaN are holes (video that could not be decoded). Each stretch between holes is
smoothed on its own, so a hole neither yields a spot nor lends or takes score across its border.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from bvas.errors import ConfigError
from bvas.spots import LabelSet, Spot


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakConfig:
    """How spots are found in a score curve."""

    sigma_frames: float = 3.0
    """Standard deviation of the Gaussian that smooths the curve, in grid frames; 0 leaves it as it is."""
    min_height: float = 0.01
    """Smallest smoothed score of a candidate. Low, because the official metric profits from the tail."""
    min_distance_frames: int = 15
    """Smallest distance between two spots of one label, in grid frames; of nearer ones the higher stays."""
    operating_point: float = 0.2
    """Confidence from which a candidate is shown to people."""

    def __post_init__(self) -> None:
        if not 0 <= self.sigma_frames < np.inf:
            raise ConfigError(f"sigma_frames must be finite and not negative, got {self.sigma_frames}")
        if self.min_distance_frames < 1:
            raise ConfigError(f"min_distance_frames must be at least 1, got {self.min_distance_frames}")
        for name in ("min_height", "operating_point"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is a confidence and must lie in [0, 1], got {getattr(self, name)}")
        if self.operating_point < self.min_height:
            raise ConfigError(
                f"operating_point ({self.operating_point}) lies below min_height ({self.min_height}), where "
                "no candidates are; lower min_height or raise operating_point"
            )


def smooth_scores(scores: NDArray[np.float32], sigma_frames: float) -> NDArray[np.float32]:
    """Return the curves smoothed along time, float32 [L, K]; holes stay NaN in every column.

    Args:
        scores: [L, K] in [0, 1]; a row with a NaN is a hole.
        sigma_frames: Standard deviation of the Gaussian, cut off at 4 of them; 0 does not smooth.

    At the ends of the video and at holes the curve is mirrored about its border, so that an
    action at the very edge loses no height to frames that do not exist.
    """
    if scores.ndim != 2:
        raise ConfigError(f"scores must be [L, K], one row per frame, got shape {scores.shape}")
    smooth = np.array(scores, dtype=np.float32)
    hole: NDArray[np.bool_] = np.asarray(np.isnan(smooth).any(axis=1))
    smooth[hole] = np.nan
    if sigma_frames > 0:
        for run in stretches(~hole):
            smooth[run] = gaussian_filter1d(smooth[run], sigma_frames, axis=0, mode="reflect")
    return smooth


def stretches(keep: NDArray[np.bool_]) -> list[slice]:
    """Return the runs of True in order, as slices.

    >>> stretches(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    padded = np.concatenate(([False], keep, [False]))
    borders = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return [slice(start, stop) for start, stop in zip(borders[::2], borders[1::2], strict=True)]


def find_spots(
    scores: NDArray[np.float32], seconds: NDArray[np.float64], labels: LabelSet, config: PeakConfig
) -> list[Spot]:
    """Return every candidate from `config.min_height` up, in order of time, then of label.

    Args:
        scores: Raw scores [L, K] in [0, 1], one column per label; rows with a NaN are holes.
        seconds: Time of each row [L].
        labels: Names of the K columns.
        config: Smoothing and peak rules.

    A spot's confidence is the smoothed score at its peak. A row that has a neighbor on one side
    only (first, last, or beside a hole) is a peak if it is higher than that one neighbor; of a
    flat top the middle row is taken. Of two equal peaks that are too near the earlier stays.

    Raises:
        ConfigError: the shapes do not belong together.
    """
    if scores.ndim != 2 or scores.shape != (len(seconds), len(labels)):
        raise ConfigError(
            f"scores of shape {scores.shape} do not fit {len(seconds)} times and {len(labels)} labels; "
            "expected [times, labels]"
        )
    smooth = smooth_scores(scores, config.sigma_frames).astype(np.float64)
    # SciPy gives no peak to a row that lacks a neighbor, and compares nothing with NaN. Minus
    # infinity in holes and beyond both ends makes these rows peaks by the common rule, and the
    # smallest distance holds across a hole too.
    walls = np.pad(np.where(np.isnan(smooth), -np.inf, smooth), ((1, 1), (0, 0)), constant_values=-np.inf)
    found = []
    for label_id, label in enumerate(labels):
        peaks, _ = find_peaks(walls[:, label_id], height=lowest_height(config))
        rows = (_apart(peaks, walls[:, label_id], config.min_distance_frames) - 1).tolist()
        found += [(float(seconds[row]), label_id, label, float(smooth[row, label_id])) for row in rows]
    found.sort(key=lambda spot: spot[:2])
    return [Spot(label, time, min(confidence, 1.0)) for time, _, label, confidence in found]


def lowest_height(config: PeakConfig) -> float:
    """Return the height from which a peak counts: the curve is float32, where 0.01 is a little less than 0.01."""
    return float(np.float32(config.min_height))


def _apart(peaks: NDArray[np.int64], curve: NDArray[np.float64], distance: int) -> NDArray[np.int64]:
    """Return the peaks that stay when each, from the highest on, removes those nearer than `distance` to it."""
    # SciPy sorts equal heights by chance, depending on all of the curve. Ranks have no ties.
    ranks = np.zeros(len(curve))
    ranks[peaks[np.lexsort((-peaks, curve[peaks]))]] = np.arange(1, len(peaks) + 1)
    kept: NDArray[np.int64] = find_peaks(ranks, distance=distance)[0]
    return kept


def above(spots: Iterable[Spot], threshold: float) -> list[Spot]:
    """Return the spots of at least this confidence, in the order given: what people are shown."""
    return [spot for spot in spots if spot.confidence >= threshold]
