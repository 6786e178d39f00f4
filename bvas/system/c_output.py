"""Output of C libraries, redirected away from the results that a command prints."""

import ctypes
import sys
from functools import lru_cache


@lru_cache(maxsize=1)
def print_to_stderr() -> bool:
    """Let C code of this process print to standard error; return whether this system lets it.

    Python writes to the file descriptor itself, and is not affected. The C library's `stdout` is a variable that
    may be set (glibc manual, Standard Streams). Other systems have no such variable: there nothing is changed.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    ctypes.c_void_p.in_dll(libc, "stdout").value = ctypes.c_void_p.in_dll(libc, "stderr").value
    return True
