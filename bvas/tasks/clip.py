"""Clips: short videos, or ranges of videos, that have one class each."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.data.labelled_ranges import labelled_ranges
from bvas.data.matches import Half, Match
from bvas.errors import ConfigError
from bvas.experiment.experiment import Experiment
from bvas.loading.class_clips import ClassTestClips, ClassTrainingClips, SampleClips, check_classes
from bvas.loading.clip_requests import Clips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.metrics.class_figures import class_rates, confusion_of, in_top
from bvas.tasks.class_runs import class_runs
from bvas.tasks.fold_division import divided
from bvas.tasks.kinds import Found
from bvas.values.annotations import Interval
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve

# Imported where it is used: results of curves are also made without PyTorch.
if TYPE_CHECKING:
    from torch import Tensor

    from bvas.models.clip_model import ClipModel

logger = logging.getLogger(__name__)

_TOP = 5


class ClipKind:
    """Task kind of clips: see `TaskKind` for each method.

    A sample is a video of `samples`, or a range of a match's video. Its clips have the class's weight as target, and 0
    for all other classes.
    """

    best_figure = "macro_f1"
    has_training_figures = True

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def samples(self, matches: Sequence[Match], fold: int) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
        """Return a video for each sample, whose one range is the sample; refuse to train on a single class."""
        training, held_out = (self.sample_videos(chosen) for chosen in divided(matches, fold))
        without = check_classes(training, self._experiment.task.labels.names)
        if without:
            logger.warning("no sample to train on of %s: it will never be predicted", ", ".join(without))
        return training, held_out

    def sample_videos(self, matches: Sequence[Match]) -> list[LabelledVideo]:
        """Return a video for each sample of some matches, whose one range is the sample."""
        # All label files before the first video is indexed.
        found = [
            (match, half, interval)
            for match in matches
            for half, ranges in labelled_ranges(match, self._experiment.task)
            for interval in ranges
        ]
        return [self._sample(*one) for one in found]

    def named_samples(self, matches: Sequence[Match], names: Collection[str]) -> dict[str, LabelledVideo]:
        """Return the samples of some names; other matches are not indexed."""
        wanted = {name for one in names for name in (one, one.rpartition("/")[0])}
        videos = self.sample_videos([match for match in matches if match.name in wanted])
        return {video.name: video for video in videos if video.name in names}

    def _sample(self, match: Match, half: Half, interval: Interval) -> LabelledVideo:
        name = match.name
        if match.listed is None or not match.listed.is_sample:
            name = f"{name}/{half.stem}_{interval.start_seconds:.3f}-{interval.end_seconds:.3f}"
        return label_video(
            half.path,
            (),
            self._experiment.task.labels,
            self._experiment.input.rate,
            ranges=[interval],
            name=name,
            form=self._experiment.input.form,
        )

    def training_clips(
        self, videos: Sequence[LabelledVideo], curves: Sequence[ScoreCurve] | None = None
    ) -> ClassTrainingClips:
        """Return clips of samples, at most so many of each class; hard negatives are refused.

        Raises:
            ConfigError: `curves` are given.
        """
        if curves is not None:
            raise ConfigError(
                "hard_negatives_from is of spotting; of clips, classes are weighed by ClassConfig: cap_per_class, "
                "class_weights"
            )
        return ClassTrainingClips(
            videos,
            self._experiment.clip,
            self._experiment.classes,
            self._experiment.task.labels.names,
            random_crop=self._experiment.input.random_crop,
        )

    def validation_clips(self, videos: Sequence[LabelledVideo]) -> ClassTestClips | None:
        """Return the clips of at most `TrainConfig.validation_clips` samples, evenly spaced among all."""
        wanted = self._experiment.train.validation_clips
        if not wanted:
            return None
        chosen = np.unique(np.linspace(0, len(videos) - 1, min(wanted, len(videos))).round().astype(int))
        return self.test_clips([videos[place] for place in chosen])

    def test_clips(self, videos: Sequence[LabelledVideo]) -> ClassTestClips:
        """Return the clips by which samples are judged."""
        experiment = self._experiment
        return ClassTestClips(videos, experiment.clip, experiment.classes, experiment.task.labels.names)

    def draw_summary(self, clips: Clips) -> tuple[str, ...]:
        """Return the number of clips of each class, before and after balancing."""
        assert isinstance(clips, SampleClips)
        if not isinstance(clips, ClassTrainingClips):
            return (count_text(clips.num_clips, "clip"),)
        by_class = ", ".join(f"{name} {clips.drawn[name]} of {count}" for name, count in clips.counts.items())
        videos = count_text(len(clips.videos), "sample")
        return (f"{count_text(clips.num_clips, 'clip')} in an epoch, of {videos}", f"by class: {by_class}")

    def model(self, *, pretrained: bool = False) -> "ClipModel":
        """Return the experiment's network, with an output for each class."""
        from bvas.models.spotting import build_model
        from bvas.models.video.clip_network import build_clip_network

        experiment = self._experiment
        num_labels, pixels, size = (
            len(experiment.task.labels),
            experiment.input.pixels,
            experiment.input.size,
        )
        if experiment.video is not None:
            return build_clip_network(
                experiment.video, experiment.clip, num_labels, pixels=pixels, size=size, pretrained=pretrained
            )
        return build_model(
            experiment.model, experiment.clip, num_labels, pixels=pixels, size=size, pretrained=pretrained
        )

    def loss(self, logits: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the mean cross-entropy, each clip weighed by its target; labels are smoothed as configured."""
        from torch.nn.functional import cross_entropy

        smoothing = self._experiment.classes.label_smoothing
        each = cross_entropy(logits, targets.argmax(dim=1), reduction="none", label_smoothing=smoothing)
        return (each * targets.sum(dim=1)).mean()

    def scores(self, logits: "Tensor") -> "Tensor":
        """Return a probability for each class, which sum to 1."""
        return logits.softmax(dim=1)

    def figures(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, float]:
        """Return accuracy, mean rates over all classes, and top-5 accuracy from six classes on."""
        num_classes = scores.shape[1]
        names = ["accuracy", "macro_f1", "macro_precision", "macro_recall"]
        names += ["top_5"] if num_classes > _TOP else []
        if not np.isfinite(scores).all() or not len(scores):
            return dict.fromkeys(names, float("nan"))
        confusion = self.confusion(scores, targets)
        support = confusion.sum(axis=1)
        precision, recall, f1 = (
            float(rates.mean()) for rates in class_rates(confusion.diagonal(), support, confusion.sum(axis=0))
        )
        truth = targets.argmax(axis=1)
        found = [float(confusion.trace() / confusion.sum()), f1, precision, recall]
        found += [float(in_top(scores.astype(np.float64), truth, _TOP).mean())] if num_classes > _TOP else []
        return dict(zip(names, found, strict=True))

    def tables(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> Mapping[str, Any]:
        """Return the confusion matrix, rows by true class."""
        if not np.isfinite(scores).all():
            return {}
        return {"confusion": self.confusion(scores, targets).tolist()}

    def confusion(self, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return how often each class was taken for each, int64 [K, K]; rows are true classes."""
        return confusion_of(targets.argmax(axis=1), scores.argmax(axis=1), scores.shape[1])

    def results(self, curve: ScoreCurve) -> Found:
        """Return the stretches in which one class is the best."""
        return Found(intervals=tuple(class_runs(curve)))
