"""Base class of networks over clips: logits per label, and the parts that training addresses."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

from torch import Tensor, nn


class ClipModel(nn.Module, ABC):
    """Network from clips [B, T, H, W] or [B, T, 3, H, W], float in [0, 1], to logits [B, K]."""

    encoder: nn.Module
    """Backbone with pre-trained weights: at least half of it must fit weights to start from."""
    classifier: nn.Module
    """Last layer; each row of its parameters belongs to a label."""
    has_unused_parameters: bool = False
    """Whether some parameters never receive gradients, which data-parallel training has to search for."""

    @abstractmethod
    def checkpointed_blocks(self) -> Iterator[nn.Module]:
        """Yield the blocks whose activations can be recomputed in the backward pass; none contains another."""

    @abstractmethod
    def stages(self) -> Mapping[str, nn.Module]:
        """Return the parts that learn or are frozen as a whole, by name, in the order of the forward pass.

        Each parameter and buffer belongs to exactly one stage. Of a stage `NAME.PART`, a config may name the part, or
        by `NAME` all of its parts.
        """

    @abstractmethod
    def forward(self, frames_BTHW: Tensor) -> Tensor:
        """Return logits [B, K]."""
