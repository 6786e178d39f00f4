"""Stages of a timm encoder and blocks of any, read from the structure of its modules."""

import itertools
import re
from collections.abc import Iterator

from torch import nn


class _OwnTensors(nn.Module):
    """Parameters and buffers that a network holds itself, beside its children: position embeddings, class tokens."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        for name, parameter in network.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in network.named_buffers(recurse=False):
            self.register_buffer(name, buffer)


def encoder_stages(encoder: nn.Module) -> dict[str, nn.Module]:
    """Return the stages of an encoder that timm built for feature maps, in the order of the forward pass.

    `stem` is all that lies before the first block. Behind it, each entry of a list is a stage (`blocks.0`, `stages.3`),
    and so is each other child that has weights (`layer4`, `norm`). The names are timm's own.
    """
    networks = [encoder]
    # timm wraps some encoders, such as vision transformers.
    while len(inner := [*networks[-1].children()]) == 1:
        networks += inner
    children = dict(networks[-1].named_children())
    parts: dict[str, nn.Module] = {}
    for name, child in children.items():
        found = re.fullmatch(r"(.*)_(\d+)", name)
        if found and found[1] not in children:
            # timm flattens lists: `stages_0`.
            name = f"{found[1]}.{found[2]}"
        if isinstance(child, nn.Sequential | nn.ModuleList) and not name[-1].isdigit():
            parts |= {f"{name}.{key}": entry for key, entry in child.named_children()}
        else:
            parts[name] = child
    parts = {name: part for name, part in parts.items() if has_tensors(part)}
    stem = [*itertools.takewhile(lambda name: not _has_blocks(parts[name]), parts)]
    if 0 < len(stem) < len(parts):
        parts = {"stem": nn.ModuleList([parts.pop(name) for name in stem]), **parts}
    first = next(iter(parts))
    return parts | {first: nn.ModuleList([*map(_OwnTensors, networks), parts[first]])}


def encoder_blocks(encoder: nn.Module) -> Iterator[nn.Module]:
    """Yield the blocks of an encoder: entries of its (nested) lists that have children."""
    for child in encoder.children():
        if isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            yield from encoder_blocks(child)
        elif any(True for _ in child.children()):
            yield child


def has_tensors(module: nn.Module) -> bool:
    """Return whether a module has parameters or buffers, its own or of modules inside."""
    return any(True for _ in itertools.chain(module.parameters(), module.buffers()))


def _has_blocks(module: nn.Module) -> bool:
    """Return whether a child of the module has children with weights, as blocks have."""
    return any(has_tensors(inner) for child in module.children() for inner in child.children())
