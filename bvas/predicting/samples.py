"""Predictions of the held-out samples of each fold, for experiments of kind clip."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bvas.data.matches import Match
from bvas.errors import DataError, DecodeError, ScoresError
from bvas.experiment.checkpoint import FILE_NAME, fold_folder
from bvas.experiment.experiment import Experiment
from bvas.inference.classifier import Classifier, load_classifier
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.skip_policy import OnError
from bvas.results.sample_predictions import SamplePredictions, joined, load_sample_predictions
from bvas.results.store import sample_predictions_path
from bvas.system.cpu_cores import CoreWatch
from bvas.system.devices import Precision
from bvas.tasks.clip import ClipKind
from bvas.training.fold import WorkerMix, clip_loader
from bvas.values.color import to_unit_frames
from bvas.values.progress import Progress
from bvas.video.index.file_identity import content_digest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class PredictedSamples:
    """Predictions of the samples of some folds, and those that have none."""

    predictions: SamplePredictions
    failed: tuple[str, ...]
    """Names of the samples that cannot be read or decoded."""
    new_folds: tuple[int, ...]
    """Folds that were predicted now; the predictions of all others are earlier ones."""


def predict_samples(
    experiment: Experiment,
    matches: Sequence[Match],
    folds: Sequence[int],
    runs: Path,
    *,
    device: torch.device,
    workers: WorkerMix,
    precision: Precision = "auto",
    strict: bool = False,
    known: SamplePredictions | None = None,
    progress: Progress | None = None,
) -> PredictedSamples:
    """Predict the samples that folds hold out, each by its fold's model; a test split included.

    A fold all of whose samples are known, with the same classes, is not predicted again.

    Args:
        experiment: Of kind clip.
        matches: The matches of the data root.
        folds: Trained folds.
        runs: The runs folder.
        device: The models' device.
        workers: Loader processes by backend, or `auto`.
        precision: Type to compute in.
        strict: Fail where a sample cannot be read or decoded.
        known: Earlier predictions, as `current_predictions` returns them; those of folds that are not predicted now
            are kept.
        progress: Called with clips done and all clips.

    Raises:
        DataError: the folds hold out no sample, no sample can be decoded, or a label file is wrong.
        CheckpointError: a fold has no weights, or its weights are of another experiment.
        DecodeError: `strict`, and a video or clip cannot be read.
        ScoresError: the model gives NaN or infinity.
        WorkerError: a loader process died.
    """
    kind = ClipKind(experiment)
    held_out = [(fold, match) for fold in folds for match in matches if match.fold == fold]
    if not held_out:
        raise DataError(f"folds {', '.join(map(str, folds))} hold out no sample to predict")
    found, failed = [], []
    for fold, match in held_out:
        try:
            found += [(fold, match, video) for video in kind.sample_videos([match])]
        except DecodeError:
            if strict:
                raise
            failed.append(match.name)
    samples = {
        (fold, video.name, match.group, match.side, int(video.ranges[0, 2])) for fold, match, video in found
    }
    done_before = set() if known is None else known.identities()
    new_folds = tuple(
        fold
        for fold in folds
        if {one for one in samples if one[0] == fold} != {one for one in done_before if one[0] == fold}
    )
    found = [one for one in found if one[0] in new_folds]
    scores = np.full((len(found), len(experiment.task.labels)), np.nan, np.float32)
    total, done = len(found) * experiment.classes.test_clips, 0
    for fold in new_folds:
        places = [place for place, (number, _, _) in enumerate(found) if number == fold]
        if not places:
            continue
        classifier = load_classifier(experiment, runs, folds=[fold], device=str(device), precision=precision)
        videos = [found[place][2] for place in places]
        scores[places] = _probabilities(
            classifier, videos, workers, "raise" if strict else "skip", progress, done, total
        )
        done += len(places) * experiment.classes.test_clips
    is_gap = [bool(np.isnan(row).any()) for row in scores]
    there = [one for one, is_lost in zip(found, is_gap, strict=True) if not is_lost]
    failed += [video.name for (_, _, video), is_lost in zip(found, is_gap, strict=True) if is_lost]
    kept = None if known is None else known.of_folds(set(known.folds.tolist()) - set(new_folds))
    if not there and (kept is None or not kept.names):
        raise DataError(
            f"none of the samples can be decoded, the first is {failed[0]}; see 'bvas data check'"
        )
    every = sorted({fold for fold, _, _ in there} | (set() if kept is None else set(kept.folds.tolist())))
    predictions = SamplePredictions(
        labels=experiment.task.labels.names,
        names=tuple(video.name for _, _, video in there),
        groups=tuple(match.group for _, match, _ in there),
        sides=tuple(match.side for _, match, _ in there),
        folds=np.array([fold for fold, _, _ in there], np.int64),
        truth=np.array([video.ranges[0, 2] for _, _, video in there], np.int64),
        scores=scores[np.logical_not(is_gap)],
        made_with=made_with(experiment, every, runs),
    )
    return PredictedSamples(
        predictions if kept is None else joined(predictions, kept), tuple(failed), new_folds
    )


def current_predictions(experiment: Experiment, runs: Path) -> SamplePredictions | None:
    """Return the stored predictions of folds that have the same weights and settings now; None if none are stored."""
    path = sample_predictions_path(runs, experiment.name)
    if not path.is_file():
        return None
    try:
        stored = load_sample_predictions(path, experiment.name)
    except DataError as error:
        logger.info("%s", error)
        return None
    weights = stored.made_with["weights"]
    there = [int(fold) for fold in weights if _weights_path(experiment, runs, int(fold)).is_file()]
    now = made_with(experiment, there, runs)
    if (
        stored.labels != experiment.task.labels.names
        or {**stored.made_with, "weights": now["weights"]} != now
    ):
        return None
    return stored.of_folds([fold for fold in there if now["weights"][str(fold)] == weights[str(fold)]])


def made_with(experiment: Experiment, folds: Sequence[int], runs: Path) -> dict[str, Any]:
    """Return what decides the predictions of some folds: digests of weights, and settings of the test clips."""
    weights = {str(fold): content_digest(_weights_path(experiment, runs, fold)) for fold in folds}
    classes = experiment.classes
    return {
        "weights": weights,
        "test_clips": classes.test_clips,
        "frame_order": classes.frame_order,
        "flip_tta": experiment.flip_tta,
        "rate": experiment.input.rate,
        "clip": asdict(experiment.clip),
    }


def _weights_path(experiment: Experiment, runs: Path, fold: int) -> Path:
    return fold_folder(runs, experiment.name, fold) / FILE_NAME


def _probabilities(
    classifier: Classifier,
    videos: Sequence[LabelledVideo],
    workers: WorkerMix,
    on_error: OnError,
    progress: Progress | None,
    done: int,
    total: int,
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the mean probabilities of each sample's clips [S, K]; NaN where none can be decoded."""
    experiment = classifier.experiment
    # Damaged samples are listed, however many there are.
    tolerant = replace(experiment, loading=replace(experiment.loading, max_skip_share=1.0))
    clips = ClipKind(experiment).test_clips(videos)
    sums = np.zeros((len(videos), len(experiment.task.labels)))
    counts = np.zeros(len(videos))
    loading = clip_loader(tolerant, clips, device=classifier.device, workers=workers, on_error=on_error)
    with CoreWatch() as cores, loading as loader:
        for batch in loader.epoch(0):
            cores.follow()
            frames = to_unit_frames(batch.frames, batch.forms, experiment.input.luma_scaling)
            ids = batch.video_ids.numpy()
            found = classifier.probabilities(frames)
            if not np.isfinite(found).all():
                raise ScoresError(
                    f"the model of {experiment.name} gives probabilities that are NaN or infinite, first of "
                    f"{videos[ids[0]].name}; try --precision float32, or train again with other weights"
                )
            np.add.at(sums, ids, found)
            np.add.at(counts, ids, 1)
            done += len(ids)
            if progress is not None:
                progress(min(done, total), total)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts[:, None], np.float32)
