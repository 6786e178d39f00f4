"""True action of each player in each frame of a half."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bvas.synthetic.clip_config import LABELS
from bvas.synthetic.movement import Floats
from bvas.synthetic.play_record import NUM_PLAYERS, Phase, Play
from bvas.synthetic.shots import Shot
from bvas.synthetic.staging import shown_moments

# Speeds in m/s above which a player starts to walk or run, and below which he stops. Their middles, 0.7 and 2.8, lie
# between the speeds of the clips: stand to 0.5, walk 0.9 to 1.8, run from 3.8.
_WALK_SPEED, _RUN_SPEED = (0.6, 0.8), (2.6, 3.0)
# Shorter pieces belong to what was before: of stand, walk and run; and of what moments leave of an action.
_LEAST_SECONDS, _LEAST_REST_SECONDS = 0.4, 0.2
# Seconds around the moment, 0.8 in all: half of a window of 1.6 s, and one window's distance from the next.
_TOUCH_SECONDS = (-0.4, 0.4)
# A clip of a throw shows the ball in the hands for most of its time.
_THROW_SECONDS = (-0.6, 0.2)
# Around a fall of 0.35 s, and around getting up from 1.6 to 2.2 s after it. Who lies between: half to each.
_FALL_SECONDS, _RISE_SECONDS = (-0.3, 1.0), (1.0, 2.3)
# A player who kicks again within this time did not stop the ball.
_TOUCH_ON_SECONDS = 0.4
_STAND, _WALK, _RUN, _DRIBBLE, _CONTROL, _PASS, _HEADER, _THROW, _RISE, _FALL = range(len(LABELS))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAction:
    """What a player does in the frames [start, stop) of the video."""

    player: int
    """0 to 21."""
    start: int
    stop: int
    label: str
    """One of `clip_config.LABELS`."""


def true_actions(play: Play, shots: tuple[Shot, ...]) -> Iterator[TrueAction]:
    """Yield the actions of all players, in order of players, then of frames; every frame has one.

    An action ends at a cut. In a replay, it is what the replay shows.

    Args:
        play: The half as it happened, not as it is shown.
        shots: The shots of its video.
    """
    shown = frame_labels(play)[np.floor(shown_moments(play.num_frames, shots)).astype(np.int64)]
    is_cut = np.zeros(play.num_frames, dtype=bool)
    is_cut[[shot.start for shot in shots]] = True
    for player in range(NUM_PLAYERS):
        labels = shown[:, player]
        is_first = is_cut | (np.diff(labels, prepend=labels[:1]) != 0)
        starts = np.flatnonzero(is_first).tolist()
        for start, stop in zip(starts, [*starts[1:], play.num_frames], strict=True):
            yield TrueAction(player=player, start=start, stop=stop, label=LABELS[labels[start]])


def frame_labels(play: Play) -> NDArray[np.int8]:
    """Return the class number in `clip_config.LABELS` of each frame and player, int8 [L, 22].

    What is drawn later covers what was before: motion, the ball at the foot, then the moments.
    """
    rate = float(play.rate)
    labels = _motion(play.speed[:, :NUM_PLAYERS].astype(np.float64), rate)
    carried = np.flatnonzero(play.phase == Phase.CARRY)
    labels[carried, play.owner[carried]] = _DRIBBLE

    def mark(frame: int, player: int, seconds: tuple[float, float], label: int) -> None:
        first, last = (frame + round(second * rate) for second in seconds)
        labels[max(0, first) : max(0, last), player] = label

    for frame, player in _controls(play):
        mark(frame, player, _TOUCH_SECONDS, _CONTROL)
    touches = {
        "foot": (_TOUCH_SECONDS, _PASS),
        "head": (_TOUCH_SECONDS, _HEADER),
        "throw": (_THROW_SECONDS, _THROW),
    }
    for action in play.actions:
        if action.kind in touches:
            mark(action.frame, action.player, *touches[action.kind])
    for action in play.actions:
        if action.kind == "fall":
            mark(action.frame, action.player, _FALL_SECONDS, _FALL)
            mark(action.frame, action.player, _RISE_SECONDS, _RISE)
    _join_short(labels, round(_LEAST_REST_SECONDS * rate))
    return labels


def _controls(play: Play) -> list[tuple[int, int]]:
    """Return the frames in which a ball on its way is stopped, each with its player."""
    is_arrival = (play.phase[1:] == Phase.CONTROL) & (play.phase[:-1] == Phase.FREE)
    kicks: dict[int, list[int]] = {}
    for action in play.actions:
        if action.kind in ("foot", "head"):
            kicks.setdefault(action.player, []).append(action.frame)
    within = _TOUCH_ON_SECONDS * float(play.rate)
    arrivals = [(frame, int(play.owner[frame])) for frame in (np.flatnonzero(is_arrival) + 1).tolist()]
    return [
        (frame, player)
        for frame, player in arrivals
        if not any(0 <= kick - frame <= within for kick in kicks.get(player, ()))
    ]


def _motion(speed: Floats, rate: float) -> NDArray[np.int8]:
    """Return stand, walk or run for each frame and player, [L, N], from speeds in m/s."""
    labels = np.empty(speed.shape, dtype=np.int8)
    (stop, walk), (slow, run) = _WALK_SPEED, _RUN_SPEED
    middle = np.digitize(speed[0], [(stop + walk) / 2, (slow + run) / 2])
    for frame, row in enumerate(speed):
        # Each threshold is one of two, by what the player did before.
        is_moving = row > np.where(middle > _STAND, stop, walk)
        is_running = row > np.where(middle == _RUN, slow, run)
        middle = np.where(is_running, _RUN, np.where(is_moving, _WALK, _STAND))
        labels[frame] = middle
    _join_short(labels, round(_LEAST_SECONDS * rate))
    return labels


def _join_short(labels: NDArray[np.int8], least: int) -> None:
    """Give pieces shorter than `least` frames the label before them, in place."""
    for own in labels.T:
        edges = [*np.flatnonzero(np.diff(own)) + 1, len(own)]
        for start, stop in pairwise(edges):
            if stop - start < least:
                own[start:stop] = own[start - 1]
