"""Which clips a fold trains on, and which it is validated on."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.data.matches import Match, annotated_halves
from bvas.errors import ConfigError, DataError
from bvas.experiment.experiment import Experiment
from bvas.loading.clip_requests import FixedClips, TrainingClips
from bvas.loading.labelled_video import LabelledVideo, label_video
from bvas.loading.weighting import (
    WeightedSampler,
    effective_number_weights,
    label_counts,
    scores_on_grid,
)
from bvas.results.curve_files import load_curve
from bvas.results.curves_on_disk import predictions_folder

logger = logging.getLogger(__name__)


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
            f"all labelled matches ({len(labelled)}) are in one fold, and nothing is left to train on; "
            "cross-validation needs at least two matches"
        )
    # All label files before the first video is indexed, which takes minutes where there are hundreds.
    halves = {match.name: annotated_halves(match, experiment.task) for match in labelled}

    def videos(matches: Sequence[Match]) -> list[LabelledVideo]:
        return [
            label_video(
                half.path,
                annotations,
                experiment.task.labels,
                experiment.input.rate,
                name=f"{match.name}/{half.path.stem}",
            )
            for match in matches
            for half, annotations in halves[match.name]
        ]

    return (
        videos([match for match in labelled if match.fold != fold]),
        videos([match for match in labelled if match.fold == fold]),
    )


def training_clips(experiment: Experiment, videos: Sequence[LabelledVideo], runs: Path) -> TrainingClips:
    """Return the clips that are drawn for training.

    Raises:
        DataError: a score curve to find hard negatives in is missing or wrong.
    """
    return TrainingClips(
        videos,
        experiment.clip,
        sampling=experiment.sampling,
        targets=experiment.targets,
        samplers=_weighted_samplers(experiment, videos, runs),
    )


def _weighted_samplers(
    experiment: Experiment, videos: Sequence[LabelledVideo], runs: Path
) -> list[WeightedSampler] | None:
    """Return who draws the frames of each video; None where frames have no weights of their own."""
    sampling, source = experiment.sampling, experiment.train.hard_negatives_from
    if not sampling.effective_number_beta and not source:
        return None
    label_weights = None
    if sampling.effective_number_beta:
        label_weights = effective_number_weights(label_counts(videos), sampling.effective_number_beta)
        logger.info(
            "label weights by effective number: %s",
            ", ".join(
                f"{label} {weight:.3g}"
                for label, weight in zip(
                    experiment.task.labels, label_weights / max(label_weights.sum(), 1e-300), strict=True
                )
            ),
        )
    return [
        WeightedSampler(
            video,
            sampling,
            label_weights=label_weights,
            scores=_out_of_fold_scores(experiment, video, runs) if source else None,
        )
        for video in videos
    ]


def _out_of_fold_scores(experiment: Experiment, video: LabelledVideo, runs: Path) -> NDArray[np.float64]:
    source = experiment.train.hard_negatives_from
    path = curve_path(runs, source, video.name)
    if not path.is_file():
        raise DataError(
            f"experiment {experiment.name} draws hard negatives from the out-of-fold curves of {source}, and "
            f"{path} is missing; make them first: bvas train --experiment {source}, then "
            f"bvas predict --experiment {source}"
        )
    return scores_on_grid(load_curve(path), video.grid)


def curve_digests(experiment: Experiment, videos: Sequence[LabelledVideo], runs: Path) -> list[str]:
    """Return `NAME DIGEST` for each score curve that hard negatives are found in; other scores give another digest.

    Raises:
        DataError: a curve is damaged.
    """
    source, digests = experiment.train.hard_negatives_from, []
    for video in videos if source else ():
        path = curve_path(runs, source, video.name)
        if path.is_file():
            curve = load_curve(path)
            digest = hashlib.blake2b(curve.scores.tobytes() + curve.seconds.tobytes(), digest_size=8)
            digests.append(f"scores of {source} on {video.name} {digest.hexdigest()}")
    return digests


def curve_path(runs: Path, name: str, video_name: str) -> Path:
    """Return where the out-of-fold curve of a video lies that experiment `name` predicted."""
    return predictions_folder(runs, name) / f"{video_name}_scores.npz"


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
