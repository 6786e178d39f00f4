"""Check that a network gives logits, not probabilities.

Cross-entropy takes the softmax itself. Of probabilities it takes the softmax once more, and then even a perfect answer
has a loss: log(e + K - 1) - 1 with K labels, 1.46 with ten. Log-probabilities are logits as well: their softmax is the
probability itself, so the loss is the same, and they are not refused.
"""

# Dimension letters in this file: B clips, K labels.

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bvas.errors import ConfigError
from bvas.models.clip_model import ClipModel

_NUM_CLIPS = 4
_TOLERANCE = 1e-3


def check_gives_logits(model: ClipModel, shape: tuple[int, ...]) -> None:
    """Run a network on a few random clips, and refuse it if all rows of its output are probabilities.

    Weights, statistics, modes and random states stay as they are.

    Args:
        model: On any device, in any mode.
        shape: Of a clip: (T, H, W), in color (T, 3, H, W).

    Raises:
        ConfigError: the outputs are those of a softmax; the message names the lowest loss and the remedy.
    """
    device = next(model.parameters()).device
    clips = torch.rand(_NUM_CLIPS, *shape, generator=torch.Generator().manual_seed(0)).to(device)
    with _evaluating(model), _random_state_kept(device), torch.no_grad():
        outputs_BK: Tensor = model(clips).float()
    in_range = bool(((outputs_BK >= 0) & (outputs_BK <= 1)).all())
    if in_range and bool(((outputs_BK.sum(dim=1) - 1).abs() <= _TOLERANCE).all()):
        K = outputs_BK.shape[1]
        raise ConfigError(
            f"the outputs of {type(model).__name__} are probabilities (each row lies in [0, 1] and adds up to 1), and "
            f"cross-entropy needs logits: of probabilities its loss cannot fall below {lowest_loss(K):.2f} with "
            f"{K} labels; remove the softmax at the end of forward"
        )


def lowest_loss(num_labels: int) -> float:
    """Return the cross-entropy of probabilities that are taken for logits, where each answer is right and certain."""
    return math.log(math.e + num_labels - 1) - 1


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Set a model to evaluation mode, and restore the mode of each of its modules after the block."""
    training = {module: module.training for module in model.modules()}
    try:
        model.eval()
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


@contextmanager
def _random_state_kept(device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
