"""Peak finding: smoothing, peaks and non-maximum suppression in score curves.

Rows with a NaN are gaps (video that could not be decoded). Each stretch between gaps is smoothed on its own, so a gap
neither yields a spot nor changes scores beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from bvas.errors import ConfigError
from bvas.experiment.peak_config import PeakConfig, PeakRule
from bvas.values.annotations import LabelSet, Spot
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve


def sigmas_of(config: PeakConfig, labels: Iterable[str]) -> tuple[float, ...]:
    """Return the standard deviation of each label's smoothing, for `smooth_scores`."""
    return tuple(config.rule(label).sigma_frames for label in labels)


def smooth_scores(scores: NDArray[np.float32], sigma_frames: float | Sequence[float]) -> NDArray[np.float32]:
    """Return the curves smoothed along time, float32 [L, K]; gaps are NaN in every column.

    Args:
        scores: [L, K] in [0, 1]; a row with a NaN is a gap.
        sigma_frames: Standard deviation of the Gaussian, truncated at 4 of them; 0: no smoothing. One for all columns,
            or one for each.

    At the ends of the video and at gaps the curve is mirrored about its border, so that an action at the very edge
    loses no height to missing frames.
    """
    if scores.ndim != 2:
        raise ConfigError(f"scores must be [L, K], one row per frame, got shape {scores.shape}")
    smooth = np.array(scores, dtype=np.float32)
    gap: NDArray[np.bool_] = np.asarray(np.isnan(smooth).any(axis=1))
    smooth[gap] = np.nan
    sigmas = np.broadcast_to(np.asarray(sigma_frames, dtype=np.float64), scores.shape[1])
    for sigma in np.unique(sigmas[sigmas > 0]).tolist():
        columns = np.flatnonzero(sigmas == sigma)
        for run in stretches(~gap):
            smooth[run, columns] = gaussian_filter1d(smooth[run, columns], sigma, axis=0, mode="reflect")
    return smooth


def smoothed(curve: ScoreCurve, peaks: PeakConfig) -> ScoreCurve:
    """Return the curve smoothed for peak finding."""
    return replace(curve, scores=smooth_scores(curve.scores, sigmas_of(peaks, curve.labels)))


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
    """Return all candidates with at least their label's `min_height`, in order of time, then of label.

    Args:
        scores: Raw scores [L, K] in [0, 1], one column per label; rows with a NaN are gaps.
        seconds: Time of each row [L].
        labels: Names of the K columns.
        config: Smoothing and peak rules.

    A spot's confidence is the smoothed score at its peak. A row that has a neighbor on one side
    only (first, last, or beside a gap) is a peak if it is higher than that one neighbor; of a
    flat top the middle row is taken. Of two equal peaks that are too near the earlier stays.

    Raises:
        ConfigError: the shapes do not match.
    """
    check_scores(scores, len(seconds), len(labels))
    smooth = smooth_scores(scores, sigmas_of(config, labels))
    found = []
    for label_id, label in enumerate(labels):
        curve, rule = smooth[:, label_id], config.rule(label)
        rows = nms_rows(peak_rows(curve, lowest_height(rule)), curve, rule.min_distance_frames).tolist()
        found += [(float(seconds[row]), label_id, label, float(curve[row])) for row in rows]
    found.sort(key=lambda spot: spot[:2])
    return [Spot(label, time, min(confidence, 1.0)) for time, _, label, confidence in found]


def check_scores(scores: NDArray[np.float32], num_times: int, num_labels: int) -> None:
    """Check that scores have a row for each time and a column for each label.

    Raises:
        ConfigError: they have not.
    """
    if scores.shape != (num_times, num_labels):
        raise ConfigError(
            f"scores of shape {scores.shape} do not match {count_text(num_times, 'time')} and "
            f"{count_text(num_labels, 'label')}; expected [times, labels]"
        )


def lowest_height(rule: PeakRule) -> float:
    """Return the smallest height of a peak in float32, where 0.01 is a little less than 0.01."""
    return float(np.float32(rule.min_height))


def peak_rows(curve: NDArray[np.float32], height: float) -> NDArray[np.int64]:
    """Return the rows of a label's peaks of at least this height, ascending, before suppression.

    Args:
        curve: [L], smoothed; NaN in gaps.
        height: From `lowest_height`.
    """
    # SciPy finds no peak in a row that lacks a neighbor, and comparisons with NaN are false. Minus infinity in gaps and
    # beyond both ends applies the common rule to the rows beside them.
    walls = np.pad(np.where(np.isnan(curve), -np.inf, curve).astype(np.float64), 1, constant_values=-np.inf)
    peaks: NDArray[np.int64] = find_peaks(walls, height=height)[0]
    return peaks - 1


def nms_rows(rows: NDArray[np.int64], curve: NDArray[np.float32], distance: int) -> NDArray[np.int64]:
    """Return the peaks that remain after non-maximum suppression.

    From the highest on, each peak removes the others nearer than `distance` to it, across gaps too. Of equal ones the
    earlier stays.

    Args:
        rows: From `peak_rows`.
        curve: [L], smoothed.
        distance: Smallest distance of two remaining peaks, in rows.
    """
    # SciPy orders equal heights arbitrarily; ranks have no ties. A row of zeros at both ends, since SciPy finds no peak
    # in the first and last row.
    ranks = np.zeros(len(curve) + 2)
    ranks[rows[np.lexsort((-rows, curve[rows]))] + 1] = np.arange(1, len(rows) + 1)
    kept: NDArray[np.int64] = find_peaks(ranks, distance=distance)[0]
    return kept - 1


def shown(spots: Iterable[Spot], config: PeakConfig) -> list[Spot]:
    """Return the spots at or above their labels' operating points, in the order given."""
    points = config.operating_points(config.per_label)
    return [spot for spot in spots if spot.confidence >= points.get(spot.label, config.operating_point)]


def above(spots: Iterable[Spot], threshold: float) -> list[Spot]:
    """Return the spots of at least this confidence, in the order given."""
    return [spot for spot in spots if spot.confidence >= threshold]
