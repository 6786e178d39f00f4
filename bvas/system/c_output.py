"""Standard output of C libraries, sent to standard error."""

import ctypes
import sys
from functools import lru_cache


@lru_cache
def print_c_to_stderr() -> None:
    """Let C code of this process print to standard error; does nothing outside Linux.

    Python writes to the file descriptor itself. The C library's `stdout` is a variable that may be set (glibc manual,
    Standard Streams).
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.fflush(None)
        ctypes.c_void_p.in_dll(libc, "stdout").value = ctypes.c_void_p.in_dll(libc, "stderr").value
