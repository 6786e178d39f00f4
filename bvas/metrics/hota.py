"""Higher order tracking accuracy (HOTA): detection and association of tracks, weighed equally.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2020, as their TrackEval has it.
At each threshold alpha of the intersection over union (IoU), matched boxes are true positives (TP). DetA is
TP / (TP + FN + FP). The association of one TP is the share of boxes that its true and its tracked identity have in
common, among all boxes of both; AssA is its mean. HOTA is the root of DetA * AssA. Figures without alpha are means over
the 19 alphas.

Boxes are matched once for all alphas. The assignment in a frame has the largest sum of IoU times the alignment of both
identities over the sequence, so that pairs of identities that often lie together are preferred.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from bvas.metrics.track_overlaps import FrameOverlaps, SequenceOverlaps
from bvas.values.arrays import Floats, Ints

ALPHAS: Floats = np.arange(0.05, 0.99, 0.05)
"""0.05, 0.1 ... 0.95: the A = 19 thresholds."""
EPSILON = float(np.finfo(np.float64).eps)
"""An IoU below a threshold by at most this reaches it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hota:
    """Sums of one or several sequences, float64 [A] for the thresholds `ALPHAS`; they add up over sequences."""

    matches: Floats
    """True positives."""
    misses: Floats
    """True boxes without a match."""
    false_alarms: Floats
    """Tracked boxes without a match."""
    overlap_sum: Floats
    """IoU of the matches."""
    association_sum: Floats
    """Association of the matches: common boxes of both identities over all their boxes."""
    recall_sum: Floats
    """Common boxes over those of the true identity, of the matches."""
    precision_sum: Floats
    """Common boxes over those of the tracked identity, of the matches."""

    @property
    def detection(self) -> Floats:
        """DetA [A]; 0 without any box."""
        return np.asarray(self.matches / np.maximum(self.matches + self.misses + self.false_alarms, 1))

    @property
    def association(self) -> Floats:
        """AssA [A]; 0 without matches."""
        return np.asarray(self.association_sum / np.maximum(self.matches, 1))

    @property
    def association_recall(self) -> Floats:
        """AssRe [A]; 0 without matches."""
        return np.asarray(self.recall_sum / np.maximum(self.matches, 1))

    @property
    def association_precision(self) -> Floats:
        """AssPr [A]; 0 without matches."""
        return np.asarray(self.precision_sum / np.maximum(self.matches, 1))

    @property
    def localization(self) -> Floats:
        """LocA [A]: mean IoU of the matches; 1 without matches, as in TrackEval."""
        has_matches = self.matches > 0
        return np.where(has_matches, self.overlap_sum / np.maximum(self.matches, 1), 1.0)

    @property
    def hota(self) -> Floats:
        """HOTA [A]"""
        return np.asarray(np.sqrt(self.detection * self.association))


def hota_sums(sequence: SequenceOverlaps) -> Hota:
    """Return the sums of one sequence."""
    true_ids, track_ids, overlaps = _matched(sequence)
    num_truth, num_tracks = len(sequence.truth_lengths), len(sequence.track_lengths)
    cells = true_ids * num_tracks + track_ids
    lengths, other_lengths = sequence.truth_lengths[:, None], sequence.track_lengths[None, :]
    rows = []
    for alpha in ALPHAS:
        reached = overlaps >= alpha - EPSILON
        counts = np.bincount(cells[reached], minlength=num_truth * num_tracks)
        common = counts.reshape(num_truth, num_tracks).astype(np.float64)
        rows.append(
            (
                common.sum(),
                overlaps[reached].sum(),
                (common * (common / (lengths + other_lengths - common))).sum(),
                (common * (common / lengths)).sum(),
                (common * (common / other_lengths)).sum(),
            )
        )
    matches, overlap_sum, association_sum, recall_sum, precision_sum = np.array(rows, dtype=np.float64).T
    return Hota(
        matches=matches,
        misses=sequence.truth_lengths.sum() - matches,
        false_alarms=sequence.track_lengths.sum() - matches,
        overlap_sum=overlap_sum,
        association_sum=association_sum,
        recall_sum=recall_sum,
        precision_sum=precision_sum,
    )


def combined_hota(parts: Sequence[Hota]) -> Hota:
    """Return the sums of several sequences together; each match counts once, wherever it lies."""
    return Hota(
        matches=_total([part.matches for part in parts]),
        misses=_total([part.misses for part in parts]),
        false_alarms=_total([part.false_alarms for part in parts]),
        overlap_sum=_total([part.overlap_sum for part in parts]),
        association_sum=_total([part.association_sum for part in parts]),
        recall_sum=_total([part.recall_sum for part in parts]),
        precision_sum=_total([part.precision_sum for part in parts]),
    )


def _total(rows: Sequence[Floats]) -> Floats:
    return np.asarray(np.sum(rows, axis=0, dtype=np.float64))


def _matched(sequence: SequenceOverlaps) -> tuple[Ints, Ints, Floats]:
    """Return true identity [M], tracked identity [M] and IoU [M] of the pairs assigned in all frames."""
    alignment = _alignment(sequence)
    true_ids, track_ids, overlaps = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for frame in _shared_frames(sequence):
        weights = alignment[frame.truth[:, None], frame.tracks[None, :]] * frame.overlaps
        rows, columns = linear_sum_assignment(weights, maximize=True)
        true_ids.append(frame.truth[rows])
        track_ids.append(frame.tracks[columns])
        overlaps.append(frame.overlaps[rows, columns])
    return np.concatenate(true_ids), np.concatenate(track_ids), np.concatenate(overlaps)


def _alignment(sequence: SequenceOverlaps) -> Floats:
    """Return the alignment of each true with each tracked identity over the sequence, [I, J] in [0, 1].

    It is a Jaccard index before any assignment: a frame counts with the IoU of both boxes, over the IoU of both with
    all boxes of the frame.
    """
    lengths, other_lengths = sequence.truth_lengths[:, None], sequence.track_lengths[None, :]
    common = np.zeros((len(sequence.truth_lengths), len(sequence.track_lengths)))
    for frame in _shared_frames(sequence):
        overlaps = frame.overlaps
        either = overlaps.sum(axis=0)[None, :] + overlaps.sum(axis=1)[:, None] - overlaps
        share = np.divide(overlaps, either, out=np.zeros_like(overlaps), where=either > EPSILON)
        common[frame.truth[:, None], frame.tracks[None, :]] += share
    return np.asarray(common / (lengths + other_lengths - common))


def _shared_frames(sequence: SequenceOverlaps) -> list[FrameOverlaps]:
    return [frame for frame in sequence.frames if frame.overlaps.size]
