"""Trained model of a checkpoint."""

from typing import TypeVar

from bvas.errors import CheckpointError
from bvas.experiment.checkpoint import Checkpoint, load_weights
from bvas.models.clip_model import ClipModel
from bvas.tasks.kind_choice import kind_of

Model = TypeVar("Model", bound=ClipModel)


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
