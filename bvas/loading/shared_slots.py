"""Slots of shared memory for clips, without pickling or copying between parent and workers."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.system import cuda_driver
from bvas.system.shared_memory import reserve


class SharedFrames:
    """Slots in shared memory, one clip each. Can be an argument of a worker process."""

    def __init__(self, num_slots: int, clip_shape: tuple[int, ...]) -> None:
        """Reserve the memory.

        Args:
            num_slots: Clips that fit.
            clip_shape: Shape of each: (T, H, W) of luma, (T, bytes) of color planes or where frames differ in size.

        Raises:
            DataError: the system has too little shared memory.
        """
        self.num_slots = num_slots
        self.clip_shape = clip_shape
        try:
            self._memory = reserve(num_slots * math.prod(clip_shape))
        except OSError as error:
            num_mb = num_slots * math.prod(clip_shape) / 1e6
            raise DataError(
                f"{num_mb:.0f} MB of shared memory for {num_slots} clips of shape {clip_shape} are unavailable "
                f"({error}); lower loading.shuffle_buffer_clips, loading.prefetch_batches or batch_size, read in "
                "this process (--workers 0), or give a container more (docker run --memory; --shm-size where the "
                "system has no memfd)"
            ) from error

    @property
    def frame_size(self) -> tuple[int, int]:
        """(H, W) of luma frames."""
        _, height, width = self.clip_shape
        return height, width

    def slot(self, number: int) -> NDArray[np.uint8]:
        """Return a view of a slot, uint8 of the clips' shape."""
        clip_bytes = math.prod(self.clip_shape)
        flat = np.frombuffer(self._memory, dtype=np.uint8, count=clip_bytes, offset=number * clip_bytes)
        return flat.reshape(self.clip_shape)

    def lock_pages(self, gpu: int) -> Callable[[], None]:
        """Lock the pages, so that a GPU copies from the slots directly; return a function that unlocks them.

        Raises:
            DataError: the system does not allow so much locked memory.
        """
        flat = np.frombuffer(self._memory, dtype=np.uint8)
        address = flat.ctypes.data
        with cuda_driver.current_context(gpu):
            cuda_driver.lock_pages(address, flat.nbytes)

        def unlock() -> None:
            # The view keeps the memory mapped until here.
            assert flat.ctypes.data == address
            with cuda_driver.current_context(gpu):
                cuda_driver.unlock_pages(address)

        return unlock
