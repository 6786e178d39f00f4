"""One video in, its actions out."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bvas.checkpoint import FILE_NAME, Checkpoint, fold_folder, load_checkpoint, trained_folds
from bvas.curve import ScoreCurve
from bvas.devices import autocast_dtype, choose_device
from bvas.errors import CheckpointError, ConfigError, DecodeError
from bvas.experiment import Experiment, parse_folds
from bvas.inference.streaming import StreamingPredictor
from bvas.models.spotting import SpottingModel
from bvas.postprocess import find_spots
from bvas.spots import Spot
from bvas.video.grid import make_grid
from bvas.video.open import open_video
from bvas.video.protocol import FrameDecoder
from bvas.video.sources import file_of

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 32 << 20
_MOST_LOST = 0.2
# Few frames first, so that an estimate of the whole comes early.
_FIRST_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a video that could not be decoded."""

    start_seconds: float
    end_seconds: float
    num_frames: int
    """Grid frames lost."""
    reason: str

    def to_json(self, half: int) -> dict[str, float | int | str]:
        """Return the gap as the results file holds it, with the number of its half or part."""
        return {
            "half": half,
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "num_frames": self.num_frames,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class VideoSpots:
    """What was found in one video file."""

    path: Path
    curve: ScoreCurve
    spots: tuple[Spot, ...]
    """All candidates, in time order; those for people lie at or above the operating point."""
    gaps: tuple[Gap, ...]
    duration_seconds: float
    source_frames: tuple[int, ...]
    """Frame of the file for each spot."""


@dataclass(frozen=True, slots=True)
class Spotter:
    """Trained models of one experiment, ready to look at videos."""

    experiment: Experiment
    models: tuple[SpottingModel, ...]
    """One per fold; their scores are averaged."""
    device: torch.device


def trained_among(experiment: Experiment, runs: Path, folds: str = "all") -> list[int]:
    """Return the trained folds that `all` or a list like `0,3` names.

    Raises:
        CheckpointError: no fold is trained; the message tells how to get one.
        ConfigError: a fold of the list is not trained; the message lists those that are.
    """
    trained = trained_folds(runs, experiment.name)
    if not trained:
        raise CheckpointError(
            f"experiment {experiment.name} has no weights in {runs / experiment.name}; train them with "
            f"'bvas train --experiment {experiment.name}', or import some with 'bvas weights import'"
        )
    return parse_folds(folds, trained)


def load_spotter(
    experiment: Experiment, runs: Path, *, folds: Sequence[int] | None = None, device: str = "auto"
) -> Spotter:
    """Return the trained models of an experiment.

    Args:
        experiment: The experiment.
        runs: The runs folder.
        folds: Folds whose models are averaged; None for all that are trained.
        device: As `choose_device` takes it.

    Raises:
        CheckpointError: a fold has no weights, or its weights are of another experiment.
    """
    wanted = trained_among(experiment, runs) if folds is None else folds
    chosen = choose_device(device)
    checkpoints = [load_checkpoint(fold_folder(runs, experiment.name, fold) / FILE_NAME) for fold in wanted]
    for checkpoint in checkpoints:
        _check_same(experiment, checkpoint)
    models = tuple(checkpoint.build_model().to(chosen) for checkpoint in checkpoints)
    return Spotter(experiment, models, chosen)


def _check_same(experiment: Experiment, checkpoint: Checkpoint) -> None:
    """Weights answer only to the input, clip, model and labels that they were trained with."""
    for part in ("model", "clip", "input"):
        now, then = _shape_of(experiment, part), _shape_of(checkpoint.experiment, part)
        if now != then:
            raise CheckpointError(
                f"{checkpoint.path} was trained with another {part} than experiment {experiment.name} has "
                f"({then} against {now}); train again, or use the experiment it was trained with"
            )
    if experiment.task.labels.names != checkpoint.experiment.task.labels.names:
        raise CheckpointError(
            f"{checkpoint.path} knows the labels {checkpoint.experiment.task.labels.names}, "
            f"experiment {experiment.name} has {experiment.task.labels.names}"
        )


def _shape_of(experiment: Experiment, part: str) -> object:
    """Return what of a part decides whether weights fit: not the start nor the dropout of training."""
    if part == "model":
        return replace(
            experiment.model,
            pretrained=False,
            weights_file=None,
            drop_rate=0.0,
            drop_path_rate=0.0,
            encoder_drop_path_rate=0.0,
        )
    return getattr(experiment, part)


def spot_video(
    path: Path | str,
    spotter: Spotter,
    *,
    backend: str = "auto",
    from_seconds: float = 0.0,
    to_seconds: float | None = None,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> VideoSpots:
    """Return score curve and spots of one video file, of any rate, size, codec and container.

    Args:
        path: The video.
        spotter: The models.
        backend: Decoder, `auto` to choose by device and file.
        from_seconds: Where to begin; frames before it are seen as context only.
        to_seconds: Where to end; None for the end of the video.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        progress: Called with (grid frames done, grid frames in all).

    Raises:
        DecodeError: it is no file, or no video that can be read, more than a fifth of it is
            lost, or `strict` and a frame is lost.
        ConfigError: the time range is empty or lies outside the video.
    """
    path = file_of(path)
    settings = spotter.experiment.input
    reader = open_video(path, backend, size=settings.size, device=str(spotter.device))
    with reader:
        grid = make_grid(reader.index, settings.rate)
        start, stop = _rows_between(grid.seconds, from_seconds, to_seconds, Path(path))
        clip = spotter.experiment.clip
        # The clips at both ends of the range see beyond it wherever the video goes on there.
        first = max(0, start - clip.frames_before)
        last = min(len(grid.seconds), stop + clip.frames_after)
        predictor = StreamingPredictor(
            spotter.models,
            clip,
            luma_scaling=settings.luma_scaling,
            flip=spotter.experiment.flip_tta,
            autocast=autocast_dtype(spotter.device),
        )
        rows, lost = _stream_rows(reader, grid.indices[first:last], predictor, strict, progress)
    scores = rows[start - first : stop - first]
    seconds = grid.seconds[start:stop]
    gaps = tuple(
        Gap(float(grid.seconds[first + a]), float(grid.seconds[first + b - 1]), b - a, reason)
        for a, b, reason in lost
    )
    num_lost = sum(gap.num_frames for gap in gaps)
    if num_lost > _MOST_LOST * (last - first):
        raise DecodeError(
            f"{path}: {num_lost} of {last - first} frames cannot be decoded, more than {_MOST_LOST:.0%}; "
            f"first: {gaps[0].reason}. Repair or re-encode the file",
            path=path,
        )
    if gaps:
        logger.warning(
            "%s: %d of %d frames cannot be decoded; nothing is spotted around %s",
            path,
            num_lost,
            last - first,
            ", ".join(f"{gap.start_seconds:.1f} s" for gap in gaps[:5]) + (" ..." if len(gaps) > 5 else ""),
        )
    labels = spotter.experiment.task.labels
    curve = ScoreCurve(scores, seconds, labels.names)
    spots = tuple(find_spots(curve.scores, curve.seconds, labels, spotter.experiment.peaks))
    return VideoSpots(
        path=Path(path),
        curve=curve,
        spots=spots,
        gaps=gaps,
        duration_seconds=reader.info.duration_seconds,
        source_frames=tuple(int(grid.indices[grid.nearest(spot.seconds)]) for spot in spots),
    )


def _rows_between(
    seconds: np.ndarray, from_seconds: float, to_seconds: float | None, path: Path
) -> tuple[int, int]:
    end = float(seconds[-1])
    if from_seconds < 0 or from_seconds > end or (to_seconds is not None and to_seconds <= from_seconds):
        raise ConfigError(
            f"the range {from_seconds:g} s to {'the end' if to_seconds is None else f'{to_seconds:g} s'} "
            f"holds no frame of {path} (0 to {end:.2f} s)"
        )
    start = int(np.searchsorted(seconds, from_seconds - 1e-6))
    stop = len(seconds) if to_seconds is None else int(np.searchsorted(seconds, to_seconds - 1e-6))
    return start, max(stop, start + 1)


def _stream_rows(
    reader: FrameDecoder,
    indices: np.ndarray,
    predictor: StreamingPredictor,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> tuple[np.ndarray, list[tuple[int, int, str]]]:
    """Return the score rows of the frames at `indices`, and the stretches (start, stop, reason) that were lost."""
    chunk_size = max(1, min(len(indices), _CHUNK_BYTES // (reader.size[0] * reader.size[1])))
    buffer = np.empty((chunk_size, *reader.size), np.uint8)
    rows: list[np.ndarray] = []
    lost: list[tuple[int, int, str]] = []
    position = 0
    length = min(chunk_size, _FIRST_CHUNK)
    while position < len(indices):
        wanted = indices[position : position + length]
        gap = None
        try:
            reader.read_into(wanted, buffer[: len(wanted)])
        except DecodeError as error:
            if strict or error.lost is None:
                raise
            gap = error.lost, str(error)
            wanted = wanted[wanted < error.lost.start]
            if len(wanted):
                reader.read_into(wanted, buffer[: len(wanted)])
        if len(wanted):
            rows.append(predictor.push(buffer[: len(wanted)], reader.info.color_range))
            position += len(wanted)
        if gap is not None:
            # At least one frame further, or a reader that keeps naming earlier frames would never end.
            behind = max(int(np.searchsorted(indices, gap[0].stop)), position + 1)
            rows.append(predictor.break_here(behind - position))
            lost.append((position, behind, gap[1]))
            position = behind
        if progress is not None:
            progress(position, len(indices))
        length = chunk_size
    rows.append(predictor.finish())
    return np.concatenate(rows), _joined(lost)


def _joined(lost: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    joined: list[tuple[int, int, str]] = []
    for start, stop, reason in lost:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop, joined[-1][2])
        else:
            joined.append((start, stop, reason))
    return joined
