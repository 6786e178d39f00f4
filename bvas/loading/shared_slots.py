"""Slots in memory that the parent and its workers share, so that frames are neither pickled nor copied.

On Linux the memory is a memfd. It has no name, so nothing is left behind however the processes end, and it does not
count against the size of /dev/shm, which is 64 MB in a container by default. Elsewhere it is a `RawArray`, whose
file is unlinked as soon as it is open.
"""

import math
import mmap
import os
import weakref
from collections.abc import Callable
from multiprocessing import get_context, reduction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.system import cuda_driver


class SharedFrames:
    """Slots in shared memory, one clip each. Can be an argument of a worker process."""

    def __init__(self, num_slots: int, clip_shape: tuple[int, int, int]) -> None:
        """Reserve the memory.

        Args:
            num_slots: Clips that fit.
            clip_shape: (T, H, W) of each.

        Raises:
            DataError: the system has too little shared memory.
        """
        self.num_slots = num_slots
        self.clip_shape = clip_shape
        try:
            self._memory = _reserve(num_slots * math.prod(clip_shape))
        except OSError as error:
            num_mb = num_slots * math.prod(clip_shape) / 1e6
            raise DataError(
                f"{num_mb:.0f} MB of shared memory for {num_slots} clips of shape {clip_shape} are unavailable "
                f"({error}); lower loading.shuffle_buffer_clips, loading.prefetch_batches or batch_size, read in "
                "this process (--workers 0), or give a container more (docker run --memory; --shm-size where the "
                "system has no memfd)"
            ) from error

    def slot(self, number: int) -> NDArray[np.uint8]:
        """Return a view of a slot, uint8 [T, H, W]."""
        clip_bytes = math.prod(self.clip_shape)
        flat = np.frombuffer(
            self._memory.buffer, dtype=np.uint8, count=clip_bytes, offset=number * clip_bytes
        )
        return flat.reshape(self.clip_shape)

    def lock_pages(self, gpu: int) -> Callable[[], None]:
        """Lock the pages, so that a GPU copies from the slots directly; return a function that unlocks them.

        Raises:
            DataError: the system does not allow so much locked memory.
        """
        flat = np.frombuffer(self._memory.buffer, dtype=np.uint8)
        address = flat.ctypes.data
        with cuda_driver.current_context(gpu):
            cuda_driver.lock_pages(address, flat.nbytes)

        def unlock() -> None:
            # The view keeps the memory mapped until here.
            assert flat.ctypes.data == address
            with cuda_driver.current_context(gpu):
                cuda_driver.unlock_pages(address)

        return unlock


class _Memfd:
    """Anonymous memory behind a file descriptor that spawned processes inherit."""

    def __init__(self, fd: int, num_bytes: int) -> None:
        self._fd = fd
        self._num_bytes = num_bytes
        self.buffer: Any = mmap.mmap(fd, num_bytes)
        weakref.finalize(self, os.close, fd)

    def __reduce__(self) -> tuple[Any, ...]:
        return _attach, (reduction.DupFd(self._fd), self._num_bytes)


class _RawArray:
    """Fallback for systems without memfd."""

    def __init__(self, num_bytes: int) -> None:
        self.buffer: Any = get_context("spawn").RawArray("B", num_bytes)


def _reserve(num_bytes: int) -> _Memfd | _RawArray:
    if not hasattr(os, "memfd_create"):
        return _RawArray(num_bytes)
    fd = os.memfd_create("bvas-frames")
    try:
        # Reserves the pages now: a promised page that is missing would kill the process that touches it first.
        os.posix_fallocate(fd, 0, num_bytes)
        return _Memfd(fd, num_bytes)
    except BaseException:
        os.close(fd)
        raise


def _attach(fd: Any, num_bytes: int) -> _Memfd:
    return _Memfd(fd.detach(), num_bytes)
