"""Spotting models as two ONNX graphs, and their deviation from PyTorch.

Height and width are fixed: a video is always fitted into the experiment's size, some encoders take one size only, and
the padding of others would have to be computed in the graph.
"""

# Dimension letters in this file:
#   M stacks, S frames per stack, N stacks per clip, B clips, C h w features of a stack, K labels, H W picture size.

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bvas.errors import CheckpointError, ConfigError
from bvas.models.spotting import SpottingModel
from bvas.onnx.model_folder import ExportSettings, Part
from bvas.onnx.session import OnnxPart
from bvas.system.onnx_graph import MOST_DEVIATION, graph_bytes, import_exporter
from bvas.values.plural import count_text

# Protocol buffers hold up to 2 GiB.
_MOST_BYTES = 2_000_000_000


class _Part(nn.Module):
    """The same part of all models."""

    def __init__(self, models: Sequence[SpottingModel]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def spotting_models(self) -> Iterator[SpottingModel]:
        """Yield the models, by their type."""
        for model in self.models:
            assert isinstance(model, SpottingModel)
            yield model


class _Encoders(_Part):
    """Features [M, C, h, w] of stacks, C counting those of all models."""

    def forward(self, stacks_MSHW: Tensor) -> Tensor:
        """Return the models' features, concatenated."""
        return torch.cat([model.encode_stacks(stacks_MSHW) for model in self.spotting_models()], dim=1)


class _Heads(_Part):
    """Scores [B, K] in [0, 1] of clips, the mean over the models."""

    def forward(self, windows_BNChw: Tensor) -> Tensor:
        """Return the mean of the sigmoids, of each model from its own features."""
        own = windows_BNChw.chunk(len(self.models), dim=2)
        pairs = zip(self.spotting_models(), own, strict=True)
        return torch.stack([model.score_windows(features).sigmoid() for model, features in pairs]).mean(dim=0)


def make_graphs(models: Sequence[SpottingModel], settings: ExportSettings) -> dict[Part, bytes]:
    """Return the content of the two files.

    Args:
        models: At least one, in evaluation mode, on the CPU.
        settings: Settings that the files hold.

    Raises:
        ConfigError: a package is missing, PyTorch cannot export the encoder, or the weights are too large for a file.
    """
    check_weights(models)
    encoders, heads = _Encoders(models).eval(), _Heads(models).eval()
    stacks = torch.rand(2, models[0].stack_channels, *settings.input.size)
    with torch.no_grad():
        features_MChw = encoders(stacks)
        windows = torch.stack([features_MChw] * settings.clip.num_stacks, dim=1)
        return {
            "encoder": graph_bytes(
                encoders, (stacks,), ["stacks"], ["features"], settings.metadata("encoder")
            ),
            "head": graph_bytes(heads, (windows,), ["windows"], ["scores"], settings.metadata("head")),
        }


def check_weights(models: Sequence[nn.Module]) -> None:
    """Check that models fit into one file.

    Raises:
        ConfigError: a package is missing, or the weights are too large.
    """
    import_exporter()
    num_bytes = sum(
        tensor.numel() * tensor.element_size() for model in models for tensor in model.state_dict().values()
    )
    if num_bytes > _MOST_BYTES:
        raise ConfigError(
            f"the weights take {num_bytes / 1e9:.1f} GB, and an ONNX file holds 2 GB; export fewer of the "
            f"{count_text(len(models), 'fold')}"
        )


def measure(models: Sequence[SpottingModel], content: Mapping[Part, bytes]) -> tuple[float, float]:
    """Return how far the two graphs are from the models, on random pictures and on random features.

    Returns:
        The largest difference of a score; that of a feature, as a share of the largest feature.

    Raises:
        CheckpointError: it is above `MOST_DEVIATION`, or ONNX Runtime cannot run the graphs.
    """
    encoder, head = OnnxPart(content["encoder"]), OnnxPart(content["head"])
    encoders, heads = _Encoders(models).eval(), _Heads(models).eval()
    S, H, W = (int(size or 0) for size in encoder.input_shape[1:])
    N = models[0].clip.num_stacks
    random = torch.Generator().manual_seed(0)
    # Other batch sizes than the graphs were made with: all must work.
    with torch.inference_mode():
        stacks = torch.rand(N, S, H, W, generator=random)
        features = encoders(stacks)
        found = encoder(stacks.numpy())
        alone = encoder(stacks[:1].numpy())
        # Features of noise score close to 0; random features test the head better.
        spread = float(features.std())
        windows = torch.cat([features[None], torch.randn(2, *features.shape, generator=random) * spread])
        scores = heads(windows)
        scored = np.concatenate([head(windows[:1].numpy()), head(windows.numpy())[1:]])
    largest = max(float(features.abs().max()), 1e-12)
    off = max(np.abs(found - features.numpy()).max(), np.abs(alone - features[:1].numpy()).max())
    of_features, of_scores = float(off) / largest, float(np.abs(scored - scores.numpy()).max())
    # Negated, since comparisons with NaN are false.
    if not (of_features <= MOST_DEVIATION and of_scores <= MOST_DEVIATION):
        raise CheckpointError(
            f"the ONNX files would differ from PyTorch by {of_scores:.1e} in scores and "
            f"{of_features:.1e} of the largest feature, more than {MOST_DEVIATION:g}; nothing is written. "
            "Another version of torch, onnxscript or onnxruntime may do better"
        )
    return of_scores, of_features
