"""The seed system's predictor, as a baseline: one frame at a time, stack features kept in a dict, float32.

Written from its description (lRomul/ball-action-spotting). A frame goes to the device and becomes [0, 1]; the stacks
of the clip that ends with it are encoded where no features are kept, one stack and its mirror image at a time; the
features of all its stacks are put together, go through the 3D half, and the scores of both views are averaged.
Weights and features have the channels first, batch normalization is a layer of its own.
"""

# Dimension letters in this file: H W picture size, K labels.

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.models.spotting import SpottingModel
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import to_unit


class SeedPredictor:
    """Scores clips that lie whole in the frames so far."""

    def __init__(self, model: SpottingModel, clip: ClipConfig, *, flip: bool = True) -> None:
        """Take a copy of a model in evaluation mode."""
        self._model = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
        self._device = next(model.parameters()).device
        self._clip = clip
        self._flip = flip
        self._num_frames = 0
        self._frames: dict[int, torch.Tensor] = {}
        self._features: dict[int, torch.Tensor] = {}

    @torch.no_grad()
    def push(self, frame: NDArray[np.uint8] | torch.Tensor) -> NDArray[np.float32] | None:
        """Take the next frame uint8 [H, W]; return scores [K] of the clip that ends with it, if it is whole."""
        clip = self._clip
        luma = torch.as_tensor(frame).to(self._device)
        self._frames[self._num_frames] = to_unit(luma[None, None], ["limited"], "range")[0, 0]
        self._num_frames += 1
        first = self._num_frames - clip.span
        if first < 0:
            return None
        reach = clip.stack_size * clip.frame_step
        starts = [first + number * reach for number in range(clip.num_stacks)]
        for start in starts:
            if start not in self._features:
                self._features[start] = self._encode(start)
        logits = self._model.score_windows(torch.stack([self._features[start] for start in starts], dim=1))
        self._frames.pop(first, None)
        self._features.pop(first, None)
        scores: NDArray[np.float32] = logits.sigmoid().mean(dim=0).cpu().numpy()
        return scores

    def _encode(self, start: int) -> torch.Tensor:
        clip = self._clip
        stack = torch.stack(
            [self._frames[start + number * clip.frame_step] for number in range(clip.stack_size)]
        )
        views = torch.stack([stack, stack.flip(-1)]) if self._flip else stack[None]
        return self._model.encode_stacks(views)
