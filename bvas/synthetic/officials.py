"""Referee, two assistants, a fourth official and the next player of each team: who else is seen at a match.

They follow from the play and take no part in it. The columns after the 22 players of what `with_officials`
returns are theirs, in the order of `Official`.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.camera import trail
from bvas.synthetic.events import NUM_PLAYERS, Play
from bvas.synthetic.movement import HALF_LENGTH, HALF_WIDTH, Floats
from bvas.synthetic.restarts import CHANGE_SPOT

_TEAM_SIZE = NUM_PLAYERS // 2
_STRIDE_RADIANS_PER_M = 2.6
# What is held up, as luma: a gray picture tells a flag or a board from a card by its size only.
_YELLOW, _RED, _FLAG, _BOARD = 225, 110, 215, 232


class Official(IntEnum):
    """Column of a figure that is no player."""

    REFEREE = 22
    NEAR_ASSISTANT = 23
    FAR_ASSISTANT = 24
    FOURTH = 25
    HOME_BENCH = 26
    AWAY_BENCH = 27


NUM_FIGURES = NUM_PLAYERS + len(Official)


@dataclass(frozen=True, slots=True)
class Gestures:
    """What the figures hold up."""

    raised: NDArray[np.bool_]
    """[L, 28] the right arm is up."""
    held: NDArray[np.uint8]
    """[L, 28] luma of what the raised hand holds; 0 for nothing."""


def with_officials(play: Play) -> tuple[Play, Gestures]:
    """Return the same play with 28 figures in place of 22 players, and what they hold up."""
    gestures = _gestures(play)
    ways = np.stack(
        [
            _referee(play),
            _assistant(play, near=True),
            _assistant(play, near=False),
            np.broadcast_to([CHANGE_SPOT[0] + 2.6, CHANGE_SPOT[1] - 1.6], (play.num_frames, 2)),
            _bench(play, 0),
            _bench(play, 1),
        ],
        axis=1,
    )
    steps = np.diff(ways, axis=0, prepend=ways[:1]) * float(play.rate)
    speed = np.hypot(steps[..., 0], steps[..., 1])
    to_ball = play.ball[:, None, :2] - ways
    facing = np.unwrap(np.arctan2(to_ball[..., 1], to_ball[..., 0]), axis=0)
    gait = np.cumsum(speed / float(play.rate), axis=0) * _STRIDE_RADIANS_PER_M

    def joined(players: NDArray[np.float32], officials: Floats) -> NDArray[np.float32]:
        return np.concatenate([players, officials.astype(np.float32)], axis=1)

    whole = replace(
        play,
        players=joined(play.players, ways),
        facing=joined(play.facing, facing),
        speed=joined(play.speed, speed),
        gait=joined(play.gait, gait),
    )
    return whole, gestures


def _frames(play: Play, frame: int, start: float, stop: float) -> slice:
    """Return the frames from `start` to `stop` seconds after a frame."""
    rate = float(play.rate)
    first, last = (min(max(0, frame + round(at * rate)), play.num_frames) for at in (start, stop))
    return slice(first, last)


def _referee(play: Play) -> Floats:
    target = play.ball[:, :2].astype(np.float64) * [0.92, 0.85] + [-6.0, 5.5]
    foul = 0
    for incident in play.incidents:
        if incident.label == "Foul":
            foul = incident.frame
        if incident.label.endswith("card"):
            frames = slice(foul, _frames(play, incident.frame, 0.0, 2.0).stop)
            target[frames] = play.players[frames, incident.player] + np.array([1.6, 0.8])
    return trail(target, lag=1.0, rate=float(play.rate))


def _assistant(play: Play, *, near: bool) -> Floats:
    """Return the way of the assistant who keeps level with the second-last player of one half's defenders."""
    side = -1.0 if near else 1.0
    team = slice(0, _TEAM_SIZE) if side * play.players[0, 0, 0] > 0 else slice(_TEAM_SIZE, NUM_PLAYERS)
    line = np.sort(side * play.players[:, team, 0].astype(np.float64), axis=1)[:, -2]
    along = side * np.clip(line, 0.0, HALF_LENGTH)
    across = np.full(play.num_frames, side * (HALF_WIDTH + 0.9))
    return trail(np.stack([along, across], axis=1), lag=0.6, rate=float(play.rate))


def _bench(play: Play, team: int) -> Floats:
    """Return the way of whoever is changed next: waits at the line, then a player who came off leaves."""
    seat = np.array([-9.0 if team == 0 else 9.0, -HALF_WIDTH - 4.5])
    line = np.array([CHANGE_SPOT[0] + 0.9, CHANGE_SPOT[1] - 0.8])
    way = np.tile(seat, (play.num_frames, 1))
    for incident in play.incidents:
        if incident.label == "Substitution" and incident.player // _TEAM_SIZE == team:
            way[_frames(play, incident.frame, -6.0, 0.2)] = line
    return trail(way, lag=1.1, rate=float(play.rate))


def _gestures(play: Play) -> Gestures:
    raised = np.zeros((play.num_frames, NUM_FIGURES), dtype=bool)
    held = np.zeros((play.num_frames, NUM_FIGURES), dtype=np.uint8)

    def raise_arm(who: int, frame: int, start: float, stop: float, luma: int = 0) -> None:
        frames = _frames(play, frame, start, stop)
        raised[frames, who] = True
        held[frames, who] = luma

    for incident in play.incidents:
        label, frame = incident.label, incident.frame
        ball = play.ball[frame]
        if label in ("Foul", "Offside"):
            raise_arm(Official.REFEREE, frame, 0.0, 1.2)
        if label == "Offside":
            raise_arm(
                Official.NEAR_ASSISTANT if ball[0] < 0 else Official.FAR_ASSISTANT, frame, 0.0, 2.4, _FLAG
            )
        if label == "Ball out of play":
            raise_arm(
                Official.NEAR_ASSISTANT if ball[1] < 0 else Official.FAR_ASSISTANT, frame, 0.0, 1.2, _FLAG
            )
        if label == "Substitution":
            raise_arm(Official.FOURTH, frame, -4.5, 1.0, _BOARD)
        if label == "Indirect free-kick":
            raise_arm(Official.REFEREE, frame, -1.2, 0.6)
        if label.endswith("card"):
            raise_arm(Official.REFEREE, frame, 0.0, 1.6, _RED if label == "Red card" else _YELLOW)
        if label == "Yellow->red card":
            raise_arm(Official.REFEREE, frame, 0.8, 1.8, _RED)
    return Gestures(raised, held)
