"""Corrections of players by hand: `players_corrections.json`, and their application to a result.

    {"format": "bvas-players-corrections-1", "video": "game.mp4", "tracks": "0f3c51d2a4b67e89",
     "corrections": [{"edit": "merge", "player": 4, "into": 1}, ...]}

    merge    player, into         the boxes of `player` become boxes of `into`. In frames with boxes of both, that of
                                  `into` stays; of two actions with one center likewise. A name moves where `into` has
                                  none.
    split    player, frame, new   boxes and actions from the frame on become those of the new player `new`, whose
                                  number was never used before
    swap     players, frame       two players exchange boxes and actions from the frame on; names stay
    name     player, name         empty: without a name again
    remove   player               with its boxes and actions
    relabel  player, seconds, label
                                  the action of the window with that center, to the millisecond, gets the label

Edits are applied in their order, to the players as the edits before them left these. Frames count from 0. An action
belongs to the frame in which its player's own box, before all edits, is nearest in time to the window's center, of two
the earlier. `report/web/players_edits.js` applies the same rules; a test holds both equal.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from bvas.data.json_object import Count, Items, Moment, Name, Place, Rule, read_json_file, short_text
from bvas.data.raw_annotations import Fault
from bvas.errors import DataError
from bvas.players.edited_players import EditedPlayers
from bvas.players.players_result import PlayersResult
from bvas.players.rois import Line, raise_first
from bvas.system.file_names import shown_name

CORRECTIONS_FORMAT = "bvas-players-corrections-1"


def _number(value: Any, _: Any) -> int:
    if type(value) is int and value >= 1:
        return value
    raise ValueError


def _pair(value: Any, _: Any) -> tuple[int, ...]:
    if isinstance(value, list) and len(value) == 2:
        return tuple(_number(one, None) for one in value)
    raise ValueError


PlayerNumber = Annotated[int, Rule("the number of a player, from 1 up", _number)]
PlayerPair = Annotated[tuple[int, int], Rule("the numbers of two players", _pair)]


@dataclass(frozen=True, slots=True)
class Merge:
    """The boxes of a player become those of another."""

    player: PlayerNumber = 0
    into: PlayerNumber = 0

    def apply(self, players: EditedPlayers) -> None:
        """Make the edit."""
        players.merge(self.player, self.into)


@dataclass(frozen=True, slots=True)
class Split:
    """What follows from a frame on becomes a new player."""

    player: PlayerNumber = 0
    frame: Count = 0
    new: PlayerNumber = 0

    def apply(self, players: EditedPlayers) -> None:
        """Make the edit."""
        players.split(self.player, self.frame, self.new)


@dataclass(frozen=True, slots=True)
class Swap:
    """Two players exchange what follows from a frame on."""

    players: PlayerPair = (0, 0)
    frame: Count = 0

    def apply(self, players: EditedPlayers) -> None:
        """Make the edit."""
        players.swap(*self.players, self.frame)


@dataclass(frozen=True, slots=True)
class Rename:
    """A player gets a name, or none."""

    player: PlayerNumber = 0
    name: Line = ""

    def apply(self, players: EditedPlayers) -> None:
        """Make the edit."""
        players.rename(self.player, self.name)


@dataclass(frozen=True, slots=True)
class Remove:
    """A player is removed."""

    player: PlayerNumber = 0

    def apply(self, players: EditedPlayers) -> None:
        """Make the edit."""
        players.remove(self.player)


@dataclass(frozen=True, slots=True)
class Relabel:
    """The action of a window gets another label."""

    player: PlayerNumber = 0
    seconds: Moment = 0.0
    """Center of the window."""
    label: Name = ""

    def apply(self, players: EditedPlayers) -> None:
        """Make the edit."""
        players.relabel(self.player, self.seconds, self.label)


Edit = Merge | Split | Swap | Rename | Remove | Relabel
EDITS: dict[str, type[Edit]] = {
    "merge": Merge,
    "split": Split,
    "swap": Swap,
    "name": Rename,
    "remove": Remove,
    "relabel": Relabel,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayersCorrections:
    """Edits of the players of one video, in order."""

    edits: tuple[Edit, ...]
    path: Path | None = None
    """The file that they were read from, for messages."""
    video: str = ""
    """Name of the video's file; empty: any."""
    tracks: str = ""
    """`tracks_fingerprint` of the players that they were made for; empty: any."""


@dataclass(frozen=True, slots=True)
class _File:
    format: Name = ""
    video: Line = ""
    tracks: Line = ""
    corrections: Items = ()


def read_corrections(path: Path) -> PlayersCorrections:
    """Return the corrections of a file.

    Raises:
        DataError: the file is missing or malformed; an edit is named by its number, from 1.
    """
    faults: list[Fault] = []
    value = read_json_file(path, faults)
    raise_first(faults)
    file = Place(path, "", faults).read(value, _File, needs=("format", "corrections"))
    raise_first(faults)
    assert file is not None
    if file.format != CORRECTIONS_FORMAT:
        raise DataError(
            f"{path} has the format {file.format!r}, not {CORRECTIONS_FORMAT!r}; save it from the page again"
        )
    edits = [
        _edit(entry, Place(path, f"correction {n}", faults)) for n, entry in enumerate(file.corrections, 1)
    ]
    raise_first(faults)
    return PlayersCorrections(
        edits=tuple(edit for edit in edits if edit is not None),
        path=path,
        video=file.video,
        tracks=file.tracks,
    )


def _edit(entry: Any, place: Place) -> Edit | None:
    kind = entry.get("edit") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in EDITS:
        place.fault(f"needs 'edit', one of {', '.join(EDITS)}; got {short_text(kind)}")
        return None
    type_ = EDITS[kind]
    values = {key: value for key, value in entry.items() if key != "edit"}
    return place.read(values, type_, needs=type_.__match_args__, whole=True)


def apply_corrections(result: PlayersResult, corrections: PlayersCorrections) -> PlayersResult:
    """Return a result with corrected players, which keep their numbers; the given one stays as it is.

    Args:
        result: What the corrections were made for: players without corrections.
        corrections: The edits.

    Raises:
        DataError: the corrections are of another video or of other tracks, or an edit contradicts the players: it
            names one that is unknown, a frame outside of the video, a window that is not there. The message has the
            edit's number, from 1.
    """
    where = "the corrections" if corrections.path is None else str(corrections.path)
    video = shown_name(result.path.name)
    if corrections.video and corrections.video != video:
        raise DataError(f"{where}: made for {corrections.video}, not for {video}; give those of this video")
    if corrections.tracks and corrections.tracks != tracks_fingerprint(result):
        raise DataError(
            f"{where}: made for other tracks of {video}, whose numbers may mean other players; find the players with "
            "the settings of that time, or make a new page with --choose and correct them again"
        )
    players = EditedPlayers(result)
    names = {type_: kind for kind, type_ in EDITS.items()}
    for number, edit in enumerate(corrections.edits, start=1):
        try:
            edit.apply(players)
        except DataError as error:
            raise DataError(f"{where}: correction {number} ({names[type(edit)]}): {error}") from None
    return replace(result, players=players.players())


def tracks_fingerprint(result: PlayersResult) -> str:
    """Return 16 hexadecimal digits of the players' numbers and frames: equal for equal tracks, also read from files."""
    digest = hashlib.sha256(str(result.num_frames).encode())
    for player in result.players:
        digest.update(f" {player.number} ".encode())
        digest.update(player.track.frames.astype("<i8").tobytes())
    return digest.hexdigest()[:16]
