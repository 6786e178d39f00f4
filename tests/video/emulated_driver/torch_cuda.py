"""torch.cuda for a process without CUDA, as far as decoding asks for it: tensors "on the GPU" are in host memory."""

import ctypes
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

_POOL_SIZE = 32
_HANDLES = itertools.count(0x5000, 16)
_CPU = 1

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


class Stream:
    """`torch.cuda.Stream`: each priority has 32 streams, which are handed out in turn."""

    pools: ClassVar[dict[int, list[int]]] = {}
    taken: ClassVar[dict[int, int]] = {}

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        # torch has pools for 0 and for the first few priorities above it, which are negative.
        self.priority = max(min(priority, 0), -3)
        pool = self.pools.setdefault(self.priority, [next(_HANDLES) for _ in range(_POOL_SIZE)])
        turn = self.taken.get(self.priority, 0)
        self.taken[self.priority] = turn + 1
        self.cuda_stream = pool[turn % _POOL_SIZE]
        self.device = torch.device("cuda", 0)

    def synchronize(self) -> None:
        _use_device()

    def wait_stream(self, stream: "Stream") -> None:
        pass


class _DLTensor(ctypes.Structure):
    """The beginning of a DLPack tensor."""

    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


_default_stream = Stream()
_default_stream.cuda_stream = 0
_thread = threading.local()
_use_device: Callable[[], None] = lambda: None  # noqa: E731


def _current_stream(device: Any = None) -> Stream:
    stream: Stream = getattr(_thread, "stream", _default_stream)
    return stream


@contextmanager
def _on_stream(stream: Stream) -> Iterator[None]:
    before, _thread.stream = _current_stream(), stream
    try:
        yield
    finally:
        _thread.stream = before


@contextmanager
def _on_device(device: Any) -> Iterator[None]:
    yield


def _from_dlpack(frame: Any) -> torch.Tensor:
    """As torch takes a CUDA tensor: on the current stream, newest protocol first. Then it is called a CPU's."""
    stream = _current_stream().cuda_stream or 1
    try:
        capsule = frame.__dlpack__(stream=stream, max_version=(1, 0))
    except TypeError:
        capsule = frame.__dlpack__(stream=stream)
    _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor")).device_type = _CPU
    tensor: torch.Tensor = torch._C._from_dlpack(capsule)
    return tensor


_torch_empty = torch.empty


def _empty(*args: Any, **options: Any) -> torch.Tensor:
    if str(options.get("device", "")).startswith("cuda"):
        options["device"] = "cpu"
    return _torch_empty(*args, **options)


def install(use_device: Callable[[], None]) -> None:
    """Put this in torch's place.

    Args:
        use_device: Makes the device's primary context the thread's, as CUDA's runtime does at a first use.
    """
    global _use_device
    _use_device = use_device
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    torch.cuda.current_device = lambda: 0
    torch.cuda.Stream = Stream  # type: ignore[misc]
    torch.cuda.current_stream = _current_stream
    torch.cuda.stream = _on_stream
    torch.cuda.device = _on_device
    torch.Tensor.record_stream = lambda self, stream: None
    torch.from_dlpack = _from_dlpack
    torch.empty = _empty
