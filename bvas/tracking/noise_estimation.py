"""Noise of detections and agitation of players, estimated from a video's own tracklets.

Detectors differ: boxes drawn by hand are smooth, those of a fast network jump. Third differences of a coordinate
over equal steps hold the noise alone at short steps, motion at long ones; what grows with the square of the step
is motion. Second differences over about 0.15 s, less the noise, hold the acceleration.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from bvas.tracking.motion import Floats, MotionModel
from bvas.tracking.tracklets import Tracklet

_USUAL, _RARE = 0.5, 0.9
"""Shares of differences that a variance is read off; a detector that errs rarely but far shows it in the second."""
_HEAVY = 1.7
"""Ratio of the two variances from which on the errors are not normally distributed."""
_LEAST = 60
"""Fewer differences say less than the first model."""
_LEAST_AGITATION = 0.05
"""In units of the first model's."""
_ACCELERATION_SECONDS = 0.15
_SUDDENNESS = np.array([0.7, 0.7, 4.0, 4.0])
"""Agitation that tracks best, in units of what the differences say: sizes change by fits and starts. Tried out."""


def estimated_model(
    tracklets: Sequence[Tracklet], offsets: Floats, first: MotionModel, step: float
) -> MotionModel:
    """Return the model of a video.

    Args:
        tracklets: From a search with the first model.
        offsets: The camera's [F, 2].
        first: What holds where too little is known.
        step: Usual seconds from detection to detection.
    """
    tracks = [(tracklet.seconds, tracklet.without_camera(offsets)) for tracklet in tracklets]
    single = _differences(tracks, 3, step)
    double = _differences(tracks, 3, 2 * step)
    if len(single) < _LEAST or len(double) < _LEAST:
        return first
    noise = _noise(single, double, _USUAL)
    lag = max(1, round(_ACCELERATION_SECONDS / step)) * step
    second = _differences(tracks, 2, lag)
    if len(second) < _LEAST:
        return first
    spread = _variances(second, _USUAL)
    moved = np.maximum(spread - 6 * noise, 0.1 * spread)
    density = moved / _second_difference_growth(lag, first.memory)
    # Of x: widths to heights.
    aspect = np.median(
        [np.median(measured[:, 2] / np.maximum(measured[:, 3], 1.0)) for _, measured in tracks]
    )
    density[0] *= aspect**2
    # A player who stands still now starts to move later.
    density = np.maximum(_SUDDENNESS * density, _LEAST_AGITATION * first.agitation)
    rare = _noise(single, double, _RARE)
    noise = np.where(rare > _HEAVY * noise, rare, noise)
    return MotionModel(noise=np.sqrt(noise), agitation=density, memory=first.memory)


def _differences(tracks: Sequence[tuple[Floats, Floats]], order: int, lag: float) -> Floats:
    """Return [D, 4] differences of an order over equal steps of `lag` seconds, in widths and heights."""
    signs = {2: np.array([1.0, -2.0, 1.0]), 3: np.array([-1.0, 3.0, -3.0, 1.0])}[order]
    found = [np.zeros((0, 4))]
    for seconds, measured in tracks:
        if len(seconds) <= order:
            continue
        wanted = seconds[:, None] + lag * np.arange(order + 1)
        places = np.clip(np.searchsorted(seconds, wanted - 0.05 * lag), 0, len(seconds) - 1)
        fits = (np.abs(seconds[places] - wanted) <= 0.05 * lag).all(axis=1)
        values = (measured[places[fits]] * signs[:, None]).sum(axis=1)
        found.append(values / np.maximum(np.median(measured, axis=0)[[2, 3, 2, 3]], 1.0))
    return np.concatenate(found)


def _noise(single: Floats, double: Floats, share: float) -> Floats:
    """Return variances [4] of the noise, from third differences over one step and over two."""
    near, far = _variances(single, share) / 20, _variances(double, share) / 20
    result: Floats = np.maximum(near - np.maximum(far - near, 0.0) / 3, 0.05 * near)
    return result


def _variances(differences: Floats, share: float) -> Floats:
    """Return the variances [4] of a normal distribution in which this share lies as near to 0 as here."""
    result: Floats = (np.quantile(np.abs(differences), share, axis=0) / ndtri(0.5 + share / 2)) ** 2
    return result


def _second_difference_growth(lag: float, memory: Floats) -> Floats:
    """Return [4]: the variance of a second difference over `lag` that unit acceleration noise makes.

    x(2 lag) - 2 x(lag) + x(0), where the velocity is stationary with variance memory / 2.
    """
    # Structure function of position: E (x(t) - x(0))^2.
    one, two = (_structure(number * lag, memory) for number in (1, 2))
    return 4 * one - two


def _structure(seconds: float, memory: Floats) -> Floats:
    result: Floats = memory**3 * (seconds / memory - 1 + np.exp(-seconds / memory))
    return result
