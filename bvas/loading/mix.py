"""How many workers of which backend, where the caller leaves it to us."""

import logging
import os
from collections.abc import Mapping
from typing import Literal

from bvas.errors import ConfigError

logger = logging.getLogger(__name__)

BACKENDS = ("nvdec", "pyav", "opencv")


def choose_workers(workers: Mapping[str, int] | Literal["auto", 0], num_slots: int) -> dict[str, int]:
    """Return how many workers of each backend to start; none means to read in this process.

    Args:
        workers: The caller's wish.
        num_slots: Clips that can be under way at once; more workers than that would never work.

    Raises:
        ConfigError: an unknown backend, or a count below 0.
    """
    if workers == "auto":
        return _choose(num_slots)
    counts = {} if workers == 0 else dict(workers)
    for backend, count in counts.items():
        if backend not in BACKENDS or count < 0:
            raise ConfigError(
                f"workers={counts}: {backend!r}: {count} is no number of workers of a known backend; "
                f"give a count from 0 up for some of {', '.join(BACKENDS)}, or 'auto'"
            )
    return {backend: count for backend, count in counts.items() if count}


def _choose(num_slots: int) -> dict[str, int]:
    num_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # One core is left to the training step.
    chosen = {"pyav": max(1, min(num_cpus - 1, num_slots))}
    logger.info("workers: %s, for %d CPU cores", chosen, num_cpus)
    return chosen
