"""The calls of the CUDA driver that torch does not offer: sharing memory between processes, and locking pages.

The driver is asked itself, not torch's sharing of tensors, because that keeps its counts in files in /dev/shm,
which stay there when the processes are killed. A call works in the context that torch
has made current on the calling thread (`current_context`).
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
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
        # The context is made current by the first thing that is asked of the device, not by choosing it.
        torch.cuda.current_stream().synchronize()
        yield


def allocate(num_bytes: int) -> int:
    """Return the address of memory on the GPU.

    Raises:
        DataError: there is not that much.
    """
    address = ctypes.c_uint64()
    _call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(num_bytes))
    return address.value


def free(address: int) -> None:
    """Give memory on the GPU back."""
    _call("cuMemFree_v2", ctypes.c_uint64(address))


def share(address: int) -> bytes:
    """Return what another process opens allocated memory with.

    Raises:
        DataError: this system does not share GPU memory between processes.
    """
    handle = _IpcHandle()
    _call("cuIpcGetMemHandle", ctypes.byref(handle), ctypes.c_uint64(address))
    return bytes(handle.reserved)


def open_shared(shared: bytes) -> int:
    """Return the address of another process's memory. It ends with this process, at the latest.

    Raises:
        DataError: the memory is gone, or not to be opened from here.
    """
    address = ctypes.c_uint64()
    handle = _IpcHandle.from_buffer_copy(shared)
    _call("cuIpcOpenMemHandle_v2", ctypes.byref(address), handle, ctypes.c_uint(_LAZY_PEER_ACCESS))
    return address.value


def lock_pages(address: int, num_bytes: int) -> None:
    """Keep host memory in place, so that the GPU copies from it by itself.

    Raises:
        DataError: the system does not allow so much locked memory.
    """
    _call(
        "cuMemHostRegister_v2", ctypes.c_void_p(address), ctypes.c_size_t(num_bytes), ctypes.c_uint(_PORTABLE)
    )


def unlock_pages(address: int) -> None:
    """Undo `lock_pages`."""
    _call("cuMemHostUnregister", ctypes.c_void_p(address))


@lru_cache
def _driver() -> Any:
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise DataError("the CUDA driver's library is not to be found; install the NVIDIA driver")


def _call(name: str, *arguments: Any) -> None:
    driver = _driver()
    code = getattr(driver, name)(*arguments)
    if code:
        text = ctypes.c_char_p()
        driver.cuGetErrorName(ctypes.c_int(code), ctypes.byref(text))
        reason = text.value.decode() if text.value else f"error {code}"
        raise DataError(f"the CUDA driver refuses {name.removesuffix('_v2')}: {reason}")
