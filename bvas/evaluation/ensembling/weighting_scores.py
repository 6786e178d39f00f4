"""Official scores of weightings of the members, match by match."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bvas.evaluation.ensembling.averaging import weighted_mean
from bvas.evaluation.ensembling.members import MemberCurves
from bvas.evaluation.tuning.counting import LabelledCurves, count_rule, tally_of, truths
from bvas.experiment.peak_config import PeakConfig
from bvas.metrics.official import scores_of
from bvas.metrics.tally import Tally

Weights = tuple[int, ...]
"""Count of each member."""


class EnsembleScores:
    """Tallies of weightings, each computed once.

    Args:
        curves: Of the members.
        data: The annotations of the same halves, and what match each belongs to.
        peaks: How spots are found.
    """

    def __init__(self, curves: MemberCurves, data: LabelledCurves, peaks: PeakConfig) -> None:
        self._curves = curves
        self._data = data
        self._peaks = peaks
        self._truths = truths(data)
        self._tallies: dict[Weights, Tally] = {}

    @property
    def num_members(self) -> int:
        """Experiments."""
        return len(self._curves.curves[0])

    def tally(self, weights: Weights) -> Tally:
        """Return the counts of a weighting, a group a match; weights with a common divisor are the same."""
        divisor = int(np.gcd.reduce(weights))
        reduced = tuple(weight // divisor for weight in weights)
        if reduced not in self._tallies:
            means = tuple(weighted_mean(curves, reduced) for curves in self._curves.curves)
            data = replace(self._data, curves=means)
            counts = [
                count_rule(data, [self._truths[label_id]], label_id, self._peaks.rule(label))[0]
                for label_id, label in enumerate(data.labels)
            ]
            self._tallies[reduced] = tally_of(counts, self._truths)
        return self._tallies[reduced]

    def score(self, weights: Weights, matches: NDArray[np.bool_]) -> float:
        """Return the official mAP@1 of a weighting on some matches [G] together."""
        return scores_of(self.tally(weights), self._data.labels, matches.astype(np.float64)).mean
