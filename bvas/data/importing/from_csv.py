"""Import of tables with a line for each annotation: video, label, seconds or frame, and more."""

from pathlib import Path

from bvas.data.importing.draft import Import, MatchDraft, labels_in
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
    table = _Matches(found, videos)
    for row in found.rows:
        table.add(row)
    drafts = list(table.matches.values())
    if not drafts and not table.faults:
        raise DataError(f"{source} has no line below the names of the columns")
    return Import(labels=labels_in(drafts, ()), matches=tuple(drafts), faults=tuple(table.faults))


class _Matches:
    """The matches of the rows read so far."""

    def __init__(self, table: Table, videos: Path) -> None:
        self.matches: dict[str, MatchDraft] = {}
        self.faults: list[Fault] = []
        self._table, self._videos = table, videos
        self._match_of: dict[Path, str] = {}

    def add(self, row: TableRow) -> None:
        """Take in one row."""
        name, label = row.text("video"), row.text("label")
        video = named_file(self._videos, name)
        if video is None:
            self._fault(row, f"no video {name or '(empty)'} in {self._videos}; say where with --videos")
            return
        match = self._match(row, video)
        if match is None:
            return
        if not label and not row.text("seconds") and not row.text("frame"):
            return
        seconds, frame = self._moment(row)
        visible = _FLAGS.get(row.text("visible").lower())
        if not label:
            self._fault(row, "has no label")
        if visible is None:
            self._fault(row, f"visible is {row.text('visible')!r}; write yes or no")
        assert match.annotations is not None
        if label and (seconds is not None or frame is not None):
            part, team = match.videos.index(video) + 1, row.text("team") or None
            match.annotations.append(
                RawAnnotation(row.line, part, label, seconds, frame, team, visible is not False)
            )

    def _fault(self, row: TableRow, message: str) -> None:
        self.faults.append(Fault(self._table.path, f"line {row.line}", message))

    def _match(self, row: TableRow, video: Path) -> MatchDraft | None:
        name = row.text("match") or video.stem
        if self._match_of.setdefault(video, name) != name:
            self._fault(
                row, f"video {row.text('video')} is in match {self._match_of[video]!r} and in {name!r}"
            )
            return None
        fold = _whole(row.text("fold"))
        if row.text("fold") and fold is None:
            self._fault(row, f"fold is {row.text('fold')!r}; write a whole number from 0 up")
        match = self.matches.setdefault(name, MatchDraft(name=name, annotations=[], fold=fold))
        if fold is not None and match.fold != fold:
            self._fault(
                row, f"match {name!r} is in fold {match.fold} and in {fold}; one match is in one fold"
            )
        if video not in match.videos:
            match.videos.append(video)
        return match

    def _moment(self, row: TableRow) -> tuple[float | None, int | None]:
        seconds, frame = row.text("seconds"), row.text("frame")
        if bool(seconds) == bool(frame):
            self._fault(row, "needs seconds or frame, one of the two")
        elif frame:
            number = _whole(frame)
            if number is None:
                self._fault(row, f"frame is {frame!r}; write a whole number, from 0 for the first frame")
            return None, number
        else:
            try:
                value = self._table.number(row, "seconds")
            except DataError:
                value = -1.0
            if value >= 0:
                return value, None
            self._fault(row, f"seconds is {seconds!r}; write a number from 0 up, like 12.5")
        return None, None


def _whole(text: str) -> int | None:
    """Return a whole number from 0 up; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
