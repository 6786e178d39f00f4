"""State of the newest items of a sequence, in memory that does not grow; equal neighbors share a slot."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

_NO_NUMBER = -1


class SlotState(IntEnum):
    """What an item is."""

    GAP = 0
    """Lost: nothing is kept of it."""
    READY = 1
    SKIPPED = 2
    """Nothing is kept of it, because no row that is computed needs it."""


class RingTable:
    """State and number of each item. READY items are numbered; one that repeats the one before has its number.

    What is kept of an item lies in a slot: its number modulo the number of slots. So equal items share one, however
    many they are, and it is overwritten by the item `num_slots` numbers behind. The table itself knows the newest
    `num_positions` items. Positions may be negative, and of any shape.
    """

    def __init__(self, num_positions: int, num_slots: int, num_free: int) -> None:
        """Begin a sequence.

        Args:
            num_positions: Items that the table knows.
            num_slots: Slots of what is kept of them.
            num_free: Most new items between one question of `has_room` and the next.
        """
        self._num_slots = num_slots
        self._num_free = num_free
        self._states = np.zeros(num_positions, np.uint8)
        self._numbers = np.full(num_positions, _NO_NUMBER, np.int64)
        self._newest = _NO_NUMBER

    def put(
        self,
        positions: NDArray[np.int64],
        states: NDArray[np.uint8] | SlotState,
        is_new: NDArray[np.bool_],
    ) -> None:
        """Note the next n items.

        Args:
            positions: [n], ascending, behind those before.
            states: Of each, or of all.
            is_new: bool [n], whether an item is READY and does not repeat the READY one before it.
        """
        assert len(positions) <= len(self._states), (len(positions), len(self._states))
        entries = positions % len(self._states)
        numbers = self._newest + np.cumsum(is_new)
        self._states[entries] = states
        self._numbers[entries] = np.where(states == SlotState.READY, numbers, _NO_NUMBER)
        self._newest += int(is_new.sum())

    def slots(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slots of READY items."""
        return self.numbers(positions) % self._num_slots

    def numbers(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each item; no use where it is not READY."""
        return self._numbers[positions % len(self._numbers)]

    def states(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the state of each item."""
        return self._states[positions % len(self._states)]

    def has_room(self, position: int) -> bool:
        """Return whether the slots of all items from a READY one on are kept while `num_free` new ones come."""
        first = int(self._numbers[position % len(self._numbers)])
        return self._newest + self._num_free - first < self._num_slots
