"""Slots of shared memory for clips, without pickling or copying between parent and workers."""

import contextlib
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.system import cuda_driver
from bvas.system.shared_memory import reserve


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
            self._memory = reserve(num_slots * math.prod(clip_shape))
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
