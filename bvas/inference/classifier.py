"""Classifier: networks that give a clip a probability for each class, trained here or published."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.data.spotting_task import SpottingTask
from bvas.experiment.class_config import ClassConfig
from bvas.experiment.experiment import Experiment, load_experiment
from bvas.experiment.published_input import published_input
from bvas.inference.spotter import trained_models
from bvas.models.video.config import VideoModelConfig
from bvas.models.video.published import published_model
from bvas.system.devices import Precision, choose_device
from bvas.tasks.kind_choice import check_kind
from bvas.values.annotations import LabelSet

# Imported where they are used: labels are also listed without PyTorch.
if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bvas.models.clip_model import ClipModel

# torchvision states the accuracy of its weights over five clips of a video.
_PUBLISHED_CLIPS = 5


class VideoClassifier(Protocol):
    """Networks on any library: a `Classifier`, or an `OnnxClassifier`."""

    @property
    def experiment(self) -> Experiment:
        """Labels, clip, input; of kind clip."""
        ...

    @property
    def device(self) -> object:
        """Device that clips are brought to; its `str` is `cpu`, `cuda`, `cuda:1` ..."""
        ...

    @property
    def takes_arrays(self) -> bool:
        """Whether clips come in NumPy's arrays, so that nothing needs PyTorch."""
        ...

    def probabilities(self, frames: Any) -> NDArray[np.float32]:
        """Return the probability of each class, [B, K]; rows sum to 1.

        Args:
            frames: Clips, float32 in [0, 1], in an array or on the device: [B, T, H, W], of RGB [B, T, 3, H, W].
        """
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """Networks of one experiment."""

    experiment: Experiment
    models: "tuple[ClipModel, ...]"
    """One per fold, in evaluation mode, on the device; their probabilities are averaged, with flip TTA where the
    experiment has it."""
    device: "torch.device"
    precision: Precision = "auto"
    """Type to compute in; `auto` is float16 on CUDA, and float32 on a CPU."""
    takes_arrays: ClassVar[bool] = False

    def probabilities(self, frames: "Tensor") -> NDArray[np.float32]:
        """Return the probability of each class: see `VideoClassifier`."""
        import torch

        from bvas.inference.flip_tta import mean_probabilities
        from bvas.inference.precision import check_dtype, float32_convolutions, prediction_dtype

        dtype = prediction_dtype(self.device, self.precision)
        check_dtype(dtype, self.device)
        is_half = dtype != torch.float32
        with torch.inference_mode(), float32_convolutions():
            with torch.autocast(self.device.type, dtype=dtype if is_half else None, enabled=is_half):
                mean = mean_probabilities(self.models, frames, self.experiment.flip_tta)
        return mean.cpu().numpy()


def load_classifier(
    experiment: Experiment | str,
    runs: Path | str = "runs",
    *,
    folds: Sequence[int] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
) -> Classifier:
    """Return the trained networks of an experiment of kind clip; arguments and errors as of `load_spotter`.

    Raises:
        ConfigError: also, the experiment is of another kind.
    """
    from bvas.models.clip_model import ClipModel

    runs = Path(runs)
    if isinstance(experiment, str):
        experiment = load_experiment(experiment, runs)
    check_kind(experiment, "clip", "bvas classify")
    chosen = choose_device(device)
    # Any network over clips will do.
    models = trained_models(experiment, runs, folds, ClipModel, chosen)  # type: ignore[type-abstract]
    return Classifier(experiment, models, chosen, precision)


def published_classifier(
    name: str,
    weights: Path | str | None = None,
    *,
    device: str = "auto",
    precision: Precision = "auto",
) -> Classifier:
    """Return a published network with its published weights and classes.

    Args:
        name: One of `VIDEO_MODELS`.
        weights: File of its weights; None: download them.
        device: As `load_spotter` takes it.
        precision: As `load_spotter` takes it.

    Raises:
        ConfigError: the name or the device is unknown.
        CheckpointError: the weights are unavailable, or not of this network; the message names the remedy.
    """
    from bvas.models.video.video_model import build_video_model

    experiment, chosen = published_experiment(name), choose_device(device)
    model = build_video_model(name, weights="published" if weights is None else Path(weights))
    return Classifier(experiment, (model.eval().to(chosen),), chosen, precision)


def published_experiment(name: str) -> Experiment:
    """Return classes, input and clips of a published network as an experiment of its name.

    Raises:
        ConfigError: the name is unknown.
    """
    published = published_model(name)
    return Experiment(
        name=name,
        kind="clip",
        task=SpottingTask(name="kinetics400", labels=LabelSet(published.classes)),
        input=published_input(published),
        clip=published.clip,
        # As published.
        flip_tta=False,
        video=VideoModelConfig(network=name),
        classes=ClassConfig(test_clips=_PUBLISHED_CLIPS),
    )
