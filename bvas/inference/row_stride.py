"""Interpolation between the rows that are computed with a stride."""

import numpy as np
from numpy.typing import NDArray


class Interpolation:
    """Linear interpolation of rows between the computed ones around them.

    Beside a gap or an end of the video only one computed row is near: it is repeated. Where none is near, rows are NaN.
    """

    def __init__(self, num_labels: int) -> None:
        self._num_labels = num_labels
        self._before = np.full(num_labels, np.nan, np.float32)
        self._num_open = 0

    def fill(self, rows: NDArray[np.float32], is_missing: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Take the next rows and return those that are certain with them, in order.

        Args:
            rows: [n, K]; NaN in a gap.
            is_missing: bool [n]; rows to interpolate.
        """
        if not self._num_open and not is_missing.any():
            self._before = rows[-1] if len(rows) else self._before
            return rows
        filled: list[NDArray[np.float32]] = []
        for row, missing in zip(rows, is_missing, strict=True):
            if missing:
                self._num_open += 1
                continue
            filled.append(self._line_to(row))
            filled.append(row[None])
            self._before = row
        return np.concatenate([np.empty((0, self._num_labels), np.float32), *filled])

    def finish(self) -> NDArray[np.float32]:
        """Return the rows up to the end of the video, and be ready for the next one."""
        rest = self._line_to(np.full(self._num_labels, np.nan, np.float32))
        self._before = np.full(self._num_labels, np.nan, np.float32)
        return rest

    def _line_to(self, after: NDArray[np.float32]) -> NDArray[np.float32]:
        count, self._num_open = self._num_open, 0
        before = after if np.isnan(self._before).any() else self._before
        after = before if np.isnan(after).any() else after
        share = (np.arange(1, count + 1, dtype=np.float32) / (count + 1))[:, None]
        line: NDArray[np.float32] = before + share * (after - before)
        return line.astype(np.float32)
