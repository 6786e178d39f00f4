"""`players.json`: the video, the players' names and actions, and how they were found; boxes are in `tracks.txt`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from bvas.errors import ConfigError, DataError
from bvas.players.players_result import Player, PlayerAction, PlayersResult
from bvas.results.made_from import VideoRecord
from bvas.results.recording import path_from_json, path_to_json, reading_from_json, reading_to_json
from bvas.system.dataclass_json import value_from_json, value_to_json
from bvas.tracking.tracks import Track
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions

_FORMAT = "bvas-players-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayersRecord:
    """How players were found: kept beside them, also when they are corrected."""

    made_from: VideoRecord
    """The video file as it was then."""
    rate: Fraction
    """Its frames per second."""
    reading: ReadOptions = DEFAULT_READING
    """How it was read."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Other settings by name: plain values that JSON can hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerEntry:
    """One player, as `players.json` has him."""

    number: int
    name: str
    from_seconds: float
    """Time of his first frame."""
    to_seconds: float
    """Time of his last frame."""
    frames: int
    """Frames with a box."""
    actions: tuple[PlayerAction, ...]

    def __post_init__(self) -> None:
        numbers = [self.from_seconds, self.to_seconds, *(action.seconds for action in self.actions)]
        if not all(map(math.isfinite, numbers)):
            raise ConfigError(f"times of player {self.number} must be finite numbers of seconds")
        times = [action.seconds for action in self.actions]
        if times != sorted(times):
            raise ConfigError(f"actions of player {self.number} must be in order of time")
        confidences = [one.confidence for one in self.actions if one.confidence is not None]
        for confidence in confidences:
            if not 0 <= confidence <= 1:
                raise ConfigError(
                    f"confidence of an action of player {self.number} must lie in [0, 1], got {confidence}"
                )

    @classmethod
    def of(cls, player: Player) -> "PlayerEntry":
        """Return the entry of a player."""
        seconds = player.track.seconds
        return cls(
            number=player.number,
            name=player.name,
            # As the table has them.
            from_seconds=round(float(seconds[0]), 6),
            to_seconds=round(float(seconds[-1]), 6),
            frames=len(seconds),
            actions=player.actions,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayersJson:
    """Content of `players.json`."""

    format: str = _FORMAT
    video: dict[str, Any]
    """Path and reading."""
    made_from: VideoRecord
    size: tuple[int, int]
    """(h, w) of the upright picture."""
    num_frames: int
    rate: str
    """Frames per second, such as 30000/1001."""
    detector: str
    experiment: str
    labels: tuple[str, ...]
    every: float
    """Seconds from one window to the next."""
    players: tuple[PlayerEntry, ...]
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        if min(*self.size, self.num_frames) < 1:
            raise ConfigError(
                f"size and num_frames must be at least 1, got {list(self.size)} and {self.num_frames}"
            )
        if not 0 <= self.every < math.inf:
            raise ConfigError(f"every must be a number of seconds from 0 up, got {self.every}")
        numbers = [player.number for player in self.players]
        if numbers != sorted(set(numbers)) or any(number < 1 for number in numbers):
            raise ConfigError("numbers of players must rise, each once, from 1 up")
        for player in self.players:
            for label in sorted({action.label for action in player.actions} - {*self.labels}):
                raise ConfigError(
                    f"player {player.number} has the action {label!r}, which is not one of labels: "
                    f"{', '.join(self.labels) or 'none'}"
                )

    @classmethod
    def of(cls, result: PlayersResult, record: PlayersRecord) -> "PlayersJson":
        """Return the content for a result."""
        return cls(
            video={**path_to_json(result.path.absolute()), **reading_to_json(record.reading)},
            made_from=record.made_from,
            size=result.size,
            num_frames=result.num_frames,
            rate=str(record.rate),
            detector=result.detector,
            experiment=result.experiment,
            labels=result.labels,
            every=result.every,
            players=tuple(map(PlayerEntry.of, result.players)),
            settings=dict(record.settings),
        )

    def to_text(self) -> str:
        """Return the JSON, for `from_text`."""
        return value_to_json(self)

    @classmethod
    def from_text(cls, text: str, path: Path) -> "PlayersJson":
        """Return the content of a text; `path` names the file in messages.

        Raises:
            DataError: it is damaged, of another version, or breaks a rule; the message names each fault.
        """
        try:
            content = value_from_json(text, cls, "players.json", update=_check_format)
            content.record()
            content.path()
        except (ConfigError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(f"{path}: {error}; find the players again with --overwrite") from error
        return content

    def path(self) -> Path:
        """Return the path of the video."""
        return path_from_json(self.video)

    def record(self) -> PlayersRecord:
        """Return how the players were found."""
        return PlayersRecord(
            made_from=self.made_from,
            rate=Fraction(self.rate),
            reading=reading_from_json(self.video),
            settings=self.settings,
        )

    def result(self, tracks: Sequence[Track], path: Path) -> PlayersResult:
        """Return the result with the tracks of `path`, the file that messages name.

        Raises:
            DataError: the tracks are of other players or other frames.
        """
        found = {track.number: track for track in tracks}
        for entry in self.players:
            held = len(found[entry.number].frames) if entry.number in found else 0
            if held != entry.frames:
                raise DataError(
                    f"{path} has {held} frames of player {entry.number}, and players.json {entry.frames}: they are "
                    "of two runs; find the players again with --overwrite"
                )
        unknown = sorted(found.keys() - {entry.number for entry in self.players})
        if unknown:
            raise DataError(
                f"{path} has the track {unknown[0]}, and players.json no such player: they are of two runs; find the "
                "players again with --overwrite"
            )
        return PlayersResult(
            path=self.path(),
            size=self.size,
            num_frames=self.num_frames,
            players=tuple(
                Player(track=found[entry.number], name=entry.name, actions=entry.actions)
                for entry in self.players
            ),
            labels=self.labels,
            every=self.every,
            experiment=self.experiment,
            detector=self.detector,
        )


def _check_format(content: dict[str, Any]) -> None:
    if content.get("format") != _FORMAT:
        raise ValueError(f"its format is {content.get('format')!r}, not {_FORMAT!r}")
