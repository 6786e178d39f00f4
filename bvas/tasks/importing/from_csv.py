"""Tables with a line for each annotation: video, label, seconds or frame, and more where it is known."""

import csv
import math
from pathlib import Path

from bvas.errors import DataError
from bvas.tasks.filed import Fault, FiledAnnotation
from bvas.tasks.importing.draft import Import, MatchDraft, labels_in

_COLUMNS = ("video", "label", "seconds", "frame", "team", "visible", "fold", "match")
_FLAGS = {"": True, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_csv(source: Path, videos: Path) -> Import:
    """Read a table.

    The first line names the columns: `video`, `label`, and `seconds` or `frame` (or both, of which each line fills
    one); `team`, `visible`, `fold` and `match` may follow. Commas or semicolons separate. Videos with the same
    `match` are its parts in the order in which they appear; without that column each video is a match, named after
    the file. A line without label and time says that nothing happens in a video.

    Args:
        source: The file.
        videos: Folder that the paths of the videos begin in.

    Raises:
        DataError: the file cannot be read, or its first line does not name the columns.
    """
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {source}: {error}; save the table as CSV in UTF-8") from error
    head = lines[0] if lines else ""
    rows = csv.DictReader(lines, delimiter=";" if head.count(";") > head.count(",") else ",", restkey="")
    columns = [column.strip().lower() for column in rows.fieldnames or []]
    rows.fieldnames = columns
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown or not {"video", "label"} <= set(columns) or not {"seconds", "frame"} & set(columns):
        raise DataError(
            f"the first line of {source} names the columns {', '.join(columns) or '(none)'}; it needs video, label, "
            f"and seconds or frame, and may have team, visible, fold, match"
        )
    table = _Table(source, videos)
    for row in rows:
        table.add(rows.line_num, {key: (value or "").strip() for key, value in row.items() if key})
    drafts = list(table.matches.values())
    if not drafts and not table.faults:
        raise DataError(f"{source} has no line below the names of the columns")
    return Import(labels=labels_in(drafts, ()), matches=tuple(drafts), faults=tuple(table.faults))


class _Table:
    """The matches of the lines read so far."""

    def __init__(self, source: Path, videos: Path) -> None:
        self.matches: dict[str, MatchDraft] = {}
        self.faults: list[Fault] = []
        self._source, self._videos = source, videos
        self._match_of: dict[Path, str] = {}

    def add(self, line: int, row: dict[str, str]) -> None:
        """Take in one line."""
        video = self._videos / row["video"]
        if not row["video"] or not video.is_file():
            self._fault(
                line, f"no video {row['video'] or '(empty)'} in {self._videos}; say where with --videos"
            )
            return
        match = self._match(line, row, video)
        if match is None:
            return
        if not row["label"] and not row.get("seconds") and not row.get("frame"):
            return
        seconds, frame = self._moment(line, row)
        visible = _FLAGS.get(row.get("visible", "").lower())
        if not row["label"]:
            self._fault(line, "has no label")
        if visible is None:
            self._fault(line, f"visible is {row['visible']!r}; write yes or no")
        assert match.annotations is not None
        if row["label"] and (seconds is not None or frame is not None):
            match.annotations.append(
                FiledAnnotation(
                    number=line,
                    part=match.videos.index(video) + 1,
                    label=row["label"],
                    seconds=seconds,
                    frame=frame,
                    team=row.get("team") or None,
                    visible=visible is not False,
                )
            )

    def _fault(self, line: int, message: str) -> None:
        self.faults.append(Fault(self._source, f"line {line}", message))

    def _match(self, line: int, row: dict[str, str], video: Path) -> MatchDraft | None:
        name = row.get("match") or video.stem
        if self._match_of.setdefault(video, name) != name:
            self._fault(line, f"video {row['video']} is in match {self._match_of[video]!r} and in {name!r}")
            return None
        fold = row.get("fold", "")
        if fold and not fold.isdecimal():
            self._fault(line, f"fold is {fold!r}; write a whole number from 0 up")
            fold = ""
        match = self.matches.setdefault(
            name, MatchDraft(name=name, annotations=[], fold=int(fold) if fold else None)
        )
        if fold and match.fold != int(fold):
            self._fault(
                line, f"match {name!r} is in fold {match.fold} and in {fold}; one match is in one fold"
            )
        if video not in match.videos:
            match.videos.append(video)
        return match

    def _moment(self, line: int, row: dict[str, str]) -> tuple[float | None, int | None]:
        seconds, frame = row.get("seconds", ""), row.get("frame", "")
        if bool(seconds) == bool(frame):
            self._fault(line, "needs seconds or frame, one of the two")
        elif frame and frame.isdecimal():
            return None, int(frame)
        elif frame:
            self._fault(line, f"frame is {frame!r}; write a whole number, from 0 for the first frame")
        else:
            try:
                value = float(seconds)
            except ValueError:
                value = math.nan
            if 0 <= value < math.inf:
                return value, None
            self._fault(line, f"seconds is {seconds!r}; write a number from 0 up, with a point")
        return None, None
