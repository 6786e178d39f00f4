"""The least a training step can take: its arithmetic and its bytes, over what this device was measured to do.

Counted by hand, layer by layer, from the shapes that go through the layers with weights (convolutions, linear):
torch's own counter takes the groups of a convolution into account forward, but not backward.
  forward    2 operations for each weight that an output value needs; reads the input, writes the output
  backward   the same twice, for the gradients of input and weights; reads the input and the output's gradient,
             writes the input's gradient (the network's own input needs none)
  optimizer  AdamW reads weight, gradient and both moments and writes three of them; the averaged weights are
             read and written, and the weight read again: 40 bytes a weight in float32
All between these layers (norms, activations, squeeze-excite) is taken to cost nothing, as if it were fused into
them. So no real step reaches this floor; two of them compare by how far each is from it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

OPTIMIZER_BYTES_PER_WEIGHT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a part of a step has to do at least."""

    operations: float
    """Floating-point operations."""
    num_bytes: float
    """Through the device's memory."""

    def seconds(self, peaks: "Peaks") -> float:
        """Return the larger of the two times."""
        return max(self.operations / peaks.operations, self.num_bytes / peaks.num_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """What a device was measured to do in a second."""

    operations: float
    num_bytes: float
    """Read and written, together."""


def count_step(model: nn.Module, frames: Tensor, element_bytes: int) -> dict[str, Work]:
    """Return the work of forward, backward and optimizer for a batch.

    Args:
        model: On any device; run once, without gradients, in its own mode.
        frames: A batch, or a smaller one: the caller scales.
        element_bytes: Of activations: 4, or 2 in half precision.
    """
    counts = {"forward": [0.0, 0.0], "backward": [0.0, 0.0]}
    is_first = True

    def count(module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal is_first
        operations = layer_operations(module, out)
        given, made = inputs[0].numel(), out.numel()
        counts["forward"][0] += operations
        counts["forward"][1] += (given + made) * element_bytes
        counts["backward"][0] += operations * (1 if is_first else 2)
        counts["backward"][1] += (given + made + (0 if is_first else given)) * element_bytes
        is_first = False

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Conv3d | nn.Linear)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    try:
        with torch.no_grad():
            model(frames)
    finally:
        for handle in handles:
            handle.remove()
    num_weights = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    work = {name: Work(operations=ops, num_bytes=size) for name, (ops, size) in counts.items()}
    work["optimizer"] = Work(operations=0.0, num_bytes=float(num_weights * OPTIMIZER_BYTES_PER_WEIGHT))
    return work


def layer_operations(layer: nn.Module, out: Tensor) -> float:
    """Return the floating-point operations of a convolution or linear layer that gave `out`."""
    if isinstance(layer, nn.Linear):
        return 2.0 * out.numel() * layer.in_features
    assert isinstance(layer, nn.Conv2d | nn.Conv3d), layer
    return 2.0 * out.numel() * (layer.in_channels // layer.groups) * math.prod(layer.kernel_size)


def scaled(work: dict[str, Work], factor: float) -> dict[str, Work]:
    """Return the work for `factor` times the clips; the optimizer's does not depend on them."""
    return {
        name: part
        if name == "optimizer"
        else Work(operations=part.operations * factor, num_bytes=part.num_bytes * factor)
        for name, part in work.items()
    }


def measure_peaks(device: torch.device, dtype: torch.dtype) -> Peaks:
    """Measure a matrix product and a copy; the best of several: nothing runs faster than it was seen to run.

    In float32 the product may use what the device's convolutions may use (TF32 where PyTorch lets them).
    """
    on_gpu = device.type == "cuda"
    side = 8192 if on_gpu else 1024
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    product = torch.empty(side, side, device=device, dtype=dtype)
    source = torch.randn((1 << 30 if on_gpu else 1 << 26) // 4, device=device)
    target = torch.empty_like(source)
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        product_seconds = _best(lambda: torch.mm(a, b, out=product), device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    copy_seconds = _best(lambda: target.copy_(source), device)
    return Peaks(operations=2 * side**3 / product_seconds, num_bytes=2 * source.nbytes / copy_seconds)


def _best(work: Callable[[], object], device: torch.device, num_tries: int = 10, at_once: int = 4) -> float:
    times = []
    for _ in range(num_tries):
        synchronize(device)
        start = time.perf_counter()
        for _ in range(at_once):
            work()
        synchronize(device)
        times.append((time.perf_counter() - start) / at_once)
    return min(times)


def synchronize(device: torch.device) -> None:
    """Wait for what the device was given to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
