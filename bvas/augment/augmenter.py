"""A batch of clips and their seeds in, the batch augmented out."""

# Dimension letters in this file: B clips, T frames per clip, H W input size.

import torch
from torch import Tensor

from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws
from bvas.augment.photometric import recolor
from bvas.augment.spatial import move


class ClipAugmenter:
    """Change clips at random, each as its seed says and all its frames alike.

    A clip's result depends on its frames and its seed alone: not on the batch it falls into, and on
    the device only by rounding.
    """

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config

    @torch.no_grad()
    def __call__(self, frames_BTHW: Tensor, seeds: Tensor) -> Tensor:
        """Return the clips changed, in [0, 1], same shape, type and device; the given ones stay as they are.

        Args:
            frames_BTHW: Gray frames, float in [0, 1], on any device. Where no clip draws a change, the same
                tensor is returned.
            seeds: int64 [B], a seed per clip.
        """
        assert seeds.shape == frames_BTHW.shape[:1], (seeds.shape, frames_BTHW.shape)
        draws = Draws(seeds)
        moved = move(frames_BTHW, self.config, draws)
        return recolor(moved, self.config, draws, in_place=moved is not frames_BTHW)
