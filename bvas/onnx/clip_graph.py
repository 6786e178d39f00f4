"""Classifiers as one ONNX graph, and its deviation from PyTorch. Frames, height and width are fixed."""

# Dimension letters in this file: B clips, T frames, H W picture size, K classes.

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bvas.errors import CheckpointError
from bvas.inference.flip_tta import mean_probabilities
from bvas.models.clip_model import ClipModel
from bvas.onnx.graphs import check_weights
from bvas.onnx.model_folder import ExportSettings
from bvas.onnx.session import OnnxPart
from bvas.system.onnx_graph import MOST_DEVIATION, graph_bytes


class _Mean(nn.Module):
    """Mean probabilities [B, K] of models, and of flips, over the same clips."""

    def __init__(self, models: Sequence[ClipModel], flip: bool) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)
        self.flip = flip

    def forward(self, clips_BTHW: Tensor) -> Tensor:
        """Return the mean of the softmaxes."""
        return mean_probabilities(list(self.models), clips_BTHW, self.flip)


def make_clip_graph(models: Sequence[ClipModel], settings: ExportSettings) -> bytes:
    """Return the content of the file; arguments and errors as of `make_graphs`."""
    check_weights(models)
    clips = torch.rand(2, settings.clip.num_frames, *settings.input.form.unit_shape)
    with torch.no_grad():
        return graph_bytes(
            _Mean(models, settings.flip_tta).eval(),
            (clips,),
            ["clips"],
            ["probabilities"],
            settings.metadata("classifier"),
        )


def measure_clips(models: Sequence[ClipModel], content: bytes, *, flip_tta: bool) -> float:
    """Return the largest difference of a probability from the models' own, on random clips.

    Raises:
        CheckpointError: it is above `MOST_DEVIATION`, or ONNX Runtime cannot run the graph.
    """
    part = OnnxPart(content)
    shape = tuple(int(size or 0) for size in part.input_shape[1:])
    random = torch.Generator().manual_seed(0)
    # Other batch sizes than the graph was made with: all must work.
    with torch.inference_mode():
        clips = torch.rand(3, *shape, generator=random)
        wanted = _Mean(models, flip_tta).eval()(clips).numpy()
    found = np.concatenate([part(clips[:1].numpy()), part(clips.numpy())[1:]])
    deviation = float(np.abs(found - wanted).max())
    # Negated, since comparisons with NaN are false.
    if not deviation <= MOST_DEVIATION:
        raise CheckpointError(
            f"the ONNX file would differ from PyTorch by {deviation:.1e} in probabilities, more than "
            f"{MOST_DEVIATION:g}; nothing is written. Another version of torch, onnxscript or onnxruntime may do better"
        )
    return deviation
