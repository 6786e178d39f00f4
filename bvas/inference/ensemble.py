"""The mean of several score curves of one video."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError


def mean_scores(curves: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of curves, float32 [L, K].

    Args:
        curves: At least one, each [L, K]. A NaN row (a hole) is left out of its row's mean; a row that is NaN
            in all curves stays NaN.

    Raises:
        ConfigError: no curves, or curves of different shapes.
    """
    if not curves:
        raise ConfigError("a mean needs at least one score curve, got none")
    shapes = {curve.shape for curve in curves}
    if len(shapes) > 1:
        raise ConfigError(
            f"score curves of one video must have the same shape, got {sorted(shapes)}; "
            "were they made at the same rate and for the same labels?"
        )
    stacked = np.stack(curves).astype(np.float64)
    counts = (~np.isnan(stacked)).sum(axis=0)
    sums = np.nansum(stacked, axis=0)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.astype(np.float32)
