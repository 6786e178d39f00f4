"""How many workers of which backend, where the caller leaves it to us."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from bvas.errors import ConfigError, DecodeError
from bvas.system.devices import num_cpus
from bvas.video.decode.backends import BACKENDS
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

# Where the GPU does not say how many decoders it has. The seed system fed one GPU with three.
_NUM_NVDEC = 3


def choose_workers(
    workers: Mapping[str, int] | Literal["auto", 0],
    num_slots: int,
    cpus: int | None = None,
    *,
    video: Path | None = None,
    device: str = "cuda",
) -> dict[str, int]:
    """Return how many workers of each backend to start; none means to read in this process.

    "auto" is a `pyav` worker for each CPU core but one, which is left to the training step. Where the
    GPU's decoders can be used it is an `nvdec` worker for each of them, since one session keeps one decoder busy, and
    `pyav` workers for the cores that are left, but for no more than every second one.

    Args:
        workers: The caller's wish.
        num_slots: Clips that can be under way at once; more workers than that would never work.
        cpus: Cores for "auto" to count on, at least 1; None: all that this process may use.
        video: One of the videos: for its codec "auto" asks the GPU.
        device: The GPU that decodes.

    Raises:
        ConfigError: an unknown backend, or a count below 0.
    """
    if workers == "auto":
        return _choose(num_slots, num_cpus() if cpus is None else cpus, video, device)
    counts = {} if workers == 0 else dict(workers)
    for backend, count in counts.items():
        if backend not in BACKENDS or count < 0:
            raise ConfigError(
                f"workers={counts}: {backend!r}: {count} is no number of workers of a known backend; "
                f"give a count from 0 up for some of {', '.join(BACKENDS)}, or 'auto'"
            )
    return {backend: count for backend, count in counts.items() if count}


def _choose(num_slots: int, cores: int, video: Path | None, device: str) -> dict[str, int]:
    chosen: dict[str, int] = {"pyav": max(1, min(cores - 1, num_slots))}
    reason = f"{cores} CPU cores"
    if _has_nvdec():
        engines = None if video is None else _num_engines(video, device)
        num_nvdec = min(engines or _NUM_NVDEC, num_slots)
        chosen = {
            "nvdec": num_nvdec,
            "pyav": max(1, min(cores // 2, cores - 1 - num_nvdec, num_slots)),
        }
        reason += (
            f" and {'decoders of unknown number' if engines is None else f'{engines} decoders'} of the GPU"
        )
    logger.info("workers: %s, for %s", chosen, reason)
    return chosen


def _num_engines(video: Path, device: str) -> int | None:
    """Return how many decoders the GPU has for the codec of a video; None where it does not answer."""
    # Imported here: the backend is for machines with a GPU.
    from bvas.video.decode.pynvvideocodec import num_engines

    try:
        _, info = build_index(video)
        return num_engines(info, device)
    except (DecodeError, OSError, RuntimeError, ValueError) as error:
        logger.info("the GPU does not say how many decoders it has: %s", error)
        return None


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
