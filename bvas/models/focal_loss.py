"""Sigmoid focal loss for multi-label clips.

With p the probability given to the truth of one label of one clip, its loss is
-(1 - p) ** gamma * log(p) (Lin et al., "Focal Loss for Dense Object Detection", 2017).
"""

# Dimension letters in this file: B clips, K labels.

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvas.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class LossConfig:
    """Weights of the focal loss."""

    gamma: float = 1.2
    """Exponent that reduces the weight of easy answers; 0 is binary cross-entropy."""
    alpha: float | None = None
    """Weight of targets 1, in [0, 1]; targets 0 weigh 1 - alpha. None: both weigh 1."""
    label_weights: tuple[float, ...] | None = None
    """A weight per label, K of them, each at least 0; None: all 1."""

    def __post_init__(self) -> None:
        if self.gamma < 0:
            raise ConfigError(f"gamma must be at least 0, got {self.gamma}")
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            raise ConfigError(f"alpha must lie in [0, 1] or be None for no weighing, got {self.alpha}")
        if self.label_weights is not None and (
            not self.label_weights or min(self.label_weights) < 0 or max(self.label_weights) == 0
        ):
            raise ConfigError(
                f"label_weights must be at least 0 and not all 0, got {self.label_weights}; "
                "None weighs all labels alike"
            )


def focal_loss(logits_BK: "Tensor", targets_BK: "Tensor", config: LossConfig) -> "Tensor":
    """Return the mean loss over clips and labels, a float32 scalar.

    Args:
        logits_BK: Before the sigmoid; any float type, computed in float32.
        targets_BK: In [0, 1]; values between are allowed.
        config: Weights.

    Raises:
        ConfigError: `label_weights` are not one per label.
    """
    # Imported here: experiments, which hold a LossConfig, are also read without PyTorch.
    import torch
    import torch.nn.functional as F  # noqa: N812 - the name PyTorch's own documentation uses

    logits = logits_BK.float()
    targets = targets_BK.float()
    # Log of the probability of the wrong answer, log((1 - t) * p + t * (1 - p)). In logs, value and gradient stay
    # finite at any confidence; log(0) = -inf of a hard target drops out.
    log_wrong = torch.logaddexp(
        torch.log1p(-targets) + F.logsigmoid(logits), torch.log(targets) + F.logsigmoid(-logits)
    )
    losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    losses = losses * torch.exp(config.gamma * log_wrong)
    if config.alpha is not None:
        losses = losses * (config.alpha * targets + (1 - config.alpha) * (1 - targets))
    if config.label_weights is not None:
        if len(config.label_weights) != logits.shape[-1]:
            raise ConfigError(
                f"{len(config.label_weights)} label_weights for {logits.shape[-1]} labels; give one per label"
            )
        losses = losses * losses.new_tensor(config.label_weights)
    return losses.mean()
