"""Files of a folder of players: `players.json`, `players.csv` and `tracks.txt`, written and read."""

import csv
import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bvas.errors import DataError
from bvas.players.players_json import PlayersJson, PlayersRecord
from bvas.players.players_result import PlayerRow, PlayersResult
from bvas.results.recording_folder import FileRecords, check_same_files, unknown_results
from bvas.results.store import PLAYER_TABLE_NAME, PLAYERS_NAME, TRACKS_NAME, UNCORRECTED_NAME
from bvas.system.atomic_files import write_text
from bvas.system.table_files import write_table
from bvas.system.text_files import read_text
from bvas.tracking.mot_files import read_tracks, write_mot
from bvas.values.arrays import Floats
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions, Source
from bvas.video.index.video_index import build_index

COLUMNS = ("frame", "seconds", "player", "name", "x", "y", "width", "height", "label", "confidence")
_NAMES = (PLAYERS_NAME, PLAYER_TABLE_NAME, TRACKS_NAME)
_AGAIN = "find the players again with --overwrite"


def record_of(
    path: Path, *, reading: ReadOptions = DEFAULT_READING, settings: Mapping[str, Any] | None = None
) -> PlayersRecord:
    """Return the record of a video file as it is now; its content is read through.

    Args:
        path: The video.
        reading: How it is read.
        settings: Other settings by name, plain values.

    Raises:
        DecodeError: it is not a video.
        DataError: it cannot be read.
    """
    (made_from,) = FileRecords([path]).known(wait=True)
    index, _ = build_index(path, reading=reading)
    return PlayersRecord(made_from=made_from, rate=index.rate, reading=reading, settings=settings or {})


def write_players(out: Path, result: PlayersResult, record: PlayersRecord) -> None:
    """Write the players of a video into a folder; boxes to a thousandth of a pixel.

    Args:
        out: The folder; made where it is missing.
        result: The players.
        record: How they were found; of corrected ones as `read_record` gives it.

    Raises:
        DataError: a file cannot be written.
    """
    # First: from now on the folder is known to be of this video.
    write_text(out / PLAYERS_NAME, PlayersJson.of(result, record).to_text() + "\n")
    write_mot(out / TRACKS_NAME, [player.track for player in result.players])
    write_table(out / PLAYER_TABLE_NAME, COLUMNS, map(_cells, result.rows()))


def read_players(out: Path) -> PlayersResult:
    """Return the players that `write_players` wrote; times to the microsecond.

    Raises:
        DataError: a file is missing, damaged, or of another run than the others.
    """
    content = _read_json(out)
    seconds = _frame_seconds(out / PLAYER_TABLE_NAME, content.num_frames)
    tracks = read_tracks(out / TRACKS_NAME, seconds)
    for track in tracks:
        for place in np.flatnonzero(np.isnan(track.seconds))[:1]:
            raise DataError(
                f"{out / TRACKS_NAME} has frame {track.frames[place] + 1}, and {PLAYER_TABLE_NAME} has no row of frame "
                f"{track.frames[place]}: they are of two runs; {_AGAIN}"
            )
    return content.result(tracks, out / TRACKS_NAME)


def read_record(out: Path) -> PlayersRecord:
    """Return how the players of a folder were found.

    Raises:
        DataError: `players.json` is missing, damaged or of another version.
    """
    return _read_json(out).record()


def check_same_video(out: Path, source: Source) -> None:
    """Refuse a folder that holds players of another video; the same file at another place is not another.

    Raises:
        DataError: whose players they are, and the remedy.
    """
    if not any((out / name).exists() for name in _NAMES):
        return
    if not (out / PLAYERS_NAME).exists():
        raise unknown_results(out)
    check_same_files(out, [read_record(out).made_from], [source])


def remove_uncorrected(out: Path) -> None:
    """Remove what corrections kept of earlier results: it does not belong to the next ones.

    Raises:
        DataError: it cannot be removed.
    """
    kept = out / UNCORRECTED_NAME
    try:
        shutil.rmtree(kept)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(
            f"cannot remove {kept}: {error.strerror or error}; remove it by hand, or take another --out"
        ) from error


def _read_json(out: Path) -> PlayersJson:
    path = out / PLAYERS_NAME
    return PlayersJson.from_text(read_text(path), path)


def _cells(row: PlayerRow) -> list[object]:
    """Return a row of the table, in the order of `COLUMNS`."""
    box = [f"{value:.2f}" for value in (row.x, row.y, row.width, row.height)]
    confidence = None if row.confidence is None else f"{row.confidence:.4f}"
    return [row.frame, f"{row.seconds:.6f}", row.player, row.name, *box, row.label, confidence]


def _frame_seconds(path: Path, num_frames: int) -> Floats:
    """Return the time of each frame from the table, float64 [num_frames]; NaN where it has no row.

    Raises:
        DataError: it is not the table that `write_players` writes; the message names the line.
    """
    seconds = np.full(num_frames, np.nan)
    # Two of ten cells are read, of hundreds of thousands of rows: no objects for the others.
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        head = next(reader, [])
        if tuple(head) != COLUMNS:
            raise DataError(f"{path}, line 1 must be {','.join(COLUMNS)}; {_AGAIN}")
        for cells in reader:
            frame = int(cells[0])
            if not 0 <= frame < num_frames:
                raise ValueError(f"frame is {frame}, and the video has {num_frames} frames")
            seconds[frame] = float(cells[1])
    except (csv.Error, ValueError, IndexError) as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; {_AGAIN}") from error
    return seconds
