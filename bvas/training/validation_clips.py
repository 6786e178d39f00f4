"""Place for validation clips: GPU or main memory if half of the free memory holds them."""

import logging

import torch

from bvas.system.control_groups import free_memory

logger = logging.getLogger(__name__)

_SHARE = 2
"""Free memory divided by this may be used: the rest is for training."""


def place_to_keep(num_bytes: int, device: torch.device, *, sharing: int = 1) -> torch.device | None:
    """Return the device that keeps the clips between epochs: the GPU, else the CPU, else None. The choice is logged.

    Args:
        num_bytes: Size of all clips of this process.
        device: The model's device.
        sharing: Processes of this host that keep as many bytes each.
    """
    places: list[tuple[torch.device, str, int]] = []
    if device.type == "cuda":
        places.append((device, "the GPU's memory", torch.cuda.mem_get_info(device)[0]))
    main = free_memory()
    if main is not None:
        places.append((torch.device("cpu"), "main memory", main // sharing))
    free = (
        ", ".join(f"{_megabytes(size)} of {name} free" for _, name, size in places) or "free memory unknown"
    )
    for place, name, size in places:
        if num_bytes <= size // _SHARE:
            logger.info(
                "validation clips are read once and kept in %s: %s (%s, half of it may be taken)",
                *(name, _megabytes(num_bytes), free),
            )
            return place
    logger.info(
        "validation clips are read by the loader's workers in each epoch: %s are more than half of what is free (%s)",
        *(_megabytes(num_bytes), free),
    )
    return None


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.1f} MB"
