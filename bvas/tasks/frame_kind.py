"""Base of the task kinds that score single frames of a video with the spotting network."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.data.matches import Half, Match
from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import Clips, FixedClips, TrainingClips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.loading.weighting import WeightedSampler, effective_number_weights, label_counts, scores_on_grid
from bvas.metrics.average_precision import clip_average_precision
from bvas.models.focal_loss import focal_loss
from bvas.tasks.draw_summary import draw_summary
from bvas.tasks.fold_division import divided
from bvas.values.annotations import Annotation, Interval
from bvas.values.score_curve import ScoreCurve

# Imported where it is used: results of curves are also made without PyTorch.
if TYPE_CHECKING:
    from torch import Tensor

    from bvas.models.spotting import SpottingModel

logger = logging.getLogger(__name__)


class FrameKind(ABC):
    """What such kinds share of `TaskKind`; see there for each method."""

    best_figure = "average_precision"
    has_training_figures = False

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    @abstractmethod
    def _labelled_halves(self, match: Match) -> list[tuple[Half, Sequence[Annotation], Sequence[Interval]]]:
        """Return the videos of a match, each with its annotations and ranges."""

    def samples(self, matches: Sequence[Match], fold: int) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
        """Return the videos of all labelled matches, those of `fold` held out; a test split is in neither."""
        training, held_out = divided(matches, fold)
        # All label files before the first video is indexed, which takes minutes where there are hundreds.
        halves = {match.name: self._labelled_halves(match) for match in (*training, *held_out)}

        def videos(chosen: Sequence[Match]) -> list[LabelledVideo]:
            return [
                label_video(
                    half.path,
                    annotations,
                    self._experiment.task.labels,
                    self._experiment.input.rate,
                    ranges=ranges,
                    name=f"{match.name}/{half.stem}",
                    form=self._experiment.input.form,
                )
                for match in chosen
                for half, annotations, ranges in halves[match.name]
            ]

        return videos(training), videos(held_out)

    def training_clips(
        self, videos: Sequence[LabelledVideo], curves: Sequence[ScoreCurve] | None = None
    ) -> TrainingClips:
        """Return clips at random frames, more often near actions, of rare labels, and where `curves` are high."""
        return TrainingClips(
            videos,
            self._experiment.clip,
            sampling=self._experiment.sampling,
            targets=self._experiment.targets,
            samplers=self._weighted_samplers(videos, curves),
            random_crop=self._experiment.input.random_crop,
        )

    def _weighted_samplers(
        self, videos: Sequence[LabelledVideo], curves: Sequence[ScoreCurve] | None
    ) -> list[WeightedSampler] | None:
        """Return a sampler per video; None where frames have no weights of their own."""
        beta = self._experiment.sampling.effective_number_beta
        if not beta and curves is None:
            return None
        label_weights = None
        if beta:
            label_weights = effective_number_weights(label_counts(videos), beta)
            shares = label_weights / max(label_weights.sum(), 1e-300)
            labels = zip(self._experiment.task.labels, shares, strict=True)
            logger.info(
                "label weights by effective number: %s",
                ", ".join(f"{label} {share:.3g}" for label, share in labels),
            )
        return [
            WeightedSampler(
                video,
                self._experiment.sampling,
                label_weights=label_weights,
                scores=None if curves is None else scores_on_grid(curves[number], video.grid),
            )
            for number, video in enumerate(videos)
        ]

    def validation_clips(self, videos: Sequence[LabelledVideo]) -> FixedClips | None:
        """Return clips half at annotations or in ranges, half evenly spaced over the videos."""
        wanted = self._experiment.train.validation_clips
        if not wanted:
            return None
        true_frames = [_true_frames(video) for video in videos]
        num_frames = sum(video.num_frames for video in videos)
        every = max(1, -(-sum(map(len, true_frames)) * 2 // wanted))
        spacing = max(1, num_frames * 2 // wanted)
        centers = []
        for video, frames in zip(videos, true_frames, strict=True):
            # At least one in a video shorter than the spacing.
            spaced = np.arange(min(spacing // 2, video.num_frames - 1), video.num_frames, spacing)
            centers.append(np.unique(np.concatenate([frames[::every], spaced])))
        return FixedClips(videos, self._experiment.clip, centers, targets=self._experiment.targets)

    def draw_summary(self, clips: Clips) -> tuple[str, ...]:
        """Return what share of the clips is at actions, without any, and of each label."""
        return draw_summary(clips, self._experiment)

    def model(self, *, pretrained: bool = False) -> "SpottingModel":
        """Return a `SpottingModel` for the experiment's labels."""
        from bvas.models.spotting import build_model

        experiment = self._experiment
        return build_model(
            experiment.model,
            experiment.clip,
            len(experiment.task.labels),
            pixels=experiment.input.pixels,
            size=experiment.input.size,
            pretrained=pretrained,
        )

    def loss(self, logits: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the sigmoid focal loss."""
        return focal_loss(logits, targets, self._experiment.loss)

    def tables(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, Any]:
        """Return nothing: the figures say all."""
        return {}

    def scores(self, logits: "Tensor") -> "Tensor":
        """Return a probability for each label by itself."""
        return logits.sigmoid()


def _true_frames(video: LabelledVideo) -> NDArray[np.int64]:
    """Return the grid frames of annotations and of ranges, ascending."""
    stretches = (np.arange(start, stop) for start, stop, _ in video.ranges.tolist())
    return np.sort(np.concatenate([video.annotation_frames, *stretches]))


def mean_average_precision_of_clips(scores: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """Return the mean over the labels of the clips' average precision; NaN where a score is NaN or infinite.

    Args:
        scores: [N, K].
        targets: [N, K].
    """
    if not np.isfinite(scores).all():
        # NaN has no place in a ranking.
        return float("nan")
    by_label = [clip_average_precision(scores[:, k], targets[:, k]) for k in range(scores.shape[1])]
    return float(np.mean(by_label))
