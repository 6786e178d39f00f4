"""Trained models of one experiment, ready to look at videos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvas.errors import CheckpointError
from bvas.experiment.checkpoint import ENSEMBLE_NAME
from bvas.experiment.experiment import Experiment, parse_folds
from bvas.inference.lag import DEFAULT_LAG_RULE, LagRule
from bvas.inference.live_spots import LiveSpots
from bvas.system.devices import Precision, choose_device
from bvas.video.live.live_video import Reopening

# Imported where they are used: a program that asks which folds are trained needs no PyTorch.
if TYPE_CHECKING:
    import torch

    from bvas.experiment.checkpoint import Checkpoint
    from bvas.inference.streaming import StreamingPredictor
    from bvas.models.spotting import SpottingModel


@dataclass(frozen=True, slots=True)
class Spotter:
    """Trained models of one experiment, ready to look at videos."""

    experiment: Experiment
    models: "tuple[SpottingModel, ...]"
    """One per fold; their scores are averaged."""
    device: "torch.device"
    precision: Precision = "auto"
    """What is computed in; `auto` is float16 on CUDA, and float32 on a CPU."""
    stride: int = 1
    """Rows are computed for every so many grid frames, and filled in between."""

    def predictor(self, *, compiled: bool = False) -> "StreamingPredictor":
        """Return a predictor, for one video after the other.

        Args:
            compiled: Compile it first, for hours of video on CUDA.
        """
        from bvas.inference.precision import prediction_dtype
        from bvas.inference.streaming import StreamingPredictor

        return StreamingPredictor(
            self.models,
            self.experiment.clip,
            luma_scaling=self.experiment.input.luma_scaling,
            flip=self.experiment.flip_tta,
            dtype=prediction_dtype(self.device, self.precision),
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
    from bvas.experiment.checkpoint import trained_folds

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
    from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint

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
