"""Simulated half as plain data: the state of every frame, and every event."""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NUM_PLAYERS = 22
"""Players 0 to 10 belong to the home team, 11 to 21 to the away team; 0 and 11 are the goalkeepers."""

STATES = ("players", "facing", "speed", "gait", "ball", "watched")
"""Fields of a `Play` that change from frame to frame by little: between two frames they are interpolated."""

Seed = int | tuple[int, ...]
"""Seed of a random generator."""
ActionKind = Literal["foot", "head", "throw", "feint", "fall"]
"""Body movements. A feint swings the leg and leaves the ball alone; a fouled player falls."""


class Phase(IntEnum):
    """State of the ball in a frame."""

    FREE = 0
    """On its way, without an owner."""
    CONTROL = 1
    """At the foot of a player who stands or stops with it."""
    CARRY = 2
    """At the foot of a player who runs with it."""
    DEAD = 3
    """Out of play, lying."""
    HANDS = 4
    """In a player's hands."""


@dataclass(frozen=True, slots=True)
class PlayEvent:
    """An event with its frame, label and player."""

    frame: int
    """The first frame that shows it: for a kick, the first with the ball off the foot."""
    label: str
    player: int
    """The acting player, 0 to 21."""
    visible: bool = True
    """The camera shows it."""

    @property
    def team(self) -> Literal["home", "away"]:
        """The side of the player."""
        return "home" if self.player < NUM_PLAYERS // 2 else "away"


@dataclass(frozen=True, slots=True)
class PlayerAction:
    """A body movement at `frame`; foot, head and throw release the ball in this frame."""

    frame: int
    player: int
    kind: ActionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """State of L frames; meters; x along the pitch, y away from the main camera, z up.

    The origin is the center of a pitch of 105 x 68 m. N is 22, or 22 plus the officials and substitutes.
    """

    rate: Fraction
    """Frames per second."""
    players: NDArray[np.float32]
    """[L, N, 2] positions."""
    facing: NDArray[np.float32]
    """[L, N] radians, 0 along +x."""
    speed: NDArray[np.float32]
    """[L, N] m/s."""
    gait: NDArray[np.float32]
    """[L, N] radians through the stride, growing with the distance covered."""
    ball: NDArray[np.float32]
    """[L, 3] position of the ball's lowest point."""
    watched: NDArray[np.float32]
    """[L, 3] target of the main camera: the ball, or the place of a substitution."""
    phase: NDArray[np.uint8]
    """[L] a `Phase` each."""
    owner: NDArray[np.int16]
    """[L] the player with the ball; -1 for none."""
    events: tuple[PlayEvent, ...]
    """Events of the 12 labels of ball spotting, in order of time."""
    incidents: tuple[PlayEvent, ...]
    """Events of the labels of Action Spotting, in order of time."""
    actions: tuple[PlayerAction, ...]
    """Body movements, in order of time."""

    @property
    def num_frames(self) -> int:
        """Frames of the half (L)."""
        return len(self.phase)
