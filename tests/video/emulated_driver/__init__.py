"""NVDEC without a GPU: the vendor's own PyNvVideoCodec over stand-ins for the three libraries of the driver.

The stand-ins (three files of C) keep device memory in host memory and decode with libav. They see what the
library and bvas ask of a driver: sizes, strides, times, flags, decoders and their surfaces, scaling, crops,
copies beyond an allocation, leaks, the stack of contexts. They cannot see NVDEC's own parser and pixels,
asynchrony, memory shared between processes, kernels and speed.

A process holds one driver, so the tests over it are a run of their own:

    pytest tests/video -m gpu --emulated-driver

A program with a driver of its own starts with `import emulated_driver; emulated_driver.start()`.
"""

import ctypes
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from .build import LIBRARIES, CannotBuildError, build

if TYPE_CHECKING:
    from .emulation import Driver

_running: "Driver | None" = None


def why_not() -> str | None:
    """Return why there can be no emulated driver in this process; None where there can."""
    if _running is not None:
        return None
    try:
        ctypes.CDLL(LIBRARIES[0])
    except OSError:
        pass
    else:
        return "a real driver is here, which is used"
    try:
        version("PyNvVideoCodec")
        build()
    except PackageNotFoundError:
        return "PyNvVideoCodec is not installed"
    except CannotBuildError as error:
        return str(error)
    return None


def start() -> "Driver":
    """Make this process one with a GPU, as far as decoding goes. To be called before anything looks for one."""
    global _running
    if _running is None:
        # Only a run over it needs torch.
        from .emulation import Driver

        _running = Driver(*(ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL) for path in build()))
    return _running


def running() -> "Driver | None":
    """Return the emulated driver of this process, if there is one."""
    return _running
