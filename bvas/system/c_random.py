"""Random numbers of the C library, which other packages' C code draws from."""

import ctypes
import sys


def seed_c_random(seed: int) -> bool:
    """Seed the C library's `rand` of this process; return whether this system lets it.

    Windows has several C libraries in a process, each with its own generator: there nothing is changed.
    """
    if sys.platform == "win32":
        return False
    ctypes.CDLL(None).srand(ctypes.c_uint(seed))
    return True
