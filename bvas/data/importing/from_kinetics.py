"""Import of Kinetics' tables: `label,youtube_id,time_start,time_end,split`."""

import logging
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from bvas.data.importing.clip_drafts import SPLIT_NAMES, clip_draft, is_video_name, with_valid
from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.raw_annotations import Fault
from bvas.errors import BvasError, DataError
from bvas.system.table_files import Table, TableRow, head_names, read_table
from bvas.system.text_files import read_text
from bvas.values.plural import count_text
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_TABLES = ("train.csv", "val.csv", "validate.csv", "validation.csv", "test.csv")
_ID = re.compile(r"[\w-]+", re.ASCII)
_LATEST_SECONDS = 999_999
_MOST_NAMED = 3


def kinetics_tables(source: Path) -> list[Path]:
    """Return the tables of Kinetics that a path is, or that a folder holds."""
    paths = [source / name for name in _TABLES] if source.is_dir() else [source]
    return [path for path in paths if path.is_file() and _is_table(path)]


def read_kinetics(
    source: Path, videos: Path, *, shares: Sequence[float] | None = None, seed: int = 0
) -> Import:
    """Read tables of clips. A group is a YouTube video.

    A clip is `ID_000010_000020.mp4` or `ID.mp4`, at any depth below `videos`; if the latter is longer than the clip,
    it is the whole video, and the clip is a range of it. Missing videos are counted in a log line.

    Args:
        source: A table, or a folder with train.csv, val.csv and test.csv.
        videos: Folder of the clips.
        shares: Shares of train and valid, used without a valid split; None: 90, 10.
        seed: Of the draw.

    Raises:
        DataError: a table cannot be read, or its columns are others.
    """
    tables = kinetics_tables(source)
    if not tables:
        raise DataError(
            f"{source} is not a table with the columns {', '.join(_COLUMNS)}, nor a folder of such"
        )
    files = _files(videos)
    faults: list[Fault] = []
    missing: list[str] = []
    drafts: dict[str, MatchDraft] = {}
    lines: dict[str, str] = {}
    labels: set[str] = set()
    for path in tables:
        found = read_table(path, (*_COLUMNS, "is_cc"), numbers=("time_start", "time_end"))
        for row in found.rows:
            draft = _draft(found, row, files, faults, missing)
            if row.text("label"):
                labels.add(row.text("label"))
            if draft is None:
                continue
            here = f"{path.name}, line {row.line}"
            if draft.name in drafts:
                message = f"clip {draft.name} stands twice: {lines[draft.name]} is the same; delete one"
                faults.append(Fault(path, f"line {row.line}", message))
            drafts.setdefault(draft.name, draft)
            lines.setdefault(draft.name, here)
    if missing:
        listed = count_text(len(drafts) + len(missing), "listed clip")
        names = ", ".join(missing[:_MOST_NAMED]) + (", ..." if len(missing) > _MOST_NAMED else "")
        logger.warning("%s: %d of %s missing in %s: %s", source, len(missing), listed, videos, names)
    if not drafts and not faults:
        faults.append(Fault(source, "", f"none of its clips lies below {videos}; say where with --videos"))
    matches = with_valid(list(drafts.values()), shares, seed, source)
    return Import(labels=tuple(sorted(labels)), matches=tuple(matches), faults=tuple(faults))


def _is_table(path: Path) -> bool:
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return False
    head = next((line for line in read_text(path).splitlines() if line.strip()), "")
    return set(head_names(head, _COLUMNS)) == set(_COLUMNS)


def _files(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Return the videos below a folder by their names without suffix."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if is_video_name(path):
            found[path.stem].append(path)
    return found


def _draft(
    table: Table, row: TableRow, files: Mapping[str, Sequence[Path]], faults: list[Fault], missing: list[str]
) -> MatchDraft | None:
    """Return the clip of a row; None, and a fault or a missing name noted, where there is none."""
    entry = f"line {row.line}"
    label, video_id, side = row.text("label"), row.text("youtube_id"), row.text("split").casefold()
    wrong = [] if label else ["label is empty; it must be the name of a class"]
    if not _ID.fullmatch(video_id):
        wrong.append(f"youtube_id is {video_id!r}; it must be letters, digits, '-' and '_'")
    if side not in SPLIT_NAMES:
        wrong.append(f"split is {side!r}; it must be one of {', '.join(SPLIT_NAMES)}")
    ends = []
    for column in ("time_start", "time_end"):
        try:
            ends.append(table.number(row, column))
        except DataError as error:
            wrong.append(str(error).removeprefix(f"{table.path}, {entry}: "))
    if len(ends) == 2 and not 0 <= ends[0] < ends[1] <= _LATEST_SECONDS:
        wrong.append(f"time_start is {ends[0]:g} and time_end {ends[1]:g}; the clip must end after it begins")
    if wrong:
        faults += [Fault(table.path, entry, message) for message in wrong]
        return None
    begin, end = ends
    name = f"{video_id}_{math.floor(begin):06d}_{math.floor(end):06d}"
    found = files.get(name) or files.get(video_id)
    if not found:
        missing.append(name)
        return None
    # Of several the one in the folder of its class.
    video = min(found, key=lambda path: path.parent.name.replace("_", " ") != label.replace("_", " "))
    try:
        span = (0.0, math.inf) if video.stem == name else _span(video, begin, end)
    except BvasError as error:
        faults.append(Fault(table.path, entry, str(error)))
        return None
    return clip_draft(name, video, label, group=video_id, split=SPLIT_NAMES[side], span=span)


def _span(video: Path, begin: float, end: float) -> tuple[float, float]:
    """Return the range of a clip in its file: all of it, unless the file is longer than the clip."""
    duration = build_index(video)[0].duration_seconds
    if duration < end - begin + 1:
        return 0.0, math.inf
    if begin >= duration:
        raise DataError(f"{video} lasts {duration:.1f} s, and the clip begins at {begin:g} s; get it again")
    return begin, min(end, duration)
