"""Forward pass of a training step: torch.compile, and activation checkpointing."""

import logging
import shutil
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from bvas.models.clip_model import ClipModel
from bvas.system.compiled_function import CompiledCalls, is_of_compiling

logger = logging.getLogger(__name__)

Forward = Callable[[Tensor], Tensor]


def compiled_forward(
    model: nn.Module, shape: tuple[int, ...], device: torch.device, dtype: torch.dtype | None
) -> Forward:
    """Return the model's forward pass, compiled for batches of one shape where that works.

    Forward and backward are compiled here, by running them once on zeros; buffers and random states are restored.

    Args:
        model: In training mode.
        shape: Of a batch of frames. The last batch of an epoch may be smaller: it runs plainly.
        device: The model's device.
        dtype: Of autocast; None: float32.
    """
    calls = CompiledCalls(True, graphs=False)
    start = time.monotonic()
    try:
        with _unchanged(model, device), torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
            logits: Tensor = calls.run(model, torch.zeros(shape, device=device), is_steady=True)
            logits.float().sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if not is_of_compiling(error):
            raise
        # The backward pass is compiled when it first runs.
        calls.stop(error)
    finally:
        model.zero_grad(set_to_none=True)
    if calls.is_on:
        logger.info("compiled the model in %.0f s", time.monotonic() - start)

    def forward(frames: Tensor) -> Tensor:
        logits: Tensor = calls.run(model, frames, is_steady=frames.shape == shape)
        return logits

    return forward


def forward_of(
    model: ClipModel,
    device: torch.device,
    dtype: torch.dtype | None,
    shape: tuple[int, ...],
    *,
    plain: bool,
) -> Forward:
    """Return the model's forward pass for training, with the stages that learn now.

    It is compiled on CUDA, where that pays. A log line names what the compiler lacks.

    Args:
        model: In training mode.
        device: The model's device.
        dtype: Of autocast; None: float32.
        shape: Of a batch of frames [B, T, H, W].
        plain: Never compile: activations are checkpointed, or BatchNorm statistics exchanged inside the model.
    """
    if device.type != "cuda" or plain:
        return model
    missing = [
        name
        for name, there in (
            ("Triton", find_spec("triton") is not None),
            ("a C compiler", any(shutil.which(name) for name in ("cc", "gcc", "clang"))),
            ("Python's headers", Path(sysconfig.get_path("include"), "Python.h").is_file()),
        )
        if not there
    ]
    if missing:
        logger.info("without %s the model runs uncompiled: slower, same results", " and ".join(missing))
        return model
    return compiled_forward(model, shape, device, dtype)


def checkpoint_blocks(model: ClipModel) -> None:
    """Have each block of the model keep only its input, and run again in the backward pass.

    A step leads to the same weights and buffers as without: dropout draws the same again, and BatchNorm statistics
    take in each batch once. Copies of the model made before are not affected.
    """
    for block in model.checkpointed_blocks():
        block.forward = partial(_forward_twice, block, block.forward)


def _forward_twice(block: nn.Module, forward: Callable[..., Any], x: Tensor, *more: object) -> Any:
    learns = x.requires_grad or any(parameter.requires_grad for parameter in block.parameters())
    if not (learns and torch.is_grad_enabled()):
        return forward(x, *more)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _spare_statistics(block)

    return checkpoint(forward, x, *more, use_reentrant=False, context_fn=contexts)


@contextmanager
def _spare_statistics(block: nn.Module) -> Iterator[None]:
    """Have BatchNorm update copies of its statistics within the block."""
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm) and module.training]
    kept = [dict(norm._buffers) for norm in norms]
    for norm in norms:
        norm._buffers.update({name: b if b is None else b.clone() for name, b in norm._buffers.items()})
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            norm._buffers.update(buffers)


@contextmanager
def _unchanged(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Restore buffers and random states after the block."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])
