"""Augmentation of a batch of clips."""

# Dimension letters in this file: B clips, T frames per clip, H W input size.

import torch
from torch import Tensor

from bvas.augment.config import AugmentConfig
from bvas.augment.draws import Draws
from bvas.augment.photometric import recolor
from bvas.augment.spatial import move


class ClipAugmenter:
    """Changes clips at random, each by its own seed and all its frames alike.

    The result depends on a clip's frames and seed only: not on its batch, and on the device only by rounding.
    """

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config

    @torch.no_grad()
    def __call__(self, frames_BTHW: Tensor, seeds: Tensor) -> Tensor:
        """Return the changed clips in [0, 1], of the same shape, type and device; the given ones are not modified.

        Args:
            frames_BTHW: Gray frames, float in [0, 1], on any device; or RGB [B, T, 3, H, W]. The same tensor is
                returned if no clip draws a change.
            seeds: int64 [B], a random seed per clip.
        """
        assert seeds.shape == frames_BTHW.shape[:1], (seeds.shape, frames_BTHW.shape)
        draws = Draws(seeds)
        # Each channel of a color frame is changed as a frame by itself, but for saturation and hue.
        frames = frames_BTHW.flatten(1, -3)
        num_channels = frames.shape[1] // frames_BTHW.shape[1]
        moved = move(frames, self.config, draws, num_channels=num_channels)
        changed = recolor(moved, self.config, draws, num_channels=num_channels, in_place=moved is not frames)
        return frames_BTHW if changed is frames else changed.reshape(frames_BTHW.shape)
