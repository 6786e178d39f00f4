"""The official score of any weighting of the members, match by match."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.curve import ScoreCurve
from bvas.ensembling.averaging import weighted_mean
from bvas.ensembling.members import MemberCurves
from bvas.metrics.official import official_tally, scores_of
from bvas.metrics.tally import Tally
from bvas.postprocess import PeakConfig, find_spots
from bvas.spots import Annotation, LabelSet, Spot
from bvas.tasks.soccernet import position_ms

Weights = tuple[int, ...]
"""How often each member counts."""


class EnsembleScores:
    """Tallies of weightings, each computed once.

    Args:
        curves: Of the members.
        annotations: Of each half.
        groups: [V], match of each half.
        labels: Labels of the curves.
        peaks: How spots are found.
        rate: Rows per second.
    """

    def __init__(
        self,
        curves: MemberCurves,
        annotations: Sequence[Sequence[Annotation]],
        groups: NDArray[np.int64],
        labels: LabelSet,
        peaks: PeakConfig,
        rate: float,
    ) -> None:
        self._curves = curves
        self._annotations = annotations
        self._groups = groups
        self._labels = labels
        self._peaks = peaks
        self._rate = rate
        self._tallies: dict[Weights, Tally] = {}

    @property
    def num_members(self) -> int:
        """Experiments."""
        return len(self._curves.curves[0])

    @property
    def num_tallied(self) -> int:
        """Weightings that were computed so far."""
        return len(self._tallies)

    def tally(self, weights: Weights) -> Tally:
        """Return the counts of a weighting, a group a match; weights with a common divisor are the same."""
        reduced = tuple(weight // int(np.gcd.reduce(weights)) for weight in weights)
        if reduced not in self._tallies:
            spots = [self._spots(weighted_mean(curves, reduced)) for curves in self._curves.curves]
            self._tallies[reduced] = official_tally(
                self._annotations, spots, self._labels, rate=self._rate, groups=self._groups.tolist()
            )
        return self._tallies[reduced]

    def score(self, weights: Weights, matches: NDArray[np.bool_]) -> float:
        """Return the official mAP@1 of a weighting on some matches [G] together."""
        return scores_of(self.tally(weights), self._labels, matches.astype(np.float64)).mean

    def _spots(self, curve: ScoreCurve) -> list[Spot]:
        """Return the spots as they are read back from a results file."""
        return [
            Spot(spot.label, position_ms(spot.seconds, self._rate) / 1000, round(spot.confidence, 6))
            for spot in find_spots(curve.scores, curve.seconds, self._labels, self._peaks)
        ]
