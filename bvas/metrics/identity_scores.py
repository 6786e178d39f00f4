"""Identity scores of tracks (IDF1, IDP, IDR).

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCVW 2016, as TrackEval
computes them: each true identity is given at most one tracked identity for the whole sequence, so that the most boxes
agree. Two boxes agree where their intersection over union (IoU) is `MIN_OVERLAP` or more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from bvas.metrics.track_overlaps import SequenceOverlaps

MIN_OVERLAP = 0.5
"""IoU of boxes that agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityScores:
    """Counts of one or several sequences; they add up over sequences."""

    matches: int
    """IDTP: boxes that agree with those of the identity given."""
    misses: int
    """IDFN: true boxes that do not."""
    false_alarms: int
    """IDFP: tracked boxes that do not."""

    @property
    def f1(self) -> float:
        """IDF1; 0 without any box."""
        return 2 * self.matches / max(2 * self.matches + self.misses + self.false_alarms, 1)

    @property
    def precision(self) -> float:
        """IDP; 0 without tracked boxes."""
        return self.matches / max(self.matches + self.false_alarms, 1)

    @property
    def recall(self) -> float:
        """IDR; 0 without true boxes."""
        return self.matches / max(self.matches + self.misses, 1)


def identity_counts(sequence: SequenceOverlaps) -> IdentityScores:
    """Return the counts of one sequence."""
    common = np.zeros((len(sequence.truth_lengths), len(sequence.track_lengths)), dtype=np.int64)
    for frame in sequence.frames:
        rows, columns = np.nonzero(frame.overlaps >= MIN_OVERLAP)
        # A pair of identities meets once in a frame.
        common[frame.truth[rows], frame.tracks[columns]] += 1
    # Least misses and false alarms together are most matches.
    matches = int(common[linear_sum_assignment(common, maximize=True)].sum())
    return IdentityScores(
        matches=matches,
        misses=int(sequence.truth_lengths.sum()) - matches,
        false_alarms=int(sequence.track_lengths.sum()) - matches,
    )


def combined_identity(parts: Sequence[IdentityScores]) -> IdentityScores:
    """Return the counts of several sequences together."""
    return IdentityScores(
        matches=sum(part.matches for part in parts),
        misses=sum(part.misses for part in parts),
        false_alarms=sum(part.false_alarms for part in parts),
    )
