"""Linking of tracklets: which one goes on as which, over gaps of any length."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from bvas.tracking.motion import (
    Floats,
    MotionModel,
    MotionStates,
    noise_variances,
    predict,
    start_states,
    update,
)

TAIL = 4.0
END_SECONDS = 1.0


def end_states(seconds: Floats, measured: Floats, model: MotionModel, speed: float) -> MotionStates:
    """State at the last row, from the rows of the last second."""
    first = int(np.searchsorted(seconds, seconds[-1] - END_SECONDS))
    states = start_states(measured[first : first + 1], model, speed)
    for k in range(first + 1, len(seconds)):
        states = predict(states, seconds[k] - seconds[k - 1], model)
        states = update(states, measured[k : k + 1], noise_variances(states.positions, model))
    return states


def link_costs(
    ends: MotionStates, end_seconds, starts: MotionStates, start_seconds, model, drift=0.0
) -> Floats:
    """[T, T] negative log likelihood of going on from end i to start j; inf where j starts before i ends."""
    gaps = start_seconds[None, :] - end_seconds[:, None]
    allowed = gaps > 1e-9
    g = np.where(allowed, gaps, 1.0)[..., None]
    tau = model.memory
    units = 0.5 * (ends.positions[:, None] + starts.positions[None])[..., [3, 3, 2, 3]]
    density = model.agitation * units**2
    kept = np.exp(-g / tau)
    # Velocity behind the gap, given the one before it; starts were filtered backward.
    after = -starts.velocities[None]
    v_var = (
        ends.velocity_variances[:, None] * kept**2
        + starts.velocity_variances[None]
        + density * tau * (1 - kept**2) / 2
    )
    v_off = after - kept * ends.velocities[:, None]
    # Path between, given both velocities.
    half = tau * np.tanh(g / (2 * tau))
    way = half * (ends.velocities[:, None] + after)
    off = starts.positions[None] - ends.positions[:, None] - way
    var = (
        ends.position_variances[:, None]
        + starts.position_variances[None]
        + half**2 * (ends.velocity_variances[:, None] + starts.velocity_variances[None])
        + density * tau**2 * (g - 2 * half)
    )
    # sizes do not wander without bounds
    var[..., 2:] = np.minimum(var[..., 2:], (0.5 * units[..., 2:]) ** 2)
    var[..., :2] += drift * units[..., :2] ** 2 * g
    distance = (off**2 / var).sum(axis=2) + (v_off[..., :2] ** 2 / v_var[..., :2]).sum(axis=2)
    spread = 0.5 * np.log(var / units**2).sum(axis=2) + 0.5 * np.log(
        v_var[..., :2] / units[..., :2] ** 2
    ).sum(axis=2)
    cost = spread + 0.5 * (TAIL + 6) * np.log1p(distance / TAIL)
    return np.where(allowed, cost, np.inf)


def linked(costs: Floats, threshold: float) -> list[list[int]]:
    """Chains of tracklets."""
    gains = np.where(np.isfinite(costs), np.minimum(costs - threshold, 0.0), 0.0)
    rows, cols = linear_sum_assignment(gains)
    keep = gains[rows, cols] < 0
    after = dict(zip(rows[keep].tolist(), cols[keep].tolist()))
    behind = set(after.values())
    chains = []
    for i in range(len(costs)):
        if i in behind:
            continue
        chain = [i]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        chains.append(chain)
    return chains
