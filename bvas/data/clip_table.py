"""Table of the files of a data root: label, side, frames, seconds, rate and size of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from bvas.data.data_check import DataCheck
from bvas.data.labelled_ranges import ends_of
from bvas.data.matches import Match
from bvas.data.raw_annotations import AnnotationList, RawAnnotation
from bvas.system.table_files import table_text
from bvas.values.annotations import LabelSet
from bvas.values.frame_boundaries import nearest_boundary
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_index import build_index


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file, or the range of it that a sample is."""

    file: str
    name: str
    """Of the match or sample."""
    label: str
    """Empty where it is not a sample."""
    side: str
    """Fold or split by name."""
    group: str
    frames: int
    seconds: float
    rate: float
    """Frames per second."""
    height: int
    width: int
    clips: int | None = None
    """Possible clips of an experiment in it; None where none is given."""


def file_rows(check: DataCheck) -> list[FileRow]:
    """Return a row for each video of a check that could be indexed, in its order.

    Frames and seconds of a sample that is a range are those of the range.
    """
    rows = []
    for match, info in check.videos:
        item = sample_item(match)
        frames, seconds = info.num_frames, info.duration_seconds
        if item is not None and is_part(item):
            index, _ = build_index(info.path)
            first, stop = sample_frames(item, index)
            ends = [*index.seconds.tolist(), index.duration_seconds]
            frames, seconds = stop - first, ends[stop] - ends[first]
        rows.append(
            FileRow(
                file=str(info.path),
                name=match.name,
                label="" if item is None else shown_label(item.label, check.task.labels),
                side=match.side,
                group=match.group,
                frames=frames,
                seconds=round(seconds, 6),
                rate=round(float(info.rate), 6),
                height=info.height,
                width=info.width,
            )
        )
    return rows


def rows_text(rows: Sequence[FileRow]) -> str:
    """Return rows as a CSV table."""
    return table_text([field.name for field in fields(FileRow)], map(astuple, rows))


def sample_item(match: Match) -> RawAnnotation | None:
    """Return the label of a sample, over its range; None of a match."""
    if match.listed is None or not match.listed.is_sample:
        return None
    assert isinstance(match.listed.annotations, AnnotationList)
    (item,) = match.listed.annotations.items
    return item


def shown_label(label: str, labels: LabelSet) -> str:
    """Return the label of a task that a label of a file counts as; its own name where the task does not have it."""
    return labels.names[labels.label_id(label)] if label in labels else label


def is_part(item: RawAnnotation) -> bool:
    """Return whether a sample is a range in its file, not all of it."""
    return item.frame is not None or item.seconds != 0 or item.end_seconds != float("inf")


def sample_frames(item: RawAnnotation, index: VideoIndex) -> tuple[int, int]:
    """Return the frames [first, stop) of a sample, at least one; a range behind the end is the last frame."""
    if item.frame is not None and item.frame >= index.num_frames:
        return index.num_frames - 1, index.num_frames
    begin, end = (nearest_boundary(index.seconds, index.duration_seconds, at) for at in ends_of(item, index))
    begin = min(begin, index.num_frames - 1)
    return begin, max(end, begin + 1)


def has_samples(check: DataCheck) -> bool:
    """Return whether all that a check found are samples."""
    return bool(check.matches) and all(sample_item(match) is not None for match in check.matches)


def training_rows(check: DataCheck, rows: Sequence[FileRow]) -> list[FileRow]:
    """Return the rows of samples that are trained on: of split train, or of all folds."""
    has_splits = any(match.split for match in check.matches)
    return [row for row in rows if row.label and (row.side == "train" or not has_splits)]


def training_counts(check: DataCheck) -> Counter[str]:
    """Return the samples of each label that are trained on: of split train, or of all folds."""
    has_splits = any(match.split for match in check.matches)
    found = Counter[str]()
    for (label, side), count in check.counts.items():
        if side == "train" or not has_splits:
            found[label] += count
    return found
