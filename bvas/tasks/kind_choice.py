"""The kind of an experiment's task, and the trained model of a checkpoint."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bvas.errors import CheckpointError
from bvas.experiment.checkpoint import Checkpoint, load_weights
from bvas.experiment.experiment import Experiment
from bvas.models.clip_model import ClipModel
from bvas.tasks.kinds import TaskKind
from bvas.tasks.spot import SpotKind

_KINDS: Mapping[str, Callable[[Experiment], TaskKind]] = {"spot": SpotKind}

Model = TypeVar("Model", bound=ClipModel)


def kind_of(experiment: Experiment) -> TaskKind:
    """Return the kind of an experiment's task."""
    return _KINDS[experiment.kind](experiment)


def trained_model(checkpoint: Checkpoint, model_type: type[Model]) -> Model:
    """Return the model with the checkpoint's weights, in evaluation mode, on the CPU.

    Args:
        checkpoint: From `load_checkpoint`.
        model_type: The class that the caller can run.

    Raises:
        CheckpointError: the weights are of another architecture than the experiment says, or the model of another
            class than the caller can run.
    """
    model = kind_of(checkpoint.experiment).model()
    if not isinstance(model, model_type):
        raise CheckpointError(
            f"{checkpoint.path} holds a {type(model).__name__} for tasks of kind '{checkpoint.experiment.kind}', and "
            f"a {model_type.__name__} is needed here; use an experiment of another kind"
        )
    load_weights(model, checkpoint.state, checkpoint.path)
    return model.eval()
