"""Generalized-mean pooling: between the mean (p = 1) and the maximum (p to infinity)."""

import torch
from torch import Tensor, nn


class GeneralizedMeanPool(nn.Module):
    """Pool feature maps [B, C, h, w] to [B, C] by mean(x ** p) ** (1 / p), p learnt.

    Radenovic, Tolias, Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", 2018.
    """

    def __init__(self, p: float = 3.0, floor: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), p))
        self.floor = floor
        """Features below it count as it: a power of a negative number would not be real."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C], each at least `floor`."""
        powers = x.clamp(min=self.floor).pow(self.p)
        return powers.mean(dim=(2, 3)).pow(1.0 / self.p)
