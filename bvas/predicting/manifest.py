"""Manifests: lists of matches and videos, one per line, `#` for remarks; or a table with such a column."""

import csv
import difflib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from bvas.data.matches import Match
from bvas.data.soccernet_files import VIDEO_SUFFIXES
from bvas.errors import ConfigError, DataError
from bvas.predicting.assignments import Assignment, of_match, of_video
from bvas.system.table_files import head_names, read_table
from bvas.system.text_files import read_text, text_lines
from bvas.video.index.remote_file import RemoteFile, is_remote

logger = logging.getLogger(__name__)

_COLUMNS = ("video", "match", "path", "file")
"""Possible names of the column that lists them; the first of these that a table has."""
_REMARK = "#"


def read_manifest(path: Path) -> list[tuple[int, str]]:
    """Return (line number, entry) of a manifest, each entry once.

    A first line with one of the names video, match, path or file makes it a table, whose column of that name is read.

    Raises:
        DataError: it cannot be read or holds no entry.
    """
    if not path.exists():
        raise DataError(f"no manifest {path}")
    lines = list(enumerate(text_lines(read_text(path)), start=1))
    lines = [(number, line) for number, line in lines if line.strip() and not line.startswith(_REMARK)]
    columns = head_names(lines[0][1], _COLUMNS) if lines else []
    if columns and not _is_file(lines[0][1].strip()):
        column = next(name for name in _COLUMNS if name in columns)
        others = f"; not {', '.join(name for name in columns if name != column)}" if len(columns) > 1 else ""
        logger.info("manifest %s: the column '%s' lists the videos and matches%s", path, column, others)
        table = read_table(path, _COLUMNS, remark=_REMARK)
        lines = [(row.line, row.text(column)) for row in table.rows]
    entries: dict[str, int] = {}
    for number, line in lines:
        entry = _unquoted(line.strip())
        if entry and not entry.startswith(_REMARK):
            entries.setdefault(entry, number)
    if not entries:
        raise DataError(f"manifest {path} is empty; list matches or video files, one per line")
    return [(number, entry) for entry, number in entries.items()]


def _unquoted(entry: str) -> str:
    """Return a line without the quotes that spreadsheets put around cells with commas."""
    if len(entry) > 1 and entry[0] == entry[-1] == '"' and not _is_file(entry):
        try:
            cells = next(csv.reader([entry]))
        except csv.Error:  # longer than any cell
            return entry
        return cells[0].strip() if len(cells) == 1 else entry
    return entry


def assign_manifest(
    path: Path, find: Callable[[], Sequence[Match]], folds: Sequence[int], predictions: Path
) -> list[Assignment]:
    """Return the matches and videos of a manifest, each once.

    Args:
        path: The manifest.
        find: Finds the matches of the data root; called only if a line is not a video file.
        folds: Folds that are trained.
        predictions: Folder of the experiment's predictions.

    Raises:
        DataError: the manifest cannot be read, or the data root is needed and wrong.
        ConfigError: a line names neither a match nor a video file, or a match whose model does not exist; or results of
            two files would lie in one folder.
    """
    entries = read_manifest(path)
    matches: dict[str, Match] | None = None
    found: dict[tuple[Path, str], Assignment] = {}
    for number, entry in entries:
        if is_remote(entry) or _is_video(entry):
            video = RemoteFile(entry) if is_remote(entry) else Path(entry)
            assignment = of_video(video, folds, predictions)
        else:
            if matches is None:
                matches = {match.name: match for match in find()}
            try:
                assignment = of_match(_named(entry, matches), folds, predictions)
            except ConfigError as error:
                raise ConfigError(f"line {number} of {path}: {error}") from error
        first = found.setdefault((assignment.out, assignment.name), assignment)
        if not first.is_of(assignment):
            raise ConfigError(
                f"line {number} of {path}: results of {assignment.source} would replace those of {first.source}, "
                f"which is another file: both lie in {first.folder}; rename or move one of them"
            )
    return list(found.values())


def _is_video(entry: str) -> bool:
    """Return whether an entry is a file, or has the suffix of one."""
    return "://" not in entry and (Path(entry).suffix.lower() in VIDEO_SUFFIXES or _is_file(entry))


def _is_file(entry: str) -> bool:
    try:
        return Path(entry).exists() and not Path(entry).is_dir()
    except OSError:  # longer than any file's name
        return False


def _named(entry: str, matches: dict[str, Match]) -> Match:
    if entry in matches:
        return matches[entry]
    near = difflib.get_close_matches(entry, matches, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the data has {len(matches)} others"
    raise ConfigError(f"{entry!r} is neither a match of the data nor a video file; {hint}")
