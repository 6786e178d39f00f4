"""Players of one video: the one value for what `bvas players` found."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.tracking.tracks import Track

_ROUNDING_SECONDS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerAction:
    """Class of a player in one window."""

    seconds: float
    """Center of the window, from the video's first shown frame."""
    label: str
    confidence: float | None
    """Probability of the label; None where it was corrected by hand."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Player:
    """One player."""

    track: Track
    name: str = ""
    """Name given by hand; empty for none."""
    actions: tuple[PlayerAction, ...] = ()
    """In order of time."""

    @property
    def number(self) -> int:
        """Identity, from 1."""
        return self.track.number

    @property
    def caption(self) -> str:
        """The name, or the number of a player without a name."""
        return self.name or str(self.number)

    def actions_at(self, seconds: NDArray[np.float64], every: float) -> list[PlayerAction | None]:
        """Return the action at each time: of the nearest window, at most half of `every` away; of two the earlier."""
        if not self.actions:
            return [None] * len(seconds)
        centers = np.array([action.seconds for action in self.actions])
        # A tie goes to the earlier window; a millionth of a second absorbs the rounding of times.
        middles = (centers[1:] + centers[:-1]) / 2 + _ROUNDING_SECONDS
        nearest = np.searchsorted(middles, seconds, side="left")
        is_near = np.abs(centers[nearest] - seconds) <= every / 2 + _ROUNDING_SECONDS
        return [self.actions[place] if near else None for place, near in zip(nearest, is_near, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerRow:
    """A player in one frame: a row of players.csv."""

    frame: int
    seconds: float
    player: int
    name: str
    x: float
    y: float
    width: float
    height: float
    label: str
    """Empty outside of all windows."""
    confidence: float | None
    """None without a label, and where it was corrected by hand."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(x, y, width, height) in pixels of the upright picture."""
        return self.x, self.y, self.width, self.height


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayersResult:
    """Players of one video."""

    path: Path
    """The video."""
    size: tuple[int, int]
    """(h, w) of the upright picture that the boxes lie in."""
    num_frames: int
    """Shown frames of the video."""
    players: tuple[Player, ...]
    """In order of their numbers."""
    labels: tuple[str, ...]
    """Classes of the experiment; empty where no action was classified."""
    every: float
    """Seconds from one window to the next."""
    experiment: str = ""
    """Name of the experiment; empty where no action was classified."""
    detector: str = ""
    """Name of the detector, or of the file of detections."""

    def __iter__(self) -> Iterator[PlayerRow]:
        return self.rows()

    def rows(self) -> Iterator[PlayerRow]:
        """Yield a row for each player and frame, in order of frames, then of numbers."""
        if not self.players:
            return
        actions = [player.actions_at(player.track.seconds, self.every) for player in self.players]
        frames = np.concatenate([player.track.frames for player in self.players])
        owners = np.repeat(
            np.arange(len(self.players)), [len(player.track.frames) for player in self.players]
        )
        places = np.concatenate([np.arange(len(player.track.frames)) for player in self.players])
        for entry in np.lexsort((owners, frames)).tolist():
            owner, place = owners[entry], places[entry]
            player, action = self.players[owner], actions[owner][place]
            x, y, width, height = player.track.boxes[place].tolist()
            yield PlayerRow(
                frame=int(frames[entry]),
                seconds=float(player.track.seconds[place]),
                player=player.number,
                name=player.name,
                x=x,
                y=y,
                width=width,
                height=height,
                label="" if action is None else action.label,
                confidence=None if action is None else action.confidence,
            )
