"""Slots in GPU memory: owned by the parent, written by GPU workers, so that no frame passes through the host.

Workers are processes and not threads, because PyNvVideoCodec ends its process on some failures of the GPU. The
memory outlives such a worker. Its slots are reused only after its process has ended.
"""

import contextlib
import logging
import math
import weakref
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bvas.errors import DataError
from bvas.loading.shared_slots import SharedFrames
from bvas.system import cuda_driver

if TYPE_CHECKING:
    import torch
    from torch import Tensor

logger = logging.getLogger(__name__)


class AttachedFrames:
    """Slots on a GPU, one clip each, in a worker. The memory is opened at its first use, which loads torch and CUDA."""

    def __init__(self, shared: bytes, shape: tuple[int, ...], gpu: int) -> None:
        self._shared = shared
        self._shape = shape
        self._gpu = gpu
        self._frames: Tensor | None = None

    def slot(self, number: int) -> "Tensor":
        """Return a slot, uint8 of the clips' shape, on the GPU.

        Raises:
            DataError: the memory cannot be opened from this process.
        """
        if self._frames is None:
            with cuda_driver.current_context(self._gpu):
                self._frames = _tensor_at(cuda_driver.open_shared(self._shared), self._shape, self._gpu)
        return self._frames[number]

    def complete(self) -> None:
        """Wait until everything that this process wrote has arrived."""
        import torch

        torch.cuda.current_stream(self._gpu).synchronize()


class DeviceFrames(AttachedFrames):
    """The same slots in the process that owns them. Pickled as `AttachedFrames`, for an argument of a worker."""

    def __init__(self, num_slots: int, clip_shape: tuple[int, ...], gpu: int) -> None:
        """Reserve the memory.

        Args:
            num_slots: Clips that fit.
            clip_shape: Shape of each, as of `SharedFrames`.
            gpu: Number of the GPU.

        Raises:
            DataError: the GPU has too little memory, or the system does not share it between processes.
        """
        shape = (num_slots, *clip_shape)
        with cuda_driver.current_context(gpu):
            address = cuda_driver.allocate(math.prod(shape))
            self._finalizer = weakref.finalize(self, _free, address, gpu)
            try:
                shared = cuda_driver.share(address)
            except DataError:
                self.close()
                raise
        super().__init__(shared, shape, gpu)
        self._frames = _tensor_at(address, shape, gpu)

    def close(self) -> None:
        """Free the memory; the workers must have ended. May be called twice."""
        self._finalizer()

    def __reduce__(self) -> tuple[Any, ...]:
        return AttachedFrames, (self._shared, self._shape, self._gpu)


def open_way_to_gpu(
    frames: SharedFrames, device: "torch.device | str", stack: ExitStack, *, wants_slots: bool
) -> DeviceFrames | None:
    """Prepare the way of clips to a GPU. Where a step fails, a warning is logged and clips take a slower way.

    Args:
        frames: Slots in host memory; their pages are locked.
        device: The loader's device; nothing is done for a CPU.
        stack: Receives the callbacks that undo it, to be called after the workers have ended.
        wants_slots: Make as many slots on the GPU.

    Returns:
        The slots on the GPU, if they are wanted and available.
    """
    if not str(device).startswith("cuda"):
        return None
    import torch

    index = torch.device(device).index
    gpu = torch.cuda.current_device() if index is None else index
    try:
        stack.callback(frames.lock_pages(gpu))
    except DataError as error:
        logger.warning("clips go to the GPU from memory that is not page-locked, which is slower: %s", error)
    if not wants_slots:
        return None
    try:
        device_frames = DeviceFrames(frames.num_slots, frames.clip_shape, gpu)
    except DataError as error:
        logger.warning("frames of nvdec pass through host memory: %s", error)
        return None
    stack.callback(device_frames.close)
    return device_frames


def _tensor_at(address: int, shape: tuple[int, ...], gpu: int) -> "Tensor":
    """Return the memory as a tensor, without a copy."""
    import torch

    layout = {"shape": shape, "typestr": "|u1", "data": (address, False), "version": 3}
    memory = SimpleNamespace(__cuda_array_interface__=layout)
    return torch.as_tensor(memory, device=f"cuda:{gpu}")


def _free(address: int, gpu: int) -> None:
    # When the program ends, the driver may have freed the memory already.
    with contextlib.suppress(DataError), cuda_driver.current_context(gpu):
        cuda_driver.free(address)
