"""One video in, its actions out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.curve import ScoreCurve
from bvas.devices import Precision, autocast_dtype, choose_device
from bvas.ensembling.build import FILE_NAME as ENSEMBLE_NAME
from bvas.errors import CheckpointError, ConfigError
from bvas.experiment import Experiment, parse_folds
from bvas.file_rows import KeepRows, RowsSoFar, check_lost, rows_between, stream_rows
from bvas.inference.predictor import RowPredictor
from bvas.lag import DEFAULT_LAG_RULE, LagRule
from bvas.live import LiveSpots
from bvas.live_rows import RowStream, note_adaptation
from bvas.postprocess import find_spots
from bvas.spots import Gap, Spot
from bvas.video.ahead import DecodedAhead
from bvas.video.backends.nvdec import num_engines
from bvas.video.grid import make_grid
from bvas.video.live import LiveVideo, Reopening
from bvas.video.open import open_video
from bvas.video.sources import source_of

# Imported where they are used: exported models are spotted with where there is no PyTorch.
if TYPE_CHECKING:
    import torch

    from bvas.checkpoint import Checkpoint
    from bvas.inference.streaming import StreamingPredictor
    from bvas.models.spotting import SpottingModel

# Compiling takes about a minute, as twenty minutes of video do at 20 times real time.
LONG_FRAMES = 30_000
"""From so many frames on compiled models save more time than compiling them takes."""


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


class VideoSpotter(Protocol):
    """What `spot_video` and `LiveSpots` look at videos with: a `Spotter`, or an `OnnxSpotter`."""

    @property
    def experiment(self) -> Experiment:
        """Labels, clip, input, peaks."""
        ...

    @property
    def device(self) -> object:
        """Where frames are decoded to, as `str` gives it: `cpu`, `cuda`, `cuda:1`."""
        ...

    def predictor(self, *, compiled: bool = False) -> RowPredictor:
        """Return a predictor, for one video after the other; `compiled` where hours of video on CUDA follow."""
        ...


@dataclass(frozen=True, slots=True)
class Spotter:
    """Trained models of one experiment, ready to look at videos."""

    experiment: Experiment
    models: "tuple[SpottingModel, ...]"
    """One per fold; their scores are averaged."""
    device: "torch.device"
    precision: Precision = "auto"
    """What is computed in; `auto` is half precision on CUDA, and float32 on a CPU."""
    stride: int = 1
    """Rows are computed for every so many grid frames, and filled in between."""

    def predictor(self, *, compiled: bool = False) -> "StreamingPredictor":
        """Return a predictor, for one video after the other.

        Args:
            compiled: Take a minute to compile it, for hours of video on CUDA.
        """
        import torch

        from bvas.inference.streaming import StreamingPredictor

        return StreamingPredictor(
            self.models,
            self.experiment.clip,
            luma_scaling=self.experiment.input.luma_scaling,
            flip=self.experiment.flip_tta,
            dtype=autocast_dtype(self.device, self.precision) or torch.float32,
            stride=self.stride,
            compiled=compiled,
        )

    def stream(
        self,
        source: Path | str,
        *,
        candidates: bool = False,
        backend: str = "auto",
        growing: bool = False,
        idle_seconds: float = 5.0,
        strict: bool = False,
        lag_rule: LagRule | None = DEFAULT_LAG_RULE,
        reopening: Reopening | None = None,
    ) -> LiveSpots:
        """Give the spots of a source while it runs: `for spot in spotter.stream("rtsp://camera")`.

        The arguments and errors are those of `LiveSpots`.
        """
        return LiveSpots(
            self,
            source,
            candidates=candidates,
            backend=backend,
            growing=growing,
            idle_seconds=idle_seconds,
            strict=strict,
            lag_rule=lag_rule,
            reopening=reopening,
        )


def trained_among(experiment: Experiment, runs: Path, folds: str = "all") -> list[int]:
    """Return the trained folds that `all` or a list like `0,3` names.

    Raises:
        CheckpointError: no fold is trained; the message tells how to get one.
        ConfigError: a fold of the list is not trained; the message lists those that are.
    """
    from bvas.checkpoint import trained_folds

    trained = trained_folds(runs, experiment.name)
    if not trained and (runs / experiment.name / ENSEMBLE_NAME).is_file():
        raise CheckpointError(
            f"{experiment.name} is an ensemble, which has no weights of its own: predict its members, then average "
            "them with 'bvas experiment ensemble'"
        )
    if not trained:
        raise CheckpointError(
            f"experiment {experiment.name} has no weights in {runs / experiment.name}; train them with "
            f"'bvas train --experiment {experiment.name}', or import some with 'bvas weights import'"
        )
    return parse_folds(folds, trained)


def load_spotter(
    experiment: Experiment,
    runs: Path,
    *,
    folds: Sequence[int] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    stride: int = 1,
) -> Spotter:
    """Return the trained models of an experiment.

    Args:
        experiment: The experiment.
        runs: The runs folder.
        folds: Folds whose models are averaged; None for all that are trained.
        device: As `choose_device` takes it.
        precision: What is computed in.
        stride: Grid frames from one computed row to the next.

    Raises:
        CheckpointError: a fold has no weights, or its weights are of another experiment.
    """
    from bvas.checkpoint import FILE_NAME, fold_folder, load_checkpoint

    wanted = trained_among(experiment, runs) if folds is None else folds
    chosen = choose_device(device)
    checkpoints = [load_checkpoint(fold_folder(runs, experiment.name, fold) / FILE_NAME) for fold in wanted]
    for checkpoint in checkpoints:
        _check_same(experiment, checkpoint)
    models = tuple(checkpoint.build_model().to(chosen) for checkpoint in checkpoints)
    return Spotter(experiment, models, chosen, precision, stride)


def _check_same(experiment: Experiment, checkpoint: "Checkpoint") -> None:
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
    source: Path | str,
    spotter: VideoSpotter,
    *,
    backend: str = "auto",
    from_seconds: float = 0.0,
    to_seconds: float | None = None,
    strict: bool = False,
    growing: bool = False,
    progress: Callable[[int, int], None] | None = None,
    num_readers: int | None = None,
    predictor: RowPredictor | None = None,
    so_far: RowsSoFar | None = None,
    keep: KeepRows | None = None,
) -> VideoSpots:
    """Return score curve and spots of one video, of any rate, size, codec and container.

    Args:
        source: A video file; or what comes only once, read to its end: a named pipe, `-` for standard input, or
            an address, which is opened again where it breaks off.
        spotter: The models.
        backend: Decoder, `auto` to choose by device and file.
        from_seconds: Where to begin; frames before it are seen as context only.
        to_seconds: Where to end; None for the end of the video.
        strict: Raise where a frame cannot be decoded, instead of leaving a gap.
        growing: The file is still being written.
        progress: Called with (grid frames done, grid frames in all); those of a stream are as many as came so far.
        num_readers: Threads that decode a file ahead of the model, each from other keyframes. None: one for each
            decoder of the GPU that decodes, else one.
        predictor: One of `spotter.predictor()`, to go from video to video with it; None makes one, compiled for
            long files on CUDA.
        so_far: Rows of the same file and range from an earlier try that `keep` got.
        keep: Called after each chunk of a file with all rows so far.

    Raises:
        DecodeError: it is no video that can be read, more than a fifth of it is lost, or `strict` and a frame
            is lost.
        ConfigError: the time range is empty or lies outside the video, or there is one for a stream.
    """
    origin = source_of(source, growing=growing)
    if not origin.is_indexable:
        if from_seconds or to_seconds is not None:
            raise ConfigError(
                f"{origin.name} is a {origin.kind}: it is read to its end; a range takes a file, {origin.remedy}"
            )
        return _spots_of_stream(source, spotter, backend, growing, strict, progress)
    path = Path(origin.location)
    settings = spotter.experiment.input
    on_cuda = str(spotter.device).startswith("cuda")
    with open_video(path, backend, size=settings.size, device=str(spotter.device)) as reader:
        note_adaptation(path.name, reader.info, settings)
        grid = make_grid(reader.index, settings.rate)
        start, stop = rows_between(grid.seconds, from_seconds, to_seconds, path)
        clip = spotter.experiment.clip
        # The clips at both ends of the range see beyond it wherever the video goes on there.
        first = max(0, start - clip.frames_before)
        last = min(len(grid.seconds), stop + clip.frames_after)
        wanted = grid.indices[first:last]
        if predictor is None:
            predictor = spotter.predictor(compiled=on_cuda and len(wanted) >= LONG_FRAMES)
        predictor.reset()
        begin = 0 if so_far is None else so_far.restart(clip, predictor.stride)
        firsts = np.searchsorted(reader.index.pts, reader.index.keyframe_pts)
        if num_readers is None:
            num_readers = num_engines(reader.info, str(spotter.device)) if reader.backend == "nvdec" else 1
        # A single reader is this one: it has opened nothing yet.
        another = partial(open_video, path, backend, size=settings.size, device=str(spotter.device))
        with DecodedAhead(
            another if num_readers > 1 else lambda: reader,
            wanted[begin:],
            firsts,
            frame_bytes=reader.size[0] * reader.size[1],
            num_readers=num_readers,
            on_device=on_cuda,
        ) as decoded:
            found = stream_rows(
                decoded,
                len(wanted),
                predictor,
                reader.info.color_range,
                strict=strict,
                progress=progress,
                so_far=so_far,
                keep=keep,
            )
    gaps = tuple(
        Gap(float(grid.seconds[first + a]), float(grid.seconds[first + b - 1]), b - a, reason)
        for a, b, reason in found.lost
    )
    check_lost(path, gaps, last - first)
    return _found(
        path,
        spotter,
        found.scores[start - first : stop - first],
        grid.seconds[start:stop],
        grid.indices[start:stop],
        gaps,
        reader.info.duration_seconds,
    )


def _spots_of_stream(
    source: Path | str,
    spotter: VideoSpotter,
    backend: str,
    growing: bool,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> VideoSpots:
    size, device = spotter.experiment.input.size, str(spotter.device)
    with LiveVideo(source, size=size, backend=backend, device=device, growing=growing) as video:
        rows = RowStream(video, spotter, strict=strict, lag_rule=None)
        parts = []
        for part in rows:
            parts.append(part)
            if progress is not None:
                progress(rows.num_grid_frames, rows.num_grid_frames)
        path, duration = video.info.path, video.duration_seconds
    check_lost(path, rows.gaps, rows.num_grid_frames)
    return _found(
        path,
        spotter,
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.seconds for part in parts]),
        np.concatenate([part.frames for part in parts]),
        rows.gaps,
        duration,
    )


def _found(
    path: Path,
    spotter: VideoSpotter,
    scores: NDArray[np.float32],
    seconds: NDArray[np.float64],
    frames: NDArray[np.int64],
    gaps: tuple[Gap, ...],
    duration_seconds: float,
) -> VideoSpots:
    labels = spotter.experiment.task.labels
    spots = tuple(find_spots(scores, seconds, labels, spotter.experiment.peaks))
    return VideoSpots(
        path=path,
        curve=ScoreCurve(scores, seconds, labels.names),
        spots=spots,
        gaps=gaps,
        duration_seconds=duration_seconds,
        # A spot's time is that of its row.
        source_frames=tuple(int(frames[np.searchsorted(seconds, spot.seconds)]) for spot in spots),
    )
