"""Full batches: which of the next stacks or clips are computed at once, and which wait."""

# Dimension letters in this file: M stacks or clips, P what each is made of: frames, or stacks.

import numpy as np
from numpy.typing import NDArray

from bvas.inference.repeats import new_items
from bvas.inference.ring_buffer import RingTable, SlotState

MOST_WAITING = 32
"""Positions that may wait, for each place in a batch: where each frame is shown so often, batches are still full."""
# Frames that wait take memory: beyond this stride batches are smaller.
_FULL_UP_TO = 8


def batch_size(batch: int, stride: int, num_needed: int = 1) -> int:
    """Return how many stacks or clips fill a batch.

    Args:
        batch: How many where each is computed.
        stride: Frames from one computed row to the next.
        num_needed: How many of so many positions are computed.
    """
    return max(1, min(batch, batch * _FULL_UP_TO * num_needed // stride))


class FullBatches:
    """Cuts the stacks or the clips of a video into batches; those that repeat the one before fill none."""

    def __init__(self, size: int, *, room: int, shares: bool) -> None:
        """Begin a video.

        Args:
            size: Computed ones that fill a batch.
            room: Fewer positions than this may wait.
            shares: Take equal ones as repeats.
        """
        self.size = size
        self._room = room
        self._shares = shares
        self._last: NDArray[np.int64] | None = None
        """Parts of the last one that is computed [P]."""

    def take(
        self, table: RingTable, parts_MP: NDArray[np.int64], states: NDArray[np.uint8], *, may_wait: bool
    ) -> NDArray[np.bool_]:
        """Return of the next positions, as many as are worked on now, which are computed; empty to wait for more.

        Args:
            table: Of the parts.
            parts_MP: Positions in it, of all that are not taken yet.
            states: Of each [M].
            may_wait: Leave those that do not fill a batch, while there is room.
        """
        numbers_MP = table.numbers(parts_MP)
        is_new: NDArray[np.bool_] = states == SlotState.READY
        if self._shares:
            is_new = new_items(numbers_MP, is_new, self._last)
        new = np.flatnonzero(is_new)
        length = len(is_new)
        if len(new) > self.size:
            length = int(new[self.size])
        elif 0 < len(new) < self.size and may_wait and length < self._room:
            # What lies before the first one costs nothing.
            length = int(new[0]) if table.has_room(int(parts_MP[new[0], 0])) else length
        if np.any(new < length):
            self._last = numbers_MP[new[new < length][-1]]
        return is_new[:length]

    def filled(self, slots: NDArray[np.int64], *, is_prompt: bool) -> NDArray[np.int64]:
        """Return the slots of a full batch: the last item is computed several times. As they are if rows are prompt."""
        return slots if is_prompt else slots[np.minimum(np.arange(self.size), len(slots) - 1)]
