"""Results of players against truth: files of tracks and actions read and scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bvas.errors import ConfigError, DataError
from bvas.metrics.track_labels import LabelledRows, LabelScores, combined_labels, score_labels
from bvas.metrics.track_overlaps import TrackRows, repeated_row
from bvas.metrics.tracking_scores import TrackingScores, combined_scores, score_tracks
from bvas.results.store import PLAYER_TABLE_NAME, TRACKS_NAME
from bvas.system.table_files import Table, TableRow, read_table
from bvas.tracking.mot_files import read_track_rows, read_truth
from bvas.values.plural import count_text

# Neighbors of larger whole numbers are lost in a float.
_MOST = 2.0**53
_BOX_COLUMNS = ("frame", "player", "x", "y", "width", "height")
_ACTION_COLUMNS = ("player", "from_frame", "to_frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPlayers:
    """Scores of one sequence, or of several together."""

    name: str
    tracks: TrackingScores
    actions: LabelScores | None
    """None where no true actions were given."""

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        actions = {} if self.actions is None else {"actions": self.actions.to_json()}
        return {"name": self.name, **self.tracks.to_json(), **actions}


def score_players(
    tracks: Sequence[Path], truth: Sequence[Path], actions: Sequence[Path] = ()
) -> list[ScoredPlayers]:
    """Return the scores of each sequence.

    Args:
        tracks: A MOT file of each sequence, or the results folder of `bvas players`, which holds tracks.txt.
        truth: MOT file of the true tracks of each, in the same order.
        actions: Table of the true actions of each (player, from_frame, to_frame, label; frames from 0, the last one
            excluded; players as in `truth`), in the same order. The labels found are those of the players.csv beside
            tracks.txt. Empty: actions are not scored.

    Raises:
        ConfigError: the numbers of files differ, or no file is given.
        DataError: a file cannot be read, or a row of it is wrong.
    """
    if not tracks or len(truth) != len(tracks) or len(actions) not in (0, len(tracks)):
        raise ConfigError(
            f"got {count_text(len(tracks), 'file')} of tracks, {len(truth)} of truth and {len(actions)} of actions; "
            "give one of each for a sequence, in the same order (actions may be left out)"
        )
    files = [_tracks_file(path) for path in tracks]
    names = _names(tracks, files)
    return [
        _scored(name, path, true_path, actions[number] if actions else None)
        for number, (name, path, true_path) in enumerate(zip(names, files, truth, strict=True))
    ]


def combined_players(parts: Sequence[ScoredPlayers]) -> ScoredPlayers:
    """Return the scores of several sequences together, from sums over all their boxes."""
    actions = [part.actions for part in parts if part.actions is not None]
    return ScoredPlayers(
        name="combined",
        tracks=combined_scores([part.tracks for part in parts]),
        actions=combined_labels(actions) if actions else None,
    )


def read_labelled_boxes(path: Path) -> LabelledRows:
    """Return the boxes of a `players.csv` with their labels.

    Raises:
        DataError: the file cannot be read, a column is missing or a number of it is wrong, or a player has two boxes in
            a frame.
    """
    table = _read_table(path, _BOX_COLUMNS)
    frames = np.array([_whole(table, row, "frame") for row in table.rows], dtype=np.int64)
    players = np.array([_whole(table, row, "player") for row in table.rows], dtype=np.int64)
    boxes = [[table.number(row, column) for column in _BOX_COLUMNS[2:]] for row in table.rows]
    repeated = repeated_row(frames, players)
    if repeated is not None:
        raise DataError(
            f"{path}, line {table.rows[repeated].line}: player {players[repeated]} has a box in frame "
            f"{frames[repeated]} already; delete one"
        )
    return LabelledRows(
        rows=TrackRows(
            frames=frames, identities=players, boxes=np.array(boxes, dtype=np.float64).reshape(-1, 4)
        ),
        labels=[row.text("label") for row in table.rows],
    )


def label_truth(truth: TrackRows, path: Path) -> LabelledRows:
    """Return true boxes with the labels of a table of actions; a box outside of all actions has an empty one.

    Raises:
        DataError: the file cannot be read, a column is missing or a number of it is wrong, or two actions of a player
            share a frame.
    """
    table = _read_table(path, _ACTION_COLUMNS)
    labels = np.full(len(truth.frames), "", dtype=object)
    order = np.lexsort((truth.frames, truth.identities))
    identities, frames = truth.identities[order], truth.frames[order]
    before: _Action | None = None
    for action in sorted(_action(table, row) for row in table.rows):
        where = f"{path}, line {action.line}"
        if action.stop <= action.start:
            raise DataError(
                f"{where}: to_frame is {action.stop}, and must lie after from_frame, {action.start}; correct it"
            )
        if before is not None and before.player == action.player and action.start < before.stop:
            raise DataError(
                f"{where}: player {action.player} begins an action in frame {action.start}, inside the one of line "
                f"{before.line}; an action ends before the next begins"
            )
        before = action
        first, last = (
            np.searchsorted(identities, action.player),
            np.searchsorted(identities, action.player, "right"),
        )
        start, stop = first + np.searchsorted(frames[first:last], [action.start, action.stop])
        labels[order[start:stop]] = action.label
    return LabelledRows(rows=truth, labels=labels.tolist())


class _Action(NamedTuple):
    """An action of a player, in order of players, then of frames."""

    player: int
    start: int
    stop: int
    line: int
    label: str


def _action(table: Table, row: TableRow) -> _Action:
    player, start, stop = (_whole(table, row, column) for column in _ACTION_COLUMNS)
    return _Action(player, start, stop, row.line, row.text("label"))


def _scored(name: str, path: Path, true_path: Path, actions: Path | None) -> ScoredPlayers:
    truth = read_truth(true_path)
    labels = None
    if actions is not None:
        table = path.with_name(PLAYER_TABLE_NAME)
        if not table.is_file():
            raise DataError(
                f"no file {table}, which holds the actions found; give a results folder of bvas players as tracks"
            )
        labels = score_labels(label_truth(truth, actions), read_labelled_boxes(table))
    return ScoredPlayers(name=name, tracks=score_tracks(truth, read_track_rows(path)), actions=labels)


def _tracks_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    if not (path / TRACKS_NAME).is_file():
        raise DataError(
            f"{path} holds no {TRACKS_NAME}; give a MOT file, or a results folder of bvas players"
        )
    return path / TRACKS_NAME


def _names(given: Sequence[Path], files: Sequence[Path]) -> list[str]:
    """Return short names of the sequences; their paths where those are equal."""
    names = [path.parent.name if path.name == TRACKS_NAME else path.stem for path in files]
    return names if len(set(names)) == len(names) else [str(path) for path in given]


def _read_table(path: Path, numbers: Sequence[str]) -> Table:
    table = read_table(path, (*numbers, "label"), numbers=numbers)
    for column in (*numbers, "label"):
        if column not in table.columns:
            raise DataError(
                f"{path}, line 1 lacks the column '{column}': it names {', '.join(table.columns) or '(none)'}; needed "
                f"are {', '.join(numbers)} and label"
            )
    return table


def _whole(table: Table, row: TableRow, column: str) -> int:
    value = table.number(row, column)
    if not (0 <= value <= _MOST and value.is_integer()):
        raise DataError(
            f"{table.path}, line {row.line}: {column} is {row.text(column)}; write a whole number, from 0"
        )
    return int(value)
