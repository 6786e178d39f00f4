"""Still clips, which show one source frame only: a batch of them is computed once, and its rows are repeated.

Where a source is slower than the grid, or pauses, many clips in a row show a single frame. A result depends in its
last bits on the batch size. So only whole batches are skipped, and only where a batch of their size was computed with
the same frame. Rows are equal to the bit to those of a run that computes all of them.
"""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

UNIQUE = -1
"""In place of a picture's number: several pictures, or one that may never be repeated."""

Result = TypeVar("Result")


class Pictures:
    """Picture numbers of the frames of a video: a frame that repeats the one before has its number."""

    def __init__(self) -> None:
        self._last = UNIQUE
        self._can_repeat = False

    def number(self, count: int, is_repeat: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return the numbers of the next frames, int64 [count].

        Args:
            count: How many frames come.
            is_repeat: bool [count], whether each shows the same source frame as the one before; None: none does.
        """
        is_new = np.ones(count, np.bool_) if is_repeat is None else ~is_repeat
        if count and not self._can_repeat:
            is_new[0] = True
        numbers = (self._last + np.cumsum(is_new)).astype(np.int64)
        if count:
            self._last, self._can_repeat = int(numbers[-1]), True
        return numbers

    def push_gap(self) -> None:
        """Note that frames are lost here: the next one repeats none of them."""
        self._can_repeat = False


def common_picture(pictures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the picture that all frames of a row show, int64 [m] of [m, n]; `UNIQUE` where they differ."""
    first = pictures[:, 0]
    return np.where((pictures == first[:, None]).all(axis=1), first, UNIQUE)


class LastStill(Generic[Result]):
    """Result of the last input that shows one picture only."""

    def __init__(self) -> None:
        self._picture = UNIQUE
        self._batch_size = 0
        self._result: Result | None = None

    def of_batch(self, pictures: NDArray[np.int64]) -> Result | None:
        """Return the result for each input of a batch that shows only that picture; None for other batches.

        Args:
            pictures: int64 [m], the common picture of each input.
        """
        if (
            len(pictures) == self._batch_size
            and self._picture != UNIQUE
            and (pictures == self._picture).all()
        ):
            return self._result
        return None

    def keep(self, pictures: NDArray[np.int64], result_of_last: Result) -> None:
        """Take the result of a computed batch's last input; the next batches may show its picture only."""
        self._picture, self._batch_size = int(pictures[-1]), len(pictures)
        self._result = result_of_last if self._picture != UNIQUE else None
