"""Whole clips through the network, one by one: what `StreamingPredictor` must equal, at N times the work."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.inference.flip_tta import check_models, mean_scores, with_flipped
from bvas.models.spotting import SpottingModel
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import ColorRange, LumaScaling, to_unit


@torch.inference_mode()
def predict_clip_scores(
    models: Sequence[SpottingModel],
    clip: ClipConfig,
    frames: NDArray[np.uint8],
    centers: Sequence[int] | None = None,
    *,
    color_range: ColorRange = "limited",
    luma_scaling: LumaScaling = "range",
    flip: bool = True,
) -> NDArray[np.float32]:
    """Return the scores of the clips around some frames, float32 [len(centers), K] in [0, 1].

    Args:
        models: At least one, of this clip, on one device; put in evaluation mode. Their scores are averaged.
        clip: Which frames a clip holds; edges of the video are repeated.
        frames: All frames of the video, uint8 [L, H, W], luma as stored.
        centers: The frames asked for; None is every frame.
        color_range: The frames' range tag.
        luma_scaling: How luma becomes [0, 1].
        flip: Average with the scores of the mirrored clip.
    """
    device = check_models(models, clip)
    rows = []
    for center in range(len(frames)) if centers is None else centers:
        stored = torch.from_numpy(frames[clip.indices(center, len(frames))]).to(device)
        unit = with_flipped(to_unit(stored[None], [color_range], luma_scaling), flip)
        rows.append(mean_scores([model(unit) for model in models], 2 if flip else 1)[0])
    if not rows:
        return np.empty((0, models[0].num_labels), dtype=np.float32)
    return torch.stack(rows).cpu().numpy()
