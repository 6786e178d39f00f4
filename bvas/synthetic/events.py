"""What a simulated half leaves behind: the state of every frame and every event, as plain data."""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NUM_PLAYERS = 22
"""Players 0-10 are the home team's, 11-21 the away team's; 0 and 11 keep goal."""

ActionKind = Literal["foot", "head", "throw", "feint", "fall"]
"""A feint swings the leg and leaves the ball alone; a fall is that of a player who was fouled."""


class Phase(IntEnum):
    """What the ball does in a frame."""

    FREE = 0
    """On its way, nobody's."""
    CONTROL = 1
    """At the foot of a player who stands or comes to a stand with it."""
    CARRY = 2
    """At the foot of a player who runs with it."""
    DEAD = 3
    """Out of play, lying."""
    HANDS = 4
    """In a player's hands."""


@dataclass(frozen=True, slots=True)
class PlayEvent:
    """One thing that happened."""

    frame: int
    """The first frame that shows it: for a kick, the first with the ball off the foot."""
    label: str
    player: int
    """Who did it, 0 to 21."""
    visible: bool = True
    """The camera shows it."""

    @property
    def team(self) -> Literal["home", "away"]:
        """The side of the player."""
        return "home" if self.player < NUM_PLAYERS // 2 else "away"


@dataclass(frozen=True, slots=True)
class PlayerAction:
    """A movement of the body at `frame`; a foot, a head and a throw send the ball off then."""

    frame: int
    player: int
    kind: ActionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A half as it was played. L frames; meters; x along the pitch, y away from the camera, z up.

    The origin is the center of a pitch of 105 x 68 m.
    """

    rate: Fraction
    players: NDArray[np.float32]
    """[L, 22, 2] positions."""
    facing: NDArray[np.float32]
    """[L, 22] radians, 0 along +x."""
    speed: NDArray[np.float32]
    """[L, 22] m/s."""
    gait: NDArray[np.float32]
    """[L, 22] radians through the stride, growing with the way run."""
    ball: NDArray[np.float32]
    """[L, 3] position of the ball's lowest point."""
    phase: NDArray[np.uint8]
    """[L] a `Phase` each."""
    owner: NDArray[np.int16]
    """[L] who has the ball; -1 where nobody has."""
    events: tuple[PlayEvent, ...]
    """What was done to the ball, in order of time."""
    actions: tuple[PlayerAction, ...]
    """Swings and throws; in order of time."""
    incidents: tuple[PlayEvent, ...] = ()
    """What a referee's report would hold, in order of time."""
    focus: NDArray[np.float32] | None = None
    """[L, 3] what the camera is after, where that is not always the ball."""

    @property
    def num_frames(self) -> int:
        """Frames of the half (L)."""
        return len(self.phase)

    @property
    def watched(self) -> NDArray[np.float32]:
        """[L, 3] what the camera is after."""
        return self.ball if self.focus is None else self.focus
