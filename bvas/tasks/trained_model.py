"""Trained model of a checkpoint."""

from typing import TYPE_CHECKING

from bvas.experiment.checkpoint import Checkpoint, load_weights
from bvas.tasks.kind_choice import kind_of

if TYPE_CHECKING:
    from bvas.models.spotting import SpottingModel


def trained_model(checkpoint: Checkpoint) -> "SpottingModel":
    """Return the model with the checkpoint's weights, in evaluation mode, on the CPU.

    Args:
        checkpoint: From `load_checkpoint`.

    Raises:
        CheckpointError: the weights are of another architecture than the experiment says.
    """
    model = kind_of(checkpoint.experiment).model()
    load_weights(model, checkpoint.state, checkpoint.path)
    return model.eval()
