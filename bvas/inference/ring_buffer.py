"""State of the slots of a ring buffer: the newest items of a sequence, in memory that does not grow."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bvas.inference.still_clips import UNIQUE


class SlotState(IntEnum):
    """What a slot holds."""

    GAP = 0
    """Nothing: the item is lost."""
    READY = 1
    SKIPPED = 2
    """Nothing: no row that is computed needs the item."""


class RingTable:
    """State and picture of each slot. An item's slot is its position modulo the number of slots.

    So an item is overwritten by the one `num_slots` positions behind it. Positions may be negative, and of any shape.
    """

    def __init__(self, num_slots: int) -> None:
        self._num_slots = num_slots
        self._states = np.zeros(num_slots, np.uint8)
        self._pictures = np.full(num_slots, UNIQUE, np.int64)

    def slots(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slots of positions."""
        return positions % self._num_slots

    def put(
        self,
        positions: NDArray[np.int64],
        states: NDArray[np.uint8] | SlotState,
        pictures: NDArray[np.int64] | int = UNIQUE,
    ) -> NDArray[np.int64]:
        """Note what the slots of n positions hold from now on, and return these slots.

        Args:
            positions: [n], at most one for each slot.
            states: Of each, or of all.
            pictures: The picture that each READY item is made of (still_clips.py).
        """
        assert len(positions) <= self._num_slots, (len(positions), self._num_slots)
        slots = self.slots(positions)
        self._states[slots] = states
        self._pictures[slots] = np.where(states == SlotState.READY, pictures, UNIQUE)
        return slots

    def holds(self, positions: NDArray[np.int64], picture: int) -> bool:
        """Return whether the slots of these positions already hold items of this one picture."""
        return picture != UNIQUE and bool((self._pictures[self.slots(positions)] == picture).all())

    def pictures(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the picture of each position; `UNIQUE` where it is not READY."""
        return self._pictures[self.slots(positions)]

    def states(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the state of each position."""
        return self._states[self.slots(positions)]
