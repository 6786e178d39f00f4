"""Precision and batch size of prediction, by device."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bvas.errors import ConfigError
from bvas.system.devices import Precision, autocast_dtype
from bvas.system.notices import is_first

logger = logging.getLogger(__name__)

# Pixels of pictures encoded at once on a CPU: their first feature maps fill its caches, not more. Measured
# (bench_predict.py): 1280x736 takes a quarter longer four at a time than one by one, 192x112 half as long 16 at a time.
_CPU_PIXELS = 16 * 112 * 192
_CUDA_PICTURES = 32


def default_batch(device: torch.device, size: tuple[int, int], num_flips: int) -> int:
    """Return how many stacks are encoded, and how many clips are scored, at once: a power of two.

    Frames come in chunks of powers of two (video/decode/prefetch.py). So chunks end where batches end, and segments of
    a video have the batches of the whole.

    Args:
        device: Device that computes.
        size: (H, W) of the pictures.
        num_flips: 2 with flip TTA, else 1.
    """
    pictures = _CUDA_PICTURES
    if device.type == "cpu":
        pictures = min(16, _CPU_PIXELS // (size[0] * size[1]))
    most = max(1, pictures // num_flips)
    return 1 << (most.bit_length() - 1)


@contextmanager
def float32_convolutions() -> Iterator[None]:
    """Compute float32 convolutions in float32. By default cuDNN rounds their inputs to 10 bits (TF32)."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def prediction_dtype(device: torch.device, precision: Precision) -> torch.dtype:
    """Return the type to compute in.

    Args:
        device: Device that computes.
        precision: `auto` is float16 on CUDA, and float32 on a CPU. Scores in bfloat16, which has 3 bits less, differ by
            up to 0.012 (bench_precision.py).
    """
    if precision == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    return autocast_dtype(device, precision) or torch.float32


def check_dtype(dtype: torch.dtype, device: torch.device) -> None:
    """Refuse a type that prediction does not support on a device; warn of one that is emulated there.

    Raises:
        ConfigError: another type than float32, bfloat16 or float16; or float16 on a CPU, which computes it slowly.
    """
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ConfigError(f"prediction computes in float32, bfloat16 or float16, not in {dtype}")
    if dtype == torch.float16 and device.type == "cpu":
        raise ConfigError("float16 is for CUDA; on a CPU take float32, or bfloat16 where it has it")
    if dtype == torch.bfloat16 and device.type == "cpu" and not _cpu_has_bfloat16() and is_first("bfloat16"):
        logger.warning("this CPU has no bfloat16: it is emulated, and slower than float32")


def _cpu_has_bfloat16() -> bool:
    """Return whether the CPU computes in bfloat16; true where this PyTorch does not know."""
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is None:
        return True
    # Of x86 and of ARM.
    return any(capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
