"""Numbers of workers of each backend, chosen by the machine or checked."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from bvas.errors import ConfigError, DecodeError
from bvas.system.cpu_cores import free_cores
from bvas.system.doctor.finding import try_import
from bvas.video.decode.backends import BACKENDS
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

# Used if the GPU does not report its number of decoders. The reference system fed one GPU with three.
_NUM_NVDEC = 3


def choose_workers(
    workers: Mapping[str, int] | Literal["auto", 0],
    num_slots: int,
    cpus: int | None = None,
    *,
    video: Path | None = None,
    device: str = "cuda",
) -> dict[str, int]:
    """Return the number of workers of each backend; empty: read in this process.

    "auto" is a `pyav` worker for each free CPU core but one, which is for the training step. With a GPU that decodes it
    is an `nvdec` worker for each of its decoders, since one session keeps one decoder busy, and `pyav` workers for
    the other cores, for at most half of all cores.

    Args:
        workers: Numbers by backend, 0 for this process, or "auto".
        num_slots: Clips that can be under way at once: more workers would never work.
        cpus: Cores that "auto" has, at least 1; None: those that are free.
        video: One of the videos: "auto" asks the GPU about its codec.
        device: The GPU that decodes.

    Raises:
        ConfigError: an unknown backend, or a count below 0.
    """
    if workers == "auto":
        return _choose(num_slots, free_cores() if cpus is None else cpus, video, device)
    counts = {} if workers == 0 else dict(workers)
    for backend, count in counts.items():
        if backend not in BACKENDS or count < 0:
            raise ConfigError(
                f"invalid worker count {count} for backend {backend!r}; give counts from 0 up for some of "
                f"{', '.join(BACKENDS)}, or 'auto'"
            )
    return {backend: count for backend, count in counts.items() if count}


def _choose(num_slots: int, cores: int, video: Path | None, device: str) -> dict[str, int]:
    chosen: dict[str, int] = {"pyav": max(1, min(cores - 1, num_slots))}
    reason = f"{cores} CPU cores"
    if _has_nvdec():
        engines = None if video is None else _num_engines(video, device)
        num_nvdec = min(engines or _NUM_NVDEC, num_slots)
        chosen = {"nvdec": num_nvdec, "pyav": max(1, min(cores // 2, cores - 1 - num_nvdec, num_slots))}
        decoders = "decoders of unknown number" if engines is None else f"{engines} decoders"
        reason += f" and {decoders} of the GPU"
    logger.info("workers: %s, for %s", chosen, reason)
    return chosen


def _num_engines(video: Path, device: str) -> int | None:
    """Return the number of the GPU's decoders for the codec of a video; None if it does not report it."""
    # Imported here: the backend is for machines with a GPU.
    from bvas.video.decode.pynvvideocodec import num_engines

    try:
        _, info = build_index(video)
        return num_engines(info, device)
    except (DecodeError, OSError, RuntimeError, ValueError) as error:
        logger.info("the GPU does not report its number of decoders: %s", error)
        return None


def _has_nvdec() -> bool:
    """Whether this machine has a GPU and the library that decodes on it."""
    import torch

    if not torch.cuda.is_available():
        return False
    nvc, reason = try_import("PyNvVideoCodec")
    if nvc is None:
        logger.info("no GPU decoding: %s", reason)
    return nvc is not None
