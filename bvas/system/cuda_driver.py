"""GPU memory shared between processes, and host memory with locked pages.

Memory is shared through the driver and not as a torch tensor: torch counts references in files in /dev/shm, which
stay there when the processes are killed. Driver calls use the context that torch has made current on the calling
thread (`current_context`).
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from bvas.errors import DataError

_HANDLE_BYTES = 64
_LAZY_PEER_ACCESS = 1
_PORTABLE = 1


class _IpcHandle(ctypes.Structure):
    _fields_ = (("reserved", ctypes.c_ubyte * _HANDLE_BYTES),)


@contextmanager
def current_context(gpu: int) -> Iterator[None]:
    """Make torch's context of a GPU the current one of this thread until the block ends."""
    import torch

    with torch.cuda.device(gpu):
        # The first call for the device makes its context current; choosing the device does not.
        torch.cuda.current_stream().synchronize()
        yield


def allocate(num_bytes: int) -> int:
    """Return the address of memory on the GPU.

    Raises:
        DataError: the GPU has too little memory.
    """
    address = ctypes.c_uint64()
    _call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(num_bytes))
    return address.value


def free(address: int) -> None:
    """Free memory on the GPU."""
    _call("cuMemFree_v2", ctypes.c_uint64(address))


def share(address: int) -> bytes:
    """Return a handle by which another process opens allocated memory.

    Raises:
        DataError: this system does not share GPU memory between processes.
    """
    handle = _IpcHandle()
    _call("cuIpcGetMemHandle", ctypes.byref(handle), ctypes.c_uint64(address))
    return bytes(handle.reserved)


def open_shared(shared: bytes) -> int:
    """Return the address of another process's memory, valid until this process ends.

    Raises:
        DataError: the memory was freed, or cannot be opened in this process.
    """
    address = ctypes.c_uint64()
    handle = _IpcHandle.from_buffer_copy(shared)
    _call("cuIpcOpenMemHandle_v2", ctypes.byref(address), handle, ctypes.c_uint(_LAZY_PEER_ACCESS))
    return address.value


def lock_pages(address: int, num_bytes: int) -> None:
    """Keep host memory in place, so that the GPU copies from it directly.

    Raises:
        DataError: the system does not allow so much locked memory.
    """
    import torch

    runtime: Any = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    code = runtime.cudaHostRegister(address, num_bytes, _PORTABLE)
    if int(code):
        # The runtime also keeps the error for the next kernel launch, which reports and clears it.
        with suppress(RuntimeError):
            torch.zeros(1, device="cuda")
        reason = runtime.cudaGetErrorString(code)
        raise DataError(f"CUDA cannot lock {num_bytes / 1e6:.0f} MB of host memory: {reason}")


def unlock_pages(address: int) -> None:
    """Undo `lock_pages`."""
    import torch

    runtime: Any = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    runtime.cudaHostUnregister(address)


@lru_cache
def _driver() -> Any:
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise DataError("no CUDA driver library found; install the NVIDIA driver")


def _call(name: str, *arguments: Any) -> None:
    driver = _driver()
    code = getattr(driver, name)(*arguments)
    if code:
        text = ctypes.c_char_p()
        driver.cuGetErrorName(ctypes.c_int(code), ctypes.byref(text))
        reason = text.value.decode() if text.value else f"error {code}"
        raise DataError(f"the CUDA driver refuses {name.removesuffix('_v2')}: {reason}")
