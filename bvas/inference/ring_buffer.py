"""The newest rows of a sequence that goes on and on, in memory that does not grow."""

# Dimension letters in this file: V views, R rows kept, n rows given.

from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.inference.still_clips import UNIQUE
from bvas.system.devices import to_device


class Presence(IntEnum):
    """What is known of a row."""

    LOST = 0
    THERE = 1
    LEFT_OUT = 2


class Ring:
    """Rows by their position in the sequence; a row is overwritten by the one `num_rows` positions behind it.

    A row may carry the number of the picture that it is made of (stills.py).
    """

    def __init__(self, num_rows: int) -> None:
        self._num_rows = num_rows
        self._rows: Tensor | None = None
        self._presence = np.zeros(num_rows, np.uint8)
        self._pictures = np.full(num_rows, UNIQUE, np.int64)

    @property
    def num_bytes(self) -> int:
        """Memory of the rows; 0 before the first."""
        return 0 if self._rows is None else self._rows.nbytes

    def mark(self, positions: range, presence: Presence) -> None:
        """Say what is known of rows that are not given."""
        self.set_presence(np.asarray(positions, np.int64), np.full(len(positions), presence))

    def set_presence(
        self,
        positions: NDArray[np.int64],
        presence: NDArray[np.integer],
        pictures: NDArray[np.int64] | None = None,
    ) -> None:
        """Say of each of n rows what is known, and of which picture it is made."""
        slots = positions % self._num_rows
        self._presence[slots] = presence
        self._pictures[slots] = UNIQUE if pictures is None else pictures

    def put(
        self, positions: NDArray[np.int64], rows: Tensor, pictures: NDArray[np.int64] | None = None
    ) -> None:
        """Keep rows [V, n, ...] at n positions, n <= R, made of these pictures."""
        assert len(positions) == rows.shape[1] <= self._num_rows, (len(positions), rows.shape, self._num_rows)
        if self._rows is None:
            self._rows = rows.new_empty((rows.shape[0], self._num_rows, *rows.shape[2:]))
        slots = positions % self._num_rows
        self._rows[:, to_device(torch.from_numpy(slots), rows.device)] = rows
        self._presence[slots] = Presence.THERE
        self._pictures[slots] = UNIQUE if pictures is None else pictures

    def holds(self, positions: NDArray[np.int64], picture: int) -> bool:
        """Return whether the rows now in the places of these positions are all made of one picture, and can stay."""
        slots = positions % self._num_rows
        return picture != UNIQUE and bool((self._pictures[slots] == picture).all())

    def pictures(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the picture of each row at positions of any shape."""
        return self._pictures[positions % self._num_rows]

    def presence(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return what is known of the rows at positions of any shape."""
        return self._presence[positions % self._num_rows]

    def take(self, positions: NDArray[np.int64]) -> Tensor:
        """Return a copy [V, n, ...] of the rows at n positions; each is there."""
        assert self._rows is not None
        slots = to_device(torch.from_numpy(positions % self._num_rows), self._rows.device)
        return self._rows.index_select(1, slots)
