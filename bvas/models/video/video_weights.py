"""Published weights of networks (video models, detectors), from a file or by download, loaded strictly."""

import logging
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bvas.errors import CheckpointError
from bvas.system.log_lines import first_line
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

# Where files of other packages keep the state dict: pytorchvideo, and training scripts.
_INSIDE = ("model_state", "state_dict", "model")
_COUNT = "num_batches_tracked"
# What torch.load raises of damaged files.
_UNREADABLE = (
    *(OSError, RuntimeError, pickle.UnpicklingError, struct.error, EOFError),
    *(ValueError, LookupError, AttributeError, TypeError, AssertionError),
)


class PublishedWeights(Protocol):
    """What published weights are of."""

    @property
    def name(self) -> str:
        """Name of the network."""
        ...

    @property
    def url(self) -> str:
        """Their address."""
        ...


def load_published(
    network: nn.Module, published: PublishedWeights, file: Path | None, *, new_layer: str | None = None
) -> None:
    """Load published weights into a network of the published layout.

    Args:
        network: The network.
        published: What the weights are of.
        file: Their file, as published: a state dict, or one under `model_state`, `state_dict` or `model`; no code in it
            is run. The same tensors as .safetensors are read too. None: download, which torch.hub keeps.
        new_layer: Module of the network that keeps its own weights; its weights in the file are not used.

    Raises:
        CheckpointError: the weights are unavailable or cannot be read, or their names or shapes are not those of the
            network.
    """
    source = str(file or published.url)
    state = _state_dict(_downloaded(published) if file is None else _read(file, published), source, published)
    own = network.state_dict()
    if new_layer is not None:
        rows = state.get(f"{new_layer}.weight")
        logger.info(
            "%s: new last layer; the one in %s (%s) is not used",
            *(published.name, source, count_text(0 if rows is None else len(rows), "class")),
        )
        kept = {name: value for name, value in own.items() if name.startswith(f"{new_layer}.")}
        state = {name: value for name, value in state.items() if not name.startswith(f"{new_layer}.")} | kept
    # Old files lack the counts, or have them where frozen layers have none; they do not change what a network computes.
    counts = {name: value for name, value in own.items() if name.endswith(_COUNT)}
    state = counts | {
        name: value for name, value in state.items() if name in own or not name.endswith(_COUNT)
    }
    _check_layout(state, own, source, published)
    network.load_state_dict(state)


def _read(file: Path, published: PublishedWeights) -> Any:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, *_UNREADABLE) as error:
        # torch's own text advises to run the code of the file.
        reason = (
            "it is not a file of tensors" if isinstance(error, pickle.UnpicklingError) else first_line(error)
        )
        raise CheckpointError(
            f"cannot read the weights {file}: {reason}; give the file of {published.name} as published, "
            f"{published.url}, or one that torch.load reads with weights_only=True"
        ) from error


def _downloaded(published: PublishedWeights) -> Any:
    try:
        # torchvision's names of files hold a hash, which is checked.
        return torch.hub.load_state_dict_from_url(
            published.url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except _UNREADABLE as error:
        raise CheckpointError(
            f"the weights of {published.name} are unavailable ({first_line(error)}). Without network: download "
            f"{published.url} elsewhere, copy it here, and give its path (--weights FILE)"
        ) from error


def _state_dict(content: Any, source: str, published: PublishedWeights) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        content = next((content[key] for key in _INSIDE if isinstance(content.get(key), Mapping)), content)
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            f"{source} does not hold a state dict (names to tensors); give the weights of {published.name} as "
            f"published: {published.url}"
        )
    return dict(content)


def _check_layout(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], source: str, published: PublishedWeights
) -> None:
    faults = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (
            ("missing", [name for name in own if name not in state]),
            ("unknown", [name for name in state if name not in own]),
            (
                "of another shape",
                [
                    f"{name} {[*state[name].shape]} instead of {[*own[name].shape]}"
                    for name in own
                    if name in state and state[name].shape != own[name].shape
                ],
            ),
        )
        if names
    ]
    if faults:
        raise CheckpointError(
            f"{source} does not fit {published.name}: of its tensors {'; '.join(faults)}; give the weights of "
            f"{published.name} as published: {published.url}"
        )
