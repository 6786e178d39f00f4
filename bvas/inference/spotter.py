"""Spotter: the trained models of one experiment, ready for videos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bvas.errors import CheckpointError
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.inference.streaming import StreamingPredictor
from bvas.system.devices import EngineName, Precision, choose_device

# Imported where they are used: exported models run without PyTorch.
if TYPE_CHECKING:
    import torch

    from bvas.experiment.checkpoint import Checkpoint
    from bvas.models.spotting import SpottingModel
    from bvas.tasks.trained_model import Model


# Assumed, not measured yet: compiling takes a minute, as twenty minutes of video do at 20 times real time.
LONG_FRAMES = 30_000
"""From so many rows on, models that are compiled on CUDA save more time than compiling them takes."""


class VideoSpotter(Protocol):
    """Trained models on any library: a `Spotter`, or an `OnnxSpotter`."""

    @property
    def experiment(self) -> Experiment:
        """Labels, clip, input, peaks."""
        ...

    @property
    def device(self) -> object:
        """Device that frames are decoded to; its `str` is `cpu`, `cuda`, `cuda:1` ..."""
        ...

    def predictor(self, *, num_rows: int = 0) -> StreamingPredictor:
        """Return a predictor, for one video after the other.

        Args:
            num_rows: Rows that it will compute, 0 where that is unknown. What takes time first (to compile, to choose
                an engine) is done where it pays.
        """
        ...


@dataclass(frozen=True, slots=True)
class Spotter:
    """Trained models of one experiment."""

    experiment: Experiment
    models: "tuple[SpottingModel, ...]"
    """One per fold; their scores are averaged."""
    device: "torch.device"
    precision: Precision = "auto"
    """Type to compute in; `auto` is float16 on CUDA, and float32 on a CPU."""
    stride: int = 1
    """A row is computed for one of so many grid frames; the others are interpolated."""
    share_repeats: bool = True
    """Rows of byte-equal frames are computed once."""
    engine: EngineName = "auto"
    """Library that computes; `auto` is PyTorch, and on a CPU for each part the one that is measured to be fastest."""

    def predictor(self, *, num_rows: int = 0) -> StreamingPredictor:
        """Return a predictor, for one video after the other: see `VideoSpotter`."""
        import torch

        from bvas.inference.engine_choice import ExpectedWork, on_engine
        from bvas.inference.model_parts import torch_parts
        from bvas.inference.precision import default_batch, prediction_dtype
        from bvas.inference.torch_engine import TorchEngine
        from bvas.loading.device_fit import DeviceFit

        settings = self.experiment.input
        form = settings.form
        dtype = prediction_dtype(self.device, self.precision)
        flips = 2 if self.experiment.flip_tta else 1
        batch = default_batch(self.device, settings.size, flips)
        work = ExpectedWork(
            size=settings.size, batch=flips * batch, num_batches=num_rows / self.stride / batch
        )
        may_differ = self.device.type == "cpu" and dtype == torch.float32
        engine = TorchEngine(
            self.models,
            self.experiment.clip,
            luma_scaling=settings.luma_scaling,
            fit=DeviceFit(form, settings.luma_scaling) if form.is_scaled_on_device else None,
            flip_tta=self.experiment.flip_tta,
            dtype=dtype,
            compiled=self.device.type == "cuda" and num_rows >= LONG_FRAMES,
            parts=partial(on_engine, engine=self.engine, work=work) if may_differ else torch_parts,
        )
        return StreamingPredictor(engine, stride=self.stride, share_repeats=self.share_repeats)


def load_spotter(
    experiment: Experiment | str,
    runs: Path | str = "runs",
    *,
    folds: Sequence[int] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    stride: int = 1,
    share_repeats: bool = True,
    engine: EngineName = "auto",
) -> Spotter:
    """Return the trained models of an experiment, for `spot_video` and `LiveSpots`.

    >>> spotter = load_spotter("ball")  # doctest: +SKIP
    >>> spot_video("match.mp4", spotter).spots[0]  # doctest: +SKIP
    Spot(label='PASS', seconds=3.48, confidence=0.91)

    Args:
        experiment: The experiment, or its name as `load_experiment` takes it.
        runs: The runs folder.
        folds: Folds whose models are averaged; None for all that are trained.
        device: `auto` (CUDA where there is a device, else the CPU), `cpu`, `cuda` or `cuda:N`.
        precision: Type to compute in; `auto` is float16 on CUDA, and float32 on a CPU.
        stride: A row is computed for one of so many grid frames; the others are interpolated.
        share_repeats: Compute rows of byte-equal frames once.
        engine: `torch`, `onnxruntime` or `openvino`, the latter two on a CPU; `auto` is PyTorch, and on a CPU for each
            part of the models the one that is measured to be fastest.

    Raises:
        CheckpointError: a fold has no weights, or its weights are of another experiment.
        ConfigError: the experiment or the device is unknown, or the engine cannot compute here.
    """
    from bvas.inference.engine_choice import check_engine
    from bvas.inference.precision import prediction_dtype
    from bvas.models.spotting import SpottingModel

    runs = Path(runs)
    if isinstance(experiment, str):
        experiment = load_experiment(experiment, runs)
    chosen = choose_device(device)
    check_engine(engine, chosen, prediction_dtype(chosen, precision))
    models = trained_models(experiment, runs, folds, SpottingModel, chosen)
    return Spotter(experiment, models, chosen, precision, stride, share_repeats, engine)


def trained_models(
    experiment: Experiment,
    runs: Path,
    folds: Sequence[int] | None,
    model_type: "type[Model]",
    device: "torch.device",
) -> "tuple[Model, ...]":
    """Return the trained models of an experiment, one for each fold, in evaluation mode.

    Args:
        experiment: The experiment.
        runs: The runs folder.
        folds: Folds; None for all that are trained.
        model_type: Class of the models that the caller can run.
        device: Their device.

    Raises:
        CheckpointError: a fold has no weights, or its weights are of another experiment.
    """
    from bvas.experiment.checkpoint import FILE_NAME, fold_folder, load_checkpoint, trained_among
    from bvas.tasks.trained_model import trained_model

    wanted = trained_among(experiment, runs) if folds is None else folds
    checkpoints = [load_checkpoint(fold_folder(runs, experiment.name, fold) / FILE_NAME) for fold in wanted]
    for checkpoint in checkpoints:
        _check_same(experiment, checkpoint)
    return tuple(trained_model(checkpoint, model_type).to(device) for checkpoint in checkpoints)


def _check_same(experiment: Experiment, checkpoint: "Checkpoint") -> None:
    """Refuse weights that were trained with another input, clip, model or labels."""
    for part in ("model", "video", "clip", "input"):
        now, then = _shape_of(experiment, part), _shape_of(checkpoint.experiment, part)
        if now != then:
            raise CheckpointError(
                f"{checkpoint.path} was trained with another {part} than experiment {experiment.name} has "
                f"({then} against {now}); train again, or use the experiment it was trained with"
            )
    if experiment.task.labels.names != checkpoint.experiment.task.labels.names:
        raise CheckpointError(
            f"{checkpoint.path} has the labels {checkpoint.experiment.task.labels.names}, "
            f"experiment {experiment.name} has {experiment.task.labels.names}; use the experiment it was trained with"
        )


def _shape_of(experiment: Experiment, part: str) -> object:
    """Return the settings that decide whether weights fit: without initial weights and dropout."""
    if part == "model":
        return replace(
            experiment.model,
            pretrained=False,
            weights_file=None,
            drop_rate=0.0,
            drop_path_rate=0.0,
            encoder_drop_path_rate=0.0,
        )
    if part == "video":
        return experiment.video and experiment.video.sizes
    return getattr(experiment, part)
