"""Random tracks against true tracks, made by a seed: the cases that the figures in trackers_eval.json belong to."""

import numpy as np

NUM_CASES = 6


def random_case(seed):
    """Return (frames, identities, boxes) of truth and of tracks.

    Players walk in a field so small that they overlap. Tracks lose boxes and whole frames, drift, change identities
    and hold false alarms; case 4 has no tracks, case 5 no truth. Only `random` is drawn, whose stream NumPy keeps.
    """
    draw = np.random.default_rng(seed).random
    num_frames, num_players = 60, 6
    steps = (draw((num_frames, num_players, 2)) - 0.5) * 20
    corners = 100 * draw((num_players, 2)) + np.cumsum(steps, axis=0)
    sizes = np.array([30, 70]) * (0.8 + 0.4 * draw((num_players, 2)))
    truth, tracks = [], []
    offset = 0
    for frame in range(num_frames):
        is_empty, is_unseen = draw() < 0.05, draw() < 0.05
        offset += draw() < 0.1
        for player in range(num_players):
            box = np.concatenate([corners[frame, player], sizes[player]])
            if not is_empty and draw() < 0.9:
                truth.append((frame, player - 2, *box))
            if not is_unseen and draw() < 0.8:
                moved = box + np.tile(sizes[player], 2) * (draw(4) - 0.5) * 0.3
                tracks.append((frame, 10 * player + (offset + player) // 2, *moved))
        if draw() < 0.3:
            tracks.append((frame, 1000 + int(3 * draw()), *(150 * draw(2)), 30, 70))
    return _arrays([] if seed == 5 else truth), _arrays([] if seed == 4 else tracks)


def _arrays(rows):
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:].copy()
