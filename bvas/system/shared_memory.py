"""Memory that a process shares with the workers it starts.

On Linux it is a memfd. That has no name, so nothing is left behind however the processes end. It does not count
against the size of /dev/shm, which is 64 MB in a container by default. Elsewhere it is a `RawArray`, whose file is
unlinked as soon as it is open.
"""

import mmap
import os
import weakref
from multiprocessing import get_context, reduction
from typing import Any


def reserve(num_bytes: int) -> Any:
    """Return shared memory, all of it available: a buffer that travels to a worker as an argument of its process.

    Raises:
        OSError: the system has not that much.
    """
    if not hasattr(os, "memfd_create"):
        return get_context("spawn").RawArray("B", num_bytes)
    fd = os.memfd_create("bvas-frames")
    try:
        # Pages that are only promised would kill the process that touches them first; these exist.
        os.posix_fallocate(fd, 0, num_bytes)
        return _Memfd(fd, num_bytes)
    except BaseException:
        os.close(fd)
        raise


class _Memfd(mmap.mmap):
    """Anonymous memory behind a file descriptor; a spawned process receives a copy of the descriptor."""

    def __init__(self, fd: int, num_bytes: int) -> None:
        self._fd = fd
        self._num_bytes = num_bytes
        weakref.finalize(self, os.close, fd)

    def __reduce__(self) -> tuple[Any, ...]:
        return _attach, (reduction.DupFd(self._fd), self._num_bytes)


def _attach(fd: Any, num_bytes: int) -> _Memfd:
    return _Memfd(fd.detach(), num_bytes)
