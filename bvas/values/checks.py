"""Checks of sizes, times and frame numbers that callers give."""

import math
import operator
from typing import Any

import numpy as np

from bvas.errors import ConfigError

MOST_SIDE = 16384
"""Rows or columns of the largest picture: what HEVC and AV1 decoders of GPUs go up to."""


def checked_size(size: Any, what: str = "size") -> tuple[int, int]:
    """Return (H, W) as Python's integers.

    Raises:
        ConfigError: it is not a pair of integers, NumPy's included, from 1 to `MOST_SIDE`.
    """
    rule = f"{what} must be (height, width), two integers from 1 to {MOST_SIDE}, got {size!r}"
    if isinstance(size, str | bytes):
        raise ConfigError(rule)
    try:
        height, width = (integer(side) for side in size)
    except (TypeError, ValueError) as error:
        raise ConfigError(rule) from error
    if not (1 <= height <= MOST_SIDE and 1 <= width <= MOST_SIDE):
        raise ConfigError(rule)
    return height, width


def checked_seconds(seconds: Any, what: str = "a time") -> float:
    """Return a time in seconds as Python's float; infinity is one.

    Raises:
        ConfigError: it is NaN or not a number.
    """
    # Text has no place among numbers, although float() reads it; True is 1 to Python.
    is_number = hasattr(seconds, "__float__") or hasattr(seconds, "__index__")
    if is_number and not isinstance(seconds, bool) and getattr(seconds, "ndim", 0) == 0:
        value = float(seconds)
        if not math.isnan(value):
            return value
    raise ConfigError(f"{what} must be a number of seconds, got {seconds!r}")


def checked_index(index: Any, what: str = "a frame") -> int:
    """Return the number of a frame as Python's integer.

    Raises:
        TypeError: it is not an integer, NumPy's included.
    """
    try:
        return integer(index)
    except TypeError as error:
        raise TypeError(f"{what} is named by an integer, got {index!r}") from error


def integer(value: Any) -> int:
    """Return an integer, NumPy's included, as Python's.

    Raises:
        TypeError: it is another type, or a truth value.
    """
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{value!r} is a truth value")
    return operator.index(value)
