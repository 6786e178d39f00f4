"""CLEAR MOT scores of tracks: MOTA, MOTP, switches, fragments, mostly tracked and mostly lost.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008, as TrackEval
computes them. In each frame, boxes are matched where their intersection over union (IoU) is `MIN_OVERLAP` or more; a
pair of the frame before is kept first, then the sum of the IoU is largest.

As in TrackEval, a frame without any true box, or without any tracked box, breaks no pair: the frame before it counts as
the frame before the next one. So a player who is missed only in such frames has no fragment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from bvas.metrics.track_overlaps import FrameOverlaps, SequenceOverlaps
from bvas.values.arrays import Floats, Ints

MIN_OVERLAP = 0.5
"""IoU of boxes that match."""
_EPSILON = float(np.finfo(np.float64).eps)
# More than the IoU of all boxes of a frame can make up for.
_KEPT_PAIR = 1000.0
_NONE = -1
_MOSTLY_TRACKED = 0.8
_MOSTLY_LOST = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearMot:
    """Counts of one or several sequences; they add up over sequences."""

    matches: int
    misses: int
    """FN: true boxes without a match."""
    false_alarms: int
    """FP: tracked boxes without a match."""
    switches: int
    """Matches of a true identity with another tracked one than at its match before."""
    fragments: int
    """Times that a true identity is matched again after it was not."""
    overlap_sum: float
    """IoU of the matches."""
    mostly_tracked: int
    """True identities matched in more than 80 % of their frames."""
    partly_tracked: int
    mostly_lost: int
    """True identities matched in less than 20 % of their frames."""

    @property
    def accuracy(self) -> float:
        """MOTA, 1 at best, below 0 with many false alarms; 0 without true boxes."""
        num_truth = self.matches + self.misses
        return (self.matches - self.false_alarms - self.switches) / num_truth if num_truth else 0.0

    @property
    def precision(self) -> float:
        """MOTP: mean IoU of the matches, in [0, 1]; 0 without matches."""
        return self.overlap_sum / max(self.matches, 1)


def clear_counts(sequence: SequenceOverlaps) -> ClearMot:
    """Return the counts of one sequence."""
    num_truth = len(sequence.truth_lengths)
    last, last_shown = np.full(num_truth, _NONE), np.full(num_truth, _NONE)
    matched, starts = np.zeros(num_truth, dtype=np.int64), np.zeros(num_truth, dtype=np.int64)
    switches, overlap_sum = 0, 0.0
    for frame in sequence.frames:
        if not frame.overlaps.size:
            continue
        rows, columns = _assigned(frame, last_shown)
        true_ids, track_ids = frame.truth[rows], frame.tracks[columns]
        before = last[true_ids]
        switches += int(((before != _NONE) & (before != track_ids)).sum())
        overlap_sum += float(frame.overlaps[rows, columns].sum())
        matched[true_ids] += 1
        starts[true_ids] += last_shown[true_ids] == _NONE
        last[true_ids] = track_ids
        last_shown[:] = _NONE
        last_shown[true_ids] = track_ids
    num_matches = int(matched.sum())
    share = matched / sequence.truth_lengths
    mostly, at_least_partly = int((share > _MOSTLY_TRACKED).sum()), int((share >= _MOSTLY_LOST).sum())
    return ClearMot(
        matches=num_matches,
        misses=int(sequence.truth_lengths.sum()) - num_matches,
        false_alarms=int(sequence.track_lengths.sum()) - num_matches,
        switches=switches,
        fragments=int((starts[starts > 0] - 1).sum()),
        overlap_sum=overlap_sum,
        mostly_tracked=mostly,
        partly_tracked=at_least_partly - mostly,
        mostly_lost=num_truth - at_least_partly,
    )


def combined_clear(parts: Sequence[ClearMot]) -> ClearMot:
    """Return the counts of several sequences together."""
    return ClearMot(
        matches=sum(part.matches for part in parts),
        misses=sum(part.misses for part in parts),
        false_alarms=sum(part.false_alarms for part in parts),
        switches=sum(part.switches for part in parts),
        fragments=sum(part.fragments for part in parts),
        overlap_sum=sum(part.overlap_sum for part in parts),
        mostly_tracked=sum(part.mostly_tracked for part in parts),
        partly_tracked=sum(part.partly_tracked for part in parts),
        mostly_lost=sum(part.mostly_lost for part in parts),
    )


def _assigned(frame: FrameOverlaps, last_shown: Ints) -> tuple[Ints, Ints]:
    """Return the matched rows [M] and columns [M] of a frame.

    Args:
        frame: The frame.
        last_shown: [I], tracked identity of each true one in the frame before, or -1.
    """
    is_kept = frame.tracks[None, :] == last_shown[frame.truth][:, None]
    weights: Floats = _KEPT_PAIR * is_kept + frame.overlaps
    weights[frame.overlaps < MIN_OVERLAP - _EPSILON] = 0.0
    rows, columns = linear_sum_assignment(weights, maximize=True)
    is_match = weights[rows, columns] > _EPSILON
    return rows[is_match], columns[is_match]
