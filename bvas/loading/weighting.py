"""Sampling weights of frames: rare labels, and hard negatives of an earlier model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.sampling_config import SamplingConfig
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.sampling import ActionSampler, frames_near
from bvas.values.score_curve import ScoreCurve
from bvas.video.index.frame_grid import Grid


def effective_number_weights(counts: NDArray[np.int64], beta: float) -> NDArray[np.float64]:
    """Return the weight of each label, (1 - beta) / (1 - beta**n), float64 [K].

    The effective number of n samples (Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples)
    is (1 - beta**n) / (1 - beta): n for beta near 1, at most 1 / (1 - beta), and 1 for beta 0.

    Args:
        counts: Annotations of each label [K]; a label without any weighs 0.
        beta: In [0, 1).
    """
    weights = np.zeros(len(counts))
    there = counts > 0
    weights[there] = (1.0 - beta) / (1.0 - np.power(beta, counts[there].astype(np.float64)))
    return weights


def label_counts(videos: Sequence[LabelledVideo]) -> NDArray[np.int64]:
    """Return the annotations and ranges of each label in all videos together, int64 [K]."""
    ids = (np.concatenate([video.label_ids, video.ranges[:, 2]]) for video in videos)
    return sum(
        (np.bincount(found, minlength=videos[0].num_labels) for found in ids),
        start=np.zeros(videos[0].num_labels, dtype=np.int64),
    )


def scores_on_grid(curve: ScoreCurve, grid: Grid) -> NDArray[np.float64]:
    """Return the highest score of any label at each grid frame, float64 [L] in [0, 1].

    Each grid frame takes the curve's row nearest in time. The score is 0 where that row is NaN or more than half a
    step away: curves of the reference system lack the frames at the edges.
    """
    if not len(curve.seconds):
        return np.zeros(grid.num_frames)
    middles = (curve.seconds[1:] + curve.seconds[:-1]) / 2
    # A tie goes to the earlier row; a billionth of a second absorbs its rounding.
    rows = np.searchsorted(middles, grid.seconds - 1e-9)
    steps = [1.0 / float(grid.rate), *np.median(np.diff(curve.seconds), keepdims=True)[: len(middles)]]
    # A thousandth of a step absorbs the rounding of times.
    is_near = np.abs(curve.seconds[rows] - grid.seconds) <= max(steps) * 0.501
    highest = np.nan_to_num(curve.scores.max(axis=1).astype(np.float64), nan=0.0)
    scores: NDArray[np.float64] = np.where(is_near, highest[rows], 0.0)
    return scores


class WeightedSampler(ActionSampler):
    """As `ActionSampler`, but with weights among action frames and among the others, by search in cumulative sums.

    An action frame has the weight of the heaviest label annotated near it. Another frame has its score as weight, and
    at least the weight that it would have without scores if action frames had 1. Within
    `hard_negative_window_frames` of an annotation a score counts as 0: a peak there is early or late, not wrong.
    Action frames keep their share of the draws. In a video without annotations all frames are alike.
    """

    def __init__(
        self,
        video: LabelledVideo,
        config: SamplingConfig,
        *,
        label_weights: NDArray[np.float64] | None = None,
        scores: NDArray[np.float64] | None = None,
    ) -> None:
        """Sum up the weights.

        Args:
            video: The video whose frames are drawn.
            config: Windows, and the share of action frames.
            label_weights: Weight of each label [K], positive for those in the video; None: all alike.
            scores: Highest score of an earlier model at each grid frame [L], in [0, 1]; None: no hard negatives.
        """
        super().__init__(video, config)
        self._near_sums = (
            np.arange(1.0, len(self._near) + 1)
            if label_weights is None
            else np.cumsum(self._label_weights(video, config, label_weights))
        )
        self._other_sums = (
            np.cumsum(self._negative_weights(video, config, scores))
            if scores is not None and len(self._near) and self._num_others and config.action_probability
            else None
        )

    def _place_near(self, random: np.random.Generator) -> int:
        return _place(self._near_sums, random)

    def _place_among_others(self, random: np.random.Generator) -> int:
        if self._other_sums is None:
            return super()._place_among_others(random)
        return _place(self._other_sums, random)

    def _label_weights(
        self, video: LabelledVideo, config: SamplingConfig, label_weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weight of each action frame."""
        weights = np.zeros(len(self._near))
        reach = config.action_window_frames // 2
        for shift in range(-reach, reach + 1):
            frames = video.annotation_frames + shift
            inside = (frames >= 0) & (frames < video.num_frames)
            places = np.searchsorted(self._near, frames[inside])
            np.maximum.at(weights, places, label_weights[video.label_ids[inside]])
        for start, stop, label_id in video.ranges.tolist():
            first, last = np.searchsorted(self._near, (start - reach, stop + reach))
            weights[first:last] = np.maximum(weights[first:last], label_weights[label_id])
        return weights

    def _negative_weights(
        self, video: LabelledVideo, config: SamplingConfig, scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the weight of each frame that is not near an annotation."""
        cleared = scores.copy()
        cleared[frames_near(video, config.hard_negative_window_frames)] = 0.0
        odds = (1.0 - config.action_probability) / config.action_probability
        without_scores = odds * len(self._near) / self._num_others
        return np.maximum(np.delete(cleared, self._near), without_scores)


def _place(sums: NDArray[np.float64], random: np.random.Generator) -> int:
    """Draw an index with the probability that its step in the cumulative sums stands for."""
    place = int(np.searchsorted(sums, random.random() * sums[-1], side="right"))
    # The product may be rounded up to the whole sum.
    return min(place, len(sums) - 1)
