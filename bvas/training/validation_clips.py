"""Room for the clips that a run is validated on: read once where half of the free memory holds them."""

import logging

import torch

from bvas.system.doctor.resources import free_memory

logger = logging.getLogger(__name__)

_SHARE = 2
"""One part in so many of what is free: the rest is for what training needs later."""


def place_to_keep(num_bytes: int, device: torch.device, *, sharing: int = 1) -> torch.device | None:
    """Return where clips are kept between epochs: the GPU, else main memory, else nowhere. The log says which.

    Args:
        num_bytes: Of all clips of this process.
        device: Where the model is.
        sharing: Processes of this host that keep as much each.
    """
    rooms: list[tuple[torch.device, str, int]] = []
    if device.type == "cuda":
        rooms.append((device, "the GPU's memory", torch.cuda.mem_get_info(device)[0]))
    main = free_memory()
    if main is not None:
        rooms.append((torch.device("cpu"), "main memory", main // sharing))
    free = ", ".join(f"{_megabytes(size)} of {name} free" for _, name, size in rooms) or "free memory unknown"
    for place, name, size in rooms:
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
