"""How many workers of which backend, where the caller leaves it to us."""

import logging
from collections.abc import Mapping
from typing import Literal

from bvas.devices import num_cpus
from bvas.errors import ConfigError
from bvas.video.backends import backend_names

logger = logging.getLogger(__name__)

# The seed system fed one GPU with three; more of them cost a CUDA context each.
_NUM_NVDEC = 3


def choose_workers(
    workers: Mapping[str, int] | Literal["auto", 0], num_slots: int, cpus: int | None = None
) -> dict[str, int]:
    """Return how many workers of each backend to start; none means to read in this process.

    "auto" is a `pyav` worker for each CPU core but one, which is left to the training step. Where the
    GPU's decoder can be used it is three `nvdec` workers and a `pyav` worker for each second core.

    Args:
        workers: The caller's wish.
        num_slots: Clips that can be under way at once; more workers than that would never work.
        cpus: Cores for "auto" to count on, at least 1; None: all that this process may use.

    Raises:
        ConfigError: an unknown backend, or a count below 0.
    """
    if workers == "auto":
        return _choose(num_slots, num_cpus() if cpus is None else cpus)
    counts = {} if workers == 0 else dict(workers)
    for backend, count in counts.items():
        if backend not in backend_names() or count < 0:
            raise ConfigError(
                f"workers={counts}: {backend!r}: {count} is no number of workers of a known backend; "
                f"give a count from 0 up for some of {', '.join(backend_names())}, or 'auto'"
            )
    return {backend: count for backend, count in counts.items() if count}


def _choose(num_slots: int, cores: int) -> dict[str, int]:
    chosen: dict[str, int] = {"pyav": max(1, min(cores - 1, num_slots))}
    if _has_nvdec():
        chosen = {"nvdec": min(_NUM_NVDEC, num_slots), "pyav": max(1, min(cores // 2, num_slots))}
    logger.info("workers: %s, for %d CPU cores", chosen, cores)
    return chosen


def _has_nvdec() -> bool:
    """Whether this machine has a GPU and the library that decodes on it."""
    import torch

    if not torch.cuda.is_available():
        return False
    try:
        import PyNvVideoCodec  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        # RuntimeError: the library is there, the driver's video part is not.
        logger.info("no GPU decoding: %s", error)
        return False
    return True
