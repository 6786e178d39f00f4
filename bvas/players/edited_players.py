"""Players of one video while corrections are applied to them.

Rows of all tracks lie in one table; a player is a list of its rows, in order of frames. So an edit moves rows between
players and copies no box.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError
from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.tracking.tracks import Track

# Two times of frames or windows that differ by less are equal: files round them.
_ROUNDING_SECONDS = 1e-6


@dataclass(frozen=True, slots=True)
class _Placed:
    """An action, and the frame that it belongs to."""

    frame: int
    action: PlayerAction


@dataclass(frozen=True, slots=True, eq=False)
class _Edited:
    rows: NDArray[np.int64]
    name: str
    actions: tuple[_Placed, ...]


class EditedPlayers:
    """Players of a result, and the edits of them. An edit that raises changes nothing."""

    def __init__(self, result: PlayersResult) -> None:
        tracks = [player.track for player in result.players]
        self._labels, self._num_frames = result.labels, result.num_frames
        self._tracks = tracks
        self._frames = np.concatenate([np.empty(0, np.int64), *(track.frames for track in tracks)])
        ends = np.cumsum([0, *(len(track.frames) for track in tracks)])
        self._players = {
            player.number: _Edited(
                np.arange(ends[place], ends[place + 1]),
                player.name,
                tuple(map(_Placed, action_frames(player), player.actions)),
            )
            for place, player in enumerate(result.players)
        }
        self._highest = max(self._players, default=0)

    def merge(self, player: int, into: int) -> None:
        """Give the boxes, the actions and, where it is needed, the name of a player to another."""
        own, given = self._pair(player, into)[::-1]
        is_free = ~np.isin(self._frames[given.rows], self._frames[own.rows])
        rows = np.concatenate([own.rows, given.rows[is_free]])
        self._players[into] = _Edited(
            rows[np.argsort(self._frames[rows])], own.name or given.name, _joined(own.actions, given.actions)
        )
        del self._players[player]

    def split(self, player: int, frame: int, new: int) -> None:
        """Give the boxes and actions from a frame on to a new player."""
        one = self._player(player)
        cut = self._cut(one, frame)
        if not 0 < cut < len(one.rows):
            side = "before" if cut == 0 else "from"
            raise DataError(
                f"player {player} has no box {side} frame {frame}{' on' if cut else ''}; it is in frames "
                f"{self._frames[one.rows[0]]} to {self._frames[one.rows[-1]]}"
            )
        if new <= self._highest:
            raise DataError(
                f"number {new} is or was that of a player; the next free one is {self._highest + 1}"
            )
        before, after = _divided(one.actions, frame)
        self._players[player] = replace(one, rows=one.rows[:cut], actions=before)
        self._players[new] = _Edited(one.rows[cut:], "", after)
        self._highest = new

    def swap(self, first: int, second: int, frame: int) -> None:
        """Exchange the boxes and actions of two players from a frame on."""
        one, other = self._pair(first, second)
        cut, other_cut = self._cut(one, frame), self._cut(other, frame)
        if cut == len(one.rows) and other_cut == len(other.rows):
            raise DataError(f"players {first} and {second} have no box from frame {frame} on")
        rows = np.concatenate([one.rows[:cut], other.rows[other_cut:]])
        other_rows = np.concatenate([other.rows[:other_cut], one.rows[cut:]])
        for number, left in ((first, rows), (second, other_rows)):
            if not len(left):
                raise DataError(f"player {number} would be left without a box; merge the two instead")
        before, after = _divided(one.actions, frame)
        other_before, other_after = _divided(other.actions, frame)
        self._players[first] = replace(one, rows=rows, actions=_joined(before, other_after))
        self._players[second] = replace(other, rows=other_rows, actions=_joined(other_before, after))

    def rename(self, player: int, name: str) -> None:
        """Name a player; an empty name removes his."""
        self._players[player] = replace(self._player(player), name=name)

    def remove(self, player: int) -> None:
        """Remove a player with his boxes and actions."""
        self._player(player)
        del self._players[player]

    def relabel(self, player: int, seconds: float, label: str) -> None:
        """Give the action of a window another label, without a confidence."""
        one = self._player(player)
        if label not in self._labels:
            raise DataError(
                f"{label!r} is not a label of the experiment: {', '.join(self._labels) or 'none'}"
            )
        centers = [_milliseconds(placed.action.seconds) for placed in one.actions]
        if _milliseconds(seconds) not in centers:
            raise DataError(f"player {player} has no window with its center at {seconds:.3f} s")
        place = centers.index(_milliseconds(seconds))
        action = replace(one.actions[place].action, label=label, confidence=None)
        changed = replace(one.actions[place], action=action)
        actions = (*one.actions[:place], changed, *one.actions[place + 1 :])
        self._players[player] = replace(one, actions=actions)

    def players(self) -> tuple[Player, ...]:
        """Return the players as they are now, in order of their numbers."""
        if not self._players:
            return ()
        seconds = np.concatenate([track.seconds for track in self._tracks])
        boxes = np.concatenate([track.boxes for track in self._tracks])
        scores = np.concatenate([track.scores for track in self._tracks])
        return tuple(
            Player(
                track=Track(
                    number=number,
                    frames=self._frames[one.rows],
                    seconds=seconds[one.rows],
                    boxes=boxes[one.rows],
                    scores=scores[one.rows],
                ),
                name=one.name,
                actions=tuple(placed.action for placed in one.actions),
            )
            for number, one in sorted(self._players.items())
        )

    def _player(self, number: int) -> _Edited:
        if number not in self._players:
            known = ", ".join(map(str, sorted(self._players)))
            raise DataError(f"no player {number} at this point; players are {known or 'none'}")
        return self._players[number]

    def _pair(self, first: int, second: int) -> tuple[_Edited, _Edited]:
        if first == second:
            raise DataError(f"two players are needed, and both are {first}")
        return self._player(first), self._player(second)

    def _cut(self, one: _Edited, frame: int) -> int:
        """Return how many rows lie before a frame."""
        if frame >= self._num_frames:
            raise DataError(f"frame {frame} is outside of the video, whose last is {self._num_frames - 1}")
        return int(np.searchsorted(self._frames[one.rows], frame))


def action_frames(player: Player) -> list[int]:
    """Return the frame of each action: that of the box nearest in time to the window's center, of two the earlier."""
    if not player.actions:
        return []
    track = player.track
    centers = np.array([action.seconds for action in player.actions])
    middles = (track.seconds[1:] + track.seconds[:-1]) / 2 + _ROUNDING_SECONDS
    frames: list[int] = track.frames[np.searchsorted(middles, centers, side="left")].tolist()
    return frames


def _divided(actions: Sequence[_Placed], frame: int) -> tuple[tuple[_Placed, ...], tuple[_Placed, ...]]:
    """Return the actions before a frame, and those from it on."""
    before = tuple(placed for placed in actions if placed.frame < frame)
    return before, tuple(placed for placed in actions if placed.frame >= frame)


def _joined(own: Sequence[_Placed], given: Sequence[_Placed]) -> tuple[_Placed, ...]:
    """Return both in order of time; of two with one center the own."""
    by_center = {_milliseconds(placed.action.seconds): placed for placed in (*given, *own)}
    return tuple(by_center[center] for center in sorted(by_center))


def _milliseconds(seconds: float) -> int:
    # As JavaScript rounds; Python's round() goes to the even neighbor.
    return math.floor(seconds * 1000 + 0.5)
