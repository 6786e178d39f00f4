"""Referee, two assistants and the next substitute of each team: positions and raised arms.

They follow from the play and take no part in it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.camera import trail
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, TEAM_SIZE, Floats
from bvas.synthetic.play_record import NUM_PLAYERS, Play
from bvas.synthetic.restarts import SUBSTITUTION_SPOT

REFEREE, NEAR_ASSISTANT, FAR_ASSISTANT = range(NUM_PLAYERS, NUM_PLAYERS + 3)
"""Columns of the officials after the 22 players; the substitutes of home and away follow."""
_STRIDE_RADIANS_PER_M = 2.6
# Seconds from an incident, first and last, with the referee's arm or an assistant's flag raised.
_ARM_SECONDS = {"Foul": (0.0, 1.2), "Offside": (0.0, 1.2), "Indirect free-kick": (-1.2, 0.6)}
_FLAG_SECONDS = {"Offside": (0.0, 2.4), "Ball out of play": (0.0, 1.2)}


def with_officials(play: Play) -> Play:
    """Return the same play with 27 figures in place of 22 players."""
    ball = play.ball[:, :2].astype(np.float64)
    referee = trail(ball * [0.92, 0.85] + [-6.0, 5.5], lag=1.0, rate=float(play.rate))
    assistants = [_assistant(play, side) for side in (-1.0, 1.0)]
    ways = np.stack([referee, *assistants, _substitute(play, 0), _substitute(play, 1)], axis=1)
    steps = np.diff(ways, axis=0, prepend=ways[:1])
    distance = np.hypot(steps[..., 0], steps[..., 1])
    to_ball = ball[:, None] - ways
    facing = np.unwrap(np.arctan2(to_ball[..., 1], to_ball[..., 0]), axis=0)

    def joined(players: NDArray[np.float32], others: Floats) -> NDArray[np.float32]:
        return np.concatenate([players, others.astype(np.float32)], axis=1)

    return replace(
        play,
        players=joined(play.players, ways),
        facing=joined(play.facing, facing),
        speed=joined(play.speed, distance * float(play.rate)),
        gait=joined(play.gait, np.cumsum(distance, axis=0) * _STRIDE_RADIANS_PER_M),
    )


def raised_arms(play: Play) -> NDArray[np.bool_]:
    """Return which figures raise the right arm, [L, N], none without officials; an assistant raises a flag."""
    raised = np.zeros(play.players.shape[:2], dtype=bool)
    for incident in play.incidents if play.players.shape[1] > NUM_PLAYERS else ():
        label, (x, y) = incident.label, play.ball[incident.frame, :2]
        if label in _ARM_SECONDS:
            raised[_frames(play, incident.frame, *_ARM_SECONDS[label]), REFEREE] = True
        if label in _FLAG_SECONDS:
            # The near assistant covers the near touchline and one half of the pitch.
            near = (x if label == "Offside" else y) < 0
            flag = NEAR_ASSISTANT if near else FAR_ASSISTANT
            raised[_frames(play, incident.frame, *_FLAG_SECONDS[label]), flag] = True
    return raised


def _assistant(play: Play, side: float) -> Floats:
    """Return the way of the assistant of one half, level with the second-last defender; `side` is -1 or +1."""
    team = slice(0, TEAM_SIZE) if side * play.players[0, 0, 0] > 0 else slice(TEAM_SIZE, NUM_PLAYERS)
    line = np.sort(side * play.players[:, team, 0].astype(np.float64), axis=1)[:, -2]
    along = side * np.clip(line, 0.0, HALF_LENGTH)
    across = np.full(play.num_frames, side * (HALF_WIDTH + 0.9))
    return trail(np.stack([along, across], axis=1), lag=0.6, rate=float(play.rate))


def _substitute(play: Play, team: int) -> Floats:
    """Return the way of a team's next substitute: from the bench to the halfway line at a substitution."""
    way = np.tile([-9.0 if team == 0 else 9.0, -HALF_WIDTH - 4.5], (play.num_frames, 1))
    for incident in play.incidents:
        if incident.label == "Substitution" and incident.player // TEAM_SIZE == team:
            way[_frames(play, incident.frame, -6.0, 0.2)] = SUBSTITUTION_SPOT + np.array([0.9, -0.8])
    return trail(way, lag=1.1, rate=float(play.rate))


def _frames(play: Play, frame: int, start: float, stop: float) -> slice:
    """Return the frames from `start` to `stop` seconds after a frame."""
    first, last = (frame + round(seconds * float(play.rate)) for seconds in (start, stop))
    return slice(max(0, first), max(0, last))
