"""The least that a row of scores can take, part by part; see step_floor.py for what is counted."""

import torch
from step_floor import Work, count_step
from torch import Tensor, nn

from bvas.models.spotting import SpottingModel

PARTS = ("2D", "3D")


class _Windows(nn.Module):
    """The 3D half as a module of its own."""

    def __init__(self, model: SpottingModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, features_BNChw: Tensor) -> Tensor:
        return self.model.score_windows(features_BNChw)


def count_row(
    model: SpottingModel, size: tuple[int, int], *, num_flips: int, element_bytes: int
) -> dict[str, Work]:
    """Return the work of a row in 2D, one stack, and in 3D, one clip; in each view.

    Weights are read once a row, however many views there are.

    Args:
        model: In evaluation mode.
        size: (H, W) of the pictures.
        num_flips: 2 with flip TTA, else 1.
        element_bytes: Of activations and weights.
    """
    device = next(model.parameters()).device
    stacks = torch.zeros(num_flips, model.clip.stack_size, *size, device=device)
    with torch.no_grad():
        features = model.encode_stacks(stacks)
    windows = features[:, None].expand(-1, model.clip.num_stacks, -1, -1, -1).contiguous()
    own = sum(weight.numel() for weight in model.encoder.parameters())
    all_weights = sum(weight.numel() for weight in model.parameters())
    counted = {
        "2D": (count_step(model.encoder, stacks, element_bytes)["forward"], own),
        "3D": (count_step(_Windows(model), windows, element_bytes)["forward"], all_weights - own),
    }
    return {
        part: Work(operations=work.operations, num_bytes=work.num_bytes + weights * element_bytes)
        for part, (work, weights) in counted.items()
    }
