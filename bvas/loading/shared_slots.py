"""Frames that the parent and its workers both see, without pickling or copying between them.

On Linux the memory is a memfd: it has no name, so nothing is left behind however the
processes end, and it does not count against the size of /dev/shm, which is 64 MB in a
container by default. Elsewhere it is a `RawArray`, whose file is unlinked as soon as it is open.
"""

import contextlib
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
    """A row of slots, each of which takes one clip. It travels to a worker as an argument of its process."""

    def __init__(self, num_slots: int, clip_shape: tuple[int, int, int]) -> None:
        """Reserve the memory.

        Args:
            num_slots: Clips that fit.
            clip_shape: (T, H, W) of each.

        Raises:
            DataError: the system does not give that much shared memory.
        """
        self.num_slots = num_slots
        self.clip_shape = clip_shape
        try:
            self._memory = _reserve(num_slots * math.prod(clip_shape))
        except OSError as error:
            num_mb = num_slots * math.prod(clip_shape) / 1e6
            raise DataError(
                f"{num_mb:.0f} MB of shared memory for {num_slots} clips of shape {clip_shape} are not to be "
                f"had ({error}); use fewer prefetch_batches or a smaller batch_size, read in this process "
                "with workers={}, or give a container more (docker run --memory; --shm-size where there is no memfd)"
            ) from error

    def slot(self, number: int) -> NDArray[np.uint8]:
        """Return a view of a slot, uint8 [T, H, W]."""
        clip_bytes = math.prod(self.clip_shape)
        flat = np.frombuffer(
            self._memory.buffer, dtype=np.uint8, count=clip_bytes, offset=number * clip_bytes
        )
        return flat.reshape(self.clip_shape)

    def lock_pages(self, gpu: int) -> Callable[[], None]:
        """Let a GPU copy from the slots by itself; return what undoes it.

        Raises:
            DataError: the system does not allow so much locked memory.
        """
        flat = np.frombuffer(self._memory.buffer, dtype=np.uint8)
        address = flat.ctypes.data
        with cuda_driver.current_context(gpu):
            cuda_driver.lock_pages(address, flat.nbytes)

        def unlock() -> None:
            # The view keeps the memory where it is until here.
            assert flat.ctypes.data == address
            # When the program ends the driver may be gone already.
            with contextlib.suppress(DataError), cuda_driver.current_context(gpu):
                cuda_driver.unlock_pages(address)

        return unlock


class _Memfd:
    """Anonymous memory behind a file descriptor, which a spawned process receives a copy of."""

    def __init__(self, fd: int, num_bytes: int) -> None:
        self._fd = fd
        self._num_bytes = num_bytes
        self.buffer: Any = mmap.mmap(fd, num_bytes)
        weakref.finalize(self, os.close, fd)

    def __reduce__(self) -> tuple[Any, ...]:
        return _attach, (reduction.DupFd(self._fd), self._num_bytes)


class _RawArray:
    """The same where there is no memfd."""

    def __init__(self, num_bytes: int) -> None:
        self.buffer: Any = get_context("spawn").RawArray("B", num_bytes)


def _reserve(num_bytes: int) -> _Memfd | _RawArray:
    if not hasattr(os, "memfd_create"):
        return _RawArray(num_bytes)
    fd = os.memfd_create("bvas-frames")
    try:
        # Pages that are only promised would kill the process that touches them first; these are there.
        os.posix_fallocate(fd, 0, num_bytes)
        return _Memfd(fd, num_bytes)
    except BaseException:
        os.close(fd)
        raise


def _attach(fd: Any, num_bytes: int) -> _Memfd:
    return _Memfd(fd.detach(), num_bytes)
