"""Which clips a fold trains on, and which it is validated on."""

from collections.abc import Sequence

import numpy as np

from bvas.errors import ConfigError
from bvas.experiment import Experiment
from bvas.loading.dataset import LabelledVideo, label_video
from bvas.loading.requests import FixedClips, TrainingClips
from bvas.tasks.matches import Match, annotated_halves


def fold_videos(
    experiment: Experiment, matches: Sequence[Match], fold: int
) -> tuple[list[LabelledVideo], list[LabelledVideo]]:
    """Return the labelled videos to train on, and those of the held-out fold.

    Raises:
        ConfigError: the fold does not exist, or nothing is left to train on.
        DataError: a label file or video is missing or wrong.
    """
    labelled = [match for match in matches if match.fold is not None]
    folds = {match.fold for match in labelled}
    if fold not in folds:
        raise ConfigError(f"no fold {fold}: the data has folds {sorted(f for f in folds if f is not None)}")
    if len(folds) < 2:
        raise ConfigError(
            f"{len(labelled)} labelled matches make one fold only, and nothing is left to train on; "
            f"cross-validation needs at least two matches"
        )
    # All label files before the first video is indexed, which takes minutes where there are hundreds.
    halves = {match.name: annotated_halves(match, experiment.task) for match in labelled}

    def videos(matches: Sequence[Match]) -> list[LabelledVideo]:
        return [
            label_video(half.path, annotations, experiment.task.labels, experiment.input.rate)
            for match in matches
            for half, annotations in halves[match.name]
        ]

    return (
        videos([match for match in labelled if match.fold != fold]),
        videos([match for match in labelled if match.fold == fold]),
    )


def training_clips(experiment: Experiment, videos: Sequence[LabelledVideo]) -> TrainingClips:
    """Return the clips that are drawn for training."""
    return TrainingClips(videos, experiment.clip, sampling=experiment.sampling, targets=experiment.targets)


def validation_clips(experiment: Experiment, videos: Sequence[LabelledVideo]) -> FixedClips | None:
    """Return the clips to validate on, in each epoch the same: half at annotations, half evenly over the videos.

    None where the experiment wants none.
    """
    wanted = experiment.train.validation_clips
    if not wanted:
        return None
    num_annotations = sum(len(video.annotation_frames) for video in videos)
    num_frames = sum(video.num_frames for video in videos)
    every = max(1, -(-num_annotations * 2 // wanted))
    spacing = max(1, num_frames * 2 // wanted)
    centers = [
        np.unique(
            np.concatenate(
                [
                    video.annotation_frames[::every],
                    # At least one in a video shorter than the spacing.
                    np.arange(min(spacing // 2, video.num_frames - 1), video.num_frames, spacing),
                ]
            )
        )
        for video in videos
    ]
    return FixedClips(videos, experiment.clip, centers, targets=experiment.targets)
