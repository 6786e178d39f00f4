"""Linking of tracklets over gaps, for the whole video at once.

A gap is bridged by the model of motion of `motion.py`, given place and velocity on both sides, without the camera's
motion: who left the picture on one side comes back there. Pairs are chosen one to one so that the sum is likeliest.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from bvas.tracking.association import Pairs
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
"""Negative logarithm of a density above which the next tracklet is of another player."""
_END_SECONDS = 1.0
"""What a velocity at the end of a tracklet is estimated from."""
_SIZE_SPREAD = 0.5
"""Sizes do not wander without bounds: most that one differs by, in standard deviations relative to itself."""
_COST_STEP = 1e-3
"""Exactness of the least cost of a chain that keeps to the limit of players."""
_CHUNK = 1 << 14
"""Pairs that are looked at at once."""


def linked(
    tracklets: Sequence[Tracklet],
    offsets: Floats,
    model: MotionModel,
    link_seconds: float,
    max_players: int | None,
) -> list[Tracklet]:
    """Return the tracklets of each player as one, in order of the first frame.

    Args:
        tracklets: From the search, any number, in order of their first frame.
        offsets: The camera's [F, 2].
        model: The motion.
        link_seconds: Longest gap that is bridged.
        max_players: Most players; more links are made than are likely, and weak tracklets dropped, to keep to it.
    """
    if not tracklets:
        return []
    if max_players is not None:
        tracklets = _at_most(tracklets, max_players)
    ends = joined([_last_state(one.seconds, one.without_camera(offsets), model) for one in tracklets])
    starts = joined(
        [_last_state(-one.seconds[::-1], one.without_camera(offsets)[::-1], model) for one in tracklets]
    )
    pairs = _pairs(tracklets, link_seconds, 0)
    costs = _costs(tracklets, pairs, ends, starts, model)
    links = _best_links(len(tracklets), pairs, costs, _LINK_COST)
    if max_players is not None and len(tracklets) - len(links) > max_players:
        pairs = _pairs(tracklets, link_seconds, max_players)
        costs = _costs(tracklets, pairs, ends, starts, model)
        # After a long absence any place is likely: those links come behind all others.
        costs[_gaps(tracklets, pairs) > link_seconds] += _LINK_COST
        links = _forced_links(len(tracklets), pairs, costs, max_players)
    players = [chained([tracklets[place] for place in chain]) for chain in _chains(len(tracklets), links)]
    players.sort(key=lambda tracklet: int(tracklet.rows[0]))
    return players


def _at_most(tracklets: Sequence[Tracklet], limit: int) -> list[Tracklet]:
    """Return the tracklets without the weakest of those that overlap beyond the limit."""
    kept: list[Tracklet] = []
    there = np.zeros(max(int(tracklet.rows[-1]) for tracklet in tracklets) + 1, np.int64)
    for tracklet in sorted(tracklets, key=lambda one: -float(one.scores.sum())):
        span = there[tracklet.rows[0] : tracklet.rows[-1] + 1]
        if span.max() < limit:
            span += 1
            kept.append(tracklet)
    # In the given order, so that a limit that is not reached changes no number.
    is_kept = set(map(id, kept))
    return [one for one in tracklets if id(one) in is_kept]


def _pairs(tracklets: Sequence[Tracklet], link_seconds: float, least: int) -> Pairs:
    """Return the places [K] of tracklets and [K] of those that may continue them.

    Those that start within `link_seconds`, and the next `least` ones in any case. Where no more than N tracklets
    overlap, each start can take the chain that has waited longest among N: none waits for more than N starts.
    So N chains hold all tracklets though each knows only the next N.
    """
    starts = np.array([tracklet.rows[0] for tracklet in tracklets])
    start_seconds = np.array([tracklet.seconds[0] for tracklet in tracklets])
    end_seconds = np.array([tracklet.seconds[-1] for tracklet in tracklets])
    first = np.searchsorted(starts, [tracklet.rows[-1] for tracklet in tracklets], side="right")
    last = np.searchsorted(start_seconds, end_seconds + link_seconds, side="right")
    last = np.minimum(np.maximum(last, first + least), len(tracklets))
    counts = last - first
    before = np.repeat(np.arange(len(tracklets)), counts)
    after = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - first, counts)
    return before, after


def _gaps(tracklets: Sequence[Tracklet], pairs: Pairs) -> Floats:
    """Return [K] seconds from the end of one to the start of another."""
    starts = np.array([tracklet.seconds[0] for tracklet in tracklets])
    ends = np.array([tracklet.seconds[-1] for tracklet in tracklets])
    gaps: Floats = starts[pairs[1]] - ends[pairs[0]]
    return gaps


def _costs(
    tracklets: Sequence[Tracklet], pairs: Pairs, ends: MotionStates, starts: MotionStates, model: MotionModel
) -> Floats:
    """Return [K] negative log densities of one tracklet continuing as another."""
    gaps = _gaps(tracklets, pairs)
    costs = np.empty(len(gaps))
    # A match of hours has millions of pairs: a piece at a time keeps memory small.
    for start in range(0, len(gaps), _CHUNK):
        some = slice(start, start + _CHUNK)
        costs[some] = _bridge_costs(
            ends.chosen(pairs[0][some]), starts.chosen(pairs[1][some]), gaps[some], model
        )
    return costs


def _last_state(seconds: Floats, measured: Floats, model: MotionModel) -> MotionStates:
    """Return the state [1] at the last detection, filtered over those of the last second."""
    first = int(np.searchsorted(seconds, seconds[-1] - _END_SECONDS))
    states = start_states(measured[first : first + 1], model, START_SPEED)
    for row in range(first + 1, len(seconds)):
        states = predict(states, float(seconds[row] - seconds[row - 1]), model)
        states = update(states, measured[row : row + 1], noise_variances(states.positions, model))
    return states


def _bridge_costs(ends: MotionStates, starts: MotionStates, gaps: Floats, model: MotionModel) -> Floats:
    """Return [K] negative log densities of place, size and velocity behind gaps [K], given those before.

    The states at the starts were filtered backward in time: their velocities point the other way.
    """
    memory = model.memory
    units = 0.5 * (ends.positions + starts.positions)[:, [3, 3, 2, 3]]
    density = model.agitation * units**2
    kept = np.exp(-gaps[:, None] / memory)
    after = -starts.velocities
    turn = after - kept * ends.velocities
    turn_variance = (
        kept**2 * ends.velocity_variances + starts.velocity_variances + density * memory * (1 - kept**2) / 2
    )
    # An Ornstein-Uhlenbeck velocity that is known on both sides covers `half` times their sum.
    half = memory * np.tanh(gaps[:, None] / (2 * memory))
    off = starts.positions - ends.positions - half * (ends.velocities + after)
    variance = (
        ends.position_variances
        + starts.position_variances
        + half**2 * (ends.velocity_variances + starts.velocity_variances)
        + density * memory**2 * (gaps[:, None] - 2 * half)
    )
    variance[:, 2:] = np.minimum(variance[:, 2:], (_SIZE_SPREAD * units[:, 2:]) ** 2)
    distance = (off**2 / variance).sum(axis=1) + (turn**2 / turn_variance)[:, :2].sum(axis=1)
    spread = 0.5 * np.log(variance / units**2).sum(axis=1)
    spread += 0.5 * np.log(turn_variance / units**2)[:, :2].sum(axis=1)
    costs: Floats = spread + 0.5 * (_TAIL + 6) * np.log1p(distance / _TAIL)
    return costs


def _forced_links(count: int, pairs: Pairs, costs: Floats, max_players: int) -> dict[int, int]:
    """Return the likeliest links that leave no more chains than players.

    The more a chain costs, the fewer there are; the least such cost is searched for.
    """
    low, high = _LINK_COST, max(float(costs.max()), _LINK_COST) + 1.0
    # One chain less may need several links to change, and cost more than a link.
    while count - len(links := _best_links(count, pairs, costs, high)) > max_players:
        low, high = high, 4 * high
    while high - low > _COST_STEP:
        middle = (low + high) / 2
        found = _best_links(count, pairs, costs, middle)
        if count - len(found) > max_players:
            low = middle
        else:
            high, links = middle, found
    return links


def _best_links(count: int, pairs: Pairs, costs: Floats, most: float) -> dict[int, int]:
    """Return the next tracklet of each that continues: the links of least sum, each of a cost below `most`."""
    kept = costs < most
    if not kept.any():
        return {}
    places = np.arange(count)
    rows = np.concatenate([pairs[0][kept], places])
    # A tracklet that ends is linked with a column of its own.
    columns = np.concatenate([pairs[1][kept], count + places])
    # Each row is matched once, so that a constant changes nothing. The solver takes weights above 0.
    weights = np.concatenate([costs[kept], np.full(count, most)]) - costs[kept].min() + 1.0
    graph = csr_array((weights, (rows, columns)), shape=(count, 2 * count))
    before, after = min_weight_full_bipartite_matching(graph)
    is_link = after < count
    return dict(zip(before[is_link].tolist(), after[is_link].tolist(), strict=True))


def _chains(count: int, links: Mapping[int, int]) -> list[list[int]]:
    """Return the places of tracklets that follow each other."""
    chains = []
    for start in sorted(set(range(count)) - set(links.values())):
        chain = [start]
        while chain[-1] in links:
            chain.append(links[chain[-1]])
        chains.append(chain)
    return chains
