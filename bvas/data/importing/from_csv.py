"""Import of tables with a line for each annotation: video, label, seconds or frame, and more."""

from pathlib import Path

from bvas.data.importing.draft import Import, MatchDraft, labels_in
from bvas.data.json_object import Place
from bvas.data.named_files import named_file
from bvas.data.raw_annotations import Fault, RawAnnotation
from bvas.errors import DataError
from bvas.system.table_files import Table, TableRow, read_table

_COLUMNS = ("video", "label", "seconds", "frame", "team", "visible", "fold", "match")
_MOST_DIGITS = 9
_FLAGS = {"": True, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_csv(source: Path, videos: Path) -> Import:
    """Read a table.

    The first line names the columns: `video`, `label`, and `seconds` or `frame` (or both, of which each line fills
    one); `team`, `visible`, `fold` and `match` may follow. `bvas.system.table_files` says how a table may be written.
    Videos with the same `match` are its parts in the order in which they appear; without that column each
    video is a match, named after the file. A line without label and time says that nothing happens in a video.

    Args:
        source: The file.
        videos: Folder that the paths of the videos begin in.

    Raises:
        DataError: the file cannot be read, or its first line does not name the columns.
    """
    found = read_table(source, _COLUMNS, numbers=("seconds",))
    columns = found.columns
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown or not {"video", "label"} <= set(columns) or not {"seconds", "frame"} & set(columns):
        raise DataError(
            f"the first line of {source} names the columns {', '.join(columns) or '(none)'}; it needs video, label, "
            f"and seconds or frame, and may have team, visible, fold, match"
        )
    faults: list[Fault] = []
    matches: dict[str, MatchDraft] = {}
    match_of: dict[Path, str] = {}
    for row in found.rows:
        place = Place(source, f"line {row.line}", faults)
        video = named_file(videos, row.text("video"))
        if video is None:
            name = row.text("video") or "(empty)"
            place.fault(f"no video {name} in {videos}; say where with --videos")
            continue
        match = _match(row, place, video, match_of, matches)
        if match is not None and (row.text("label") or row.text("seconds") or row.text("frame")):
            _add_annotation(found, row, place, video, match)
    drafts = list(matches.values())
    if not drafts and not faults:
        raise DataError(f"{source} has no line below the names of the columns")
    return Import(labels=labels_in(drafts, ()), matches=tuple(drafts), faults=tuple(faults))


def _add_annotation(table: Table, row: TableRow, place: Place, video: Path, match: MatchDraft) -> None:
    seconds, frame = _moment(table, row, place)
    label, visible = row.text("label"), _FLAGS.get(row.text("visible").lower())
    if not label:
        place.fault("has no label")
    if visible is None:
        place.fault(f"visible is {row.text('visible')!r}; write yes or no")
    assert match.annotations is not None
    if label and (seconds is not None or frame is not None):
        part, team = match.videos.index(video) + 1, row.text("team") or None
        match.annotations.append(
            RawAnnotation(row.line, part, label, seconds, frame, team, visible is not False)
        )


def _match(
    row: TableRow, place: Place, video: Path, match_of: dict[Path, str], matches: dict[str, MatchDraft]
) -> MatchDraft | None:
    """Return the match of a row's video; None where the video is in another one."""
    name = row.text("match") or video.stem
    if match_of.setdefault(video, name) != name:
        place.fault(f"video {row.text('video')} is in match {match_of[video]!r} and in {name!r}")
        return None
    fold = _whole(row.text("fold"))
    if row.text("fold") and fold is None:
        place.fault(f"fold is {row.text('fold')!r}; write a whole number from 0 up")
    match = matches.setdefault(name, MatchDraft(name=name, annotations=[], fold=fold))
    if fold is not None and match.fold != fold:
        place.fault(f"match {name!r} is in fold {match.fold} and in {fold}; one match is in one fold")
    if video not in match.videos:
        match.videos.append(video)
    return match


def _moment(table: Table, row: TableRow, place: Place) -> tuple[float | None, int | None]:
    """Return the time or the frame of a row; neither where there is a fault."""
    seconds, frame = row.text("seconds"), row.text("frame")
    if bool(seconds) == bool(frame):
        place.fault("needs seconds or frame, one of the two")
        return None, None
    if frame:
        number = _whole(frame)
        if number is None:
            place.fault(f"frame is {frame!r}; write a whole number, from 0 for the first frame")
        return None, number
    try:
        value = table.number(row, "seconds")
    except DataError:
        value = -1.0
    if value >= 0:
        return value, None
    place.fault(f"seconds is {seconds!r}; write a number from 0 up, like 12.5")
    return None, None


def _whole(text: str) -> int | None:
    """Return a whole number from 0 up; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
