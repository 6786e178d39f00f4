"""Spotting: instants of actions, as peaks of a score curve per label."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.data.matches import Half, Match, annotated_halves
from bvas.tasks.frame_kind import FrameKind, mean_average_precision_of_clips
from bvas.tasks.kinds import Found
from bvas.tasks.peaks import find_spots
from bvas.values.annotations import Annotation, Interval
from bvas.values.score_curve import ScoreCurve


class SpotKind(FrameKind):
    """Task kind of spotting: see `TaskKind` for each method."""

    def _labelled_halves(self, match: Match) -> list[tuple[Half, Sequence[Annotation], Sequence[Interval]]]:
        return [(half, found, ()) for half, found in annotated_halves(match, self._experiment.task)]

    def figures(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, float]:
        """Return the mean over the labels of the clips' average precision."""
        return {"average_precision": mean_average_precision_of_clips(scores, targets)}

    def results(self, curve: ScoreCurve) -> Found:
        """Return the peaks of the smoothed curve, in order of time, then of label."""
        labels, peaks = self._experiment.task.labels, self._experiment.peaks
        return Found(spots=tuple(find_spots(curve.scores, curve.seconds, labels, peaks)))
