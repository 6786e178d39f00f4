"""Intervals: stretches of a video in which something is present, by a score of each frame."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import Half, Match
from bvas.errors import DataError
from bvas.loading.labelled_video import LabelledVideo
from bvas.tasks.frame_kind import FrameKind, mean_average_precision_of_clips
from bvas.tasks.kinds import Found
from bvas.tasks.stretches import find_intervals
from bvas.values.annotations import Annotation, Interval
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve


class IntervalKind(FrameKind):
    """Task kind of intervals: see `TaskKind` for each method.

    The target of a clip is 1 for each label that is present at its center. A clip may be a single frame.
    """

    def _labelled_halves(self, match: Match) -> list[tuple[Half, Sequence[Annotation], Sequence[Interval]]]:
        return [(half, (), found) for half, found in labelled_ranges(match, self._experiment.task)]

    def samples(self, matches: Sequence[Match], fold: int) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
        """Return the videos as `FrameKind` does; refuse to train on videos without a single range."""
        training, held_out = super().samples(matches, fold)
        if not any(len(video.ranges) for video in training):
            raise DataError(
                f"no range of {', '.join(self._experiment.task.labels)} in the {count_text(len(training), 'video')} to "
                f"train on (all but fold {fold}), so there is nothing to learn; label some with 'bvas label'"
            )
        return training, held_out

    def figures(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, float]:
        """Return the mean over the labels of the clips' average precision, and the share of right answers from 0.5."""
        is_right = (scores >= 0.5) == (targets >= 0.5)
        accuracy = float(is_right.mean()) if np.isfinite(scores).all() else float("nan")
        return {
            "average_precision": mean_average_precision_of_clips(scores, targets),
            "accuracy": accuracy,
        }

    def results(self, curve: ScoreCurve) -> Found:
        """Return the intervals of the smoothed curve, in order of start, then of label."""
        labels = self._experiment.task.labels
        return Found(intervals=tuple(find_intervals(curve, labels, self._experiment.intervals)))
