"""A growing array of times."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Marks an unknown time.
NO_TIME = int(np.iinfo(np.int64).min)


class Ticks:
    """Times in ticks, 8 bytes each. A view of them stays as it is while more are added."""

    def __init__(self) -> None:
        self._buffer: NDArray[np.int64] = np.empty(1024, dtype=np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, time: int) -> None:
        """Add one time."""
        self.extend([time])

    def extend(self, times: Sequence[int]) -> None:
        """Add several times."""
        end = self._count + len(times)
        if end > len(self._buffer):
            # Views of the old buffer keep it.
            larger = np.empty(max(2 * len(self._buffer), end), dtype=np.int64)
            larger[: self._count] = self._buffer[: self._count]
            self._buffer = larger
        self._buffer[self._count : end] = times
        self._count = end

    def view(self) -> NDArray[np.int64]:
        """Return the times so far, int64, read-only, without a copy."""
        times = self._buffer[: self._count]
        times.setflags(write=False)
        return times

    def holds(self, time: int) -> bool:
        """Return whether a time is among these, which must be ascending."""
        times = self.view()
        place = int(np.searchsorted(times, time))
        return place < len(times) and int(times[place]) == time
