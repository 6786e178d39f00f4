"""Linking of tracklets over gaps: which one goes on as which, for the whole video at once.

A gap is bridged by the model of motion of `motion.py`, given place and velocity on both sides, without the camera's
motion: who left the picture on one side comes back there. Pairs are chosen one to one so that the sum is likeliest.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bvas.tracking.motion import (
    Floats,
    MotionModel,
    MotionStates,
    joined,
    noise_variances,
    predict,
    start_states,
    update,
)
from bvas.tracking.online_tracking import START_SPEED
from bvas.tracking.tracklets import Tracklet, chained

_TAIL = 4.0
_LINK_COST = 16.0
"""Negative logarithm of a density above which the next tracklet is of somebody new."""
_END_SECONDS = 1.0
"""What a velocity at the end of a tracklet is estimated from."""
_SIZE_SPREAD = 0.5
"""Sizes do not wander without bounds: most that one differs by, in standard deviations relative to itself."""
_FORCED = 1e6


def linked(
    tracklets: Sequence[Tracklet],
    offsets: Floats,
    model: MotionModel,
    link_seconds: float,
    max_players: int | None,
) -> list[Tracklet]:
    """Return the tracklets of each player as one, in order of the first frame.

    Args:
        tracklets: From the search, any number.
        offsets: The camera's [F, 2].
        model: The motion.
        link_seconds: Longest gap that is bridged.
        max_players: Most players; more links are made than are likely, and weak tracklets dropped, to keep to it.
    """
    if not tracklets:
        return []
    if max_players is None:
        chains = _chains(_costs(tracklets, offsets, model, link_seconds), _LINK_COST)
    else:
        tracklets = _at_most(tracklets, max_players)
        costs = _costs(tracklets, offsets, model, link_seconds)
        chains = _chains(costs, _LINK_COST)
        if len(chains) > max_players:
            # Where no more than N tracklets overlap, N chains hold them all (Dilworth's theorem).
            follows = _gaps(tracklets) > 0
            costs = np.where(follows, np.minimum(costs, _FORCED / 2), np.inf)
            chains = _chains(costs, _FORCED)
    players = [chained([tracklets[place] for place in chain]) for chain in chains]
    players.sort(key=lambda tracklet: int(tracklet.rows[0]))
    return players


def _at_most(tracklets: Sequence[Tracklet], limit: int) -> list[Tracklet]:
    """Return the tracklets without the weakest of those that overlap beyond the limit."""
    kept: list[Tracklet] = []
    for tracklet in sorted(tracklets, key=lambda one: -float(one.scores.sum())):
        # An interval fits if no instant of it is full already; the number changes at starts only.
        rivals = [
            one for one in kept if one.rows[0] <= tracklet.rows[-1] and one.rows[-1] >= tracklet.rows[0]
        ]
        starts = [max(int(one.rows[0]), int(tracklet.rows[0])) for one in rivals] or [int(tracklet.rows[0])]
        most = max(sum(one.rows[0] <= start <= one.rows[-1] for one in rivals) for start in starts)
        if most < limit:
            kept.append(tracklet)
    # In the given order, so that a limit that is not reached changes no number.
    is_kept = set(map(id, kept))
    return [one for one in tracklets if id(one) in is_kept]


def _gaps(tracklets: Sequence[Tracklet]) -> Floats:
    """Return [T, T] seconds from the end of one to the start of another."""
    starts = np.array([tracklet.seconds[0] for tracklet in tracklets])
    ends = np.array([tracklet.seconds[-1] for tracklet in tracklets])
    gaps: Floats = starts[None, :] - ends[:, None]
    return gaps


def _costs(tracklets: Sequence[Tracklet], offsets: Floats, model: MotionModel, link_seconds: float) -> Floats:
    """Return [T, T] negative log densities of going on as another tracklet; infinite where it cannot."""
    ends: MotionStates | None = None
    starts: MotionStates | None = None
    for tracklet in tracklets:
        measured = tracklet.without_camera(offsets)
        end = _state_at_end(tracklet.seconds, measured, model)
        start = _state_at_end(-tracklet.seconds[::-1], measured[::-1], model)
        ends = end if ends is None else joined(ends, end)
        starts = start if starts is None else joined(starts, start)
    assert ends is not None
    assert starts is not None
    gaps = _gaps(tracklets)
    is_open = (gaps > 1e-9) & (gaps <= link_seconds)
    return np.where(is_open, _bridge_costs(ends, starts, np.where(is_open, gaps, 1.0), model), np.inf)


def _state_at_end(seconds: Floats, measured: Floats, model: MotionModel) -> MotionStates:
    """Return the state [1] at the last detection, filtered over those of the last second."""
    first = int(np.searchsorted(seconds, seconds[-1] - _END_SECONDS))
    states = start_states(measured[first : first + 1], model, START_SPEED)
    for row in range(first + 1, len(seconds)):
        states = predict(states, float(seconds[row] - seconds[row - 1]), model)
        states = update(states, measured[row : row + 1], noise_variances(states.positions, model))
    return states


def _bridge_costs(ends: MotionStates, starts: MotionStates, gaps: Floats, model: MotionModel) -> Floats:
    """Return [T, T] negative log densities of place, size and velocity behind gaps [T, T], given those before.

    The states at the starts were filtered backward in time: their velocities point the other way.
    """
    memory = model.memory
    units = 0.5 * (ends.positions[:, None] + starts.positions[None])[..., [3, 3, 2, 3]]
    density = model.agitation * units**2
    kept = np.exp(-gaps[..., None] / memory)
    after = -starts.velocities[None]
    turn = after - kept * ends.velocities[:, None]
    turn_variance = (
        kept**2 * ends.velocity_variances[:, None]
        + starts.velocity_variances[None]
        + density * memory * (1 - kept**2) / 2
    )
    # An Ornstein-Uhlenbeck velocity that is known on both sides covers `half` times their sum.
    half = memory * np.tanh(gaps[..., None] / (2 * memory))
    off = starts.positions[None] - ends.positions[:, None] - half * (ends.velocities[:, None] + after)
    variance = (
        ends.position_variances[:, None]
        + starts.position_variances[None]
        + half**2 * (ends.velocity_variances[:, None] + starts.velocity_variances[None])
        + density * memory**2 * (gaps[..., None] - 2 * half)
    )
    variance[..., 2:] = np.minimum(variance[..., 2:], (_SIZE_SPREAD * units[..., 2:]) ** 2)
    distance = (off**2 / variance).sum(axis=2) + (turn**2 / turn_variance)[..., :2].sum(axis=2)
    spread = 0.5 * np.log(variance / units**2).sum(axis=2)
    spread += 0.5 * np.log(turn_variance / units**2)[..., :2].sum(axis=2)
    costs: Floats = spread + 0.5 * (_TAIL + 6) * np.log1p(distance / _TAIL)
    return costs


def _chains(costs: NDArray[np.float64], most: float) -> list[list[int]]:
    """Return the places of tracklets that follow each other, each link of a cost below `most`."""
    gains = np.minimum(np.where(np.isfinite(costs), costs, most) - most, 0.0)
    rows, columns = linear_sum_assignment(gains)
    kept = gains[rows, columns] < 0
    following = dict(zip(rows[kept].tolist(), columns[kept].tolist(), strict=True))
    chains = []
    for start in sorted(set(range(len(costs))) - set(following.values())):
        chain = [start]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        chains.append(chain)
    return chains
