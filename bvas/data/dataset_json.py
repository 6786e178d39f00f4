"""`dataset.json`: matches, videos, annotations and folds of a data root that is not SoccerNet's; see docs/data.md.

A file is read to its end whatever is wrong with it, so that all its faults can be told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.data.json_object import Fields, read_filed_json
from bvas.data.raw_annotations import AnnotationList, Fault, FiledAnnotation
from bvas.values.plural import count_text

DATASET_NAME = "dataset.json"
FORMAT = "bvas-dataset-1"
_MATCH_KEYS = ("name", "fold", "videos", "annotations", "challenge", "test", "note")
_ANNOTATION_KEYS = ("part", "seconds", "frame", "label", "team", "visible", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMatch:
    """One match of a `dataset.json`."""

    name: str
    place: str
    """Where in the file it stands, for messages."""
    fold: int | None
    """None where the file leaves it open, and for challenge matches."""
    is_challenge: bool
    is_test: bool
    videos: tuple[Path, ...]
    """Its parts in order."""
    annotations: AnnotationList | Path | None
    """The list, or the file that holds it, or None for a match without annotations."""
    declared: tuple[str, ...]
    """Labels that the annotations may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a `dataset.json` says."""

    path: Path
    labels: tuple[str, ...]
    matches: tuple[DatasetMatch, ...]


def read_dataset(path: Path) -> tuple[Dataset, list[Fault]]:
    """Read a `dataset.json`; annotations that stand in files beside it are read by `read_annotations`.

    Returns:
        What could be read, and all that is wrong with the file.
    """
    faults: list[Fault] = []
    content = read_filed_json(path, faults)
    return (Dataset(path=path, labels=(), matches=()), faults) if faults else parse_dataset(content, path)


def parse_dataset(content: Any, path: Path) -> tuple[Dataset, list[Fault]]:
    """Return what the JSON value of a `dataset.json` says, and all that is wrong with it."""
    faults: list[Fault] = []
    fields = Fields(content, path, "", ("format", "labels", "matches", "note"), faults)
    given = fields.text("format")
    if given and given != FORMAT:
        fields.fault(f"'format' is {given!r}; this version reads {FORMAT!r}")
    labels = _labels(fields)
    matches = [
        _match(value, path, number, labels, faults) for number, value in enumerate(fields.items("matches"))
    ]
    if not matches and not faults:
        fields.fault("'matches' is empty; list at least one")
    there = [match for match in matches if match is not None]
    faults += _repetitions(path, there) + _fold_faults(path, there)
    return Dataset(path=path, labels=labels, matches=tuple(there)), faults


def read_annotations(match: DatasetMatch) -> tuple[AnnotationList, list[Fault]]:
    """Return the annotations of a match that has some, from wherever they stand, and what is wrong with them."""
    assert match.annotations is not None
    if isinstance(match.annotations, AnnotationList):
        # Read with the dataset, and its faults told there.
        return match.annotations, []
    path, faults = match.annotations, list[Fault]()
    content = read_filed_json(path, faults)
    if faults:
        return AnnotationList(path, "", ()), faults
    values = Fields(content, path, "", ("annotations", "note"), faults).items("annotations")
    return _annotation_list(values, path, "", len(match.videos), match.declared, faults), faults


def _labels(fields: Fields) -> tuple[str, ...]:
    labels = fields.items("labels")
    if not labels and not isinstance(fields.get("labels"), list):
        return ()  # told already
    if not labels or not all(isinstance(label, str) and label for label in labels):
        fields.fault(f"'labels' must be a list of names, got {labels!r}")
        return ()
    if len(set(labels)) < len(labels):
        fields.fault(f"'labels' names one twice: {labels!r}")
    return tuple(dict.fromkeys(labels))


def _match(
    value: Any, path: Path, number: int, declared: tuple[str, ...], faults: list[Fault]
) -> DatasetMatch | None:
    name = value.get("name") if isinstance(value, dict) else None
    place = f"match {number} {name!r}" if isinstance(name, str) else f"match {number}"
    fields = Fields(value, path, place, _MATCH_KEYS, faults)
    if not fields.is_object:
        return None
    name = fields.text("name")
    if name and not _is_folder_name(name):
        fields.fault(
            f"'name' is {name!r}; it becomes a folder below the predictions, so no '..', '\\' or ':'"
        )
        name = ""
    fold = fields.whole("fold")
    videos = _videos(fields)
    annotations = _where_annotations(fields, path, place, len(videos), declared, faults)
    challenge = fields.flag("challenge", default=annotations is None)
    if annotations is None and not challenge:
        fields.fault("is no challenge match and has no 'annotations'; [] says that nothing happens in it")
    if challenge and fold is not None:
        fields.fault(f"is a challenge match in fold {fold}; such matches have no fold")
    if not name:
        return None
    return DatasetMatch(
        name=name,
        place=place,
        fold=None if challenge else fold,
        is_challenge=challenge,
        is_test=fields.flag("test", default=False),
        videos=tuple(path.parent / video for video in videos),
        annotations=annotations,
        declared=declared,
    )


def _videos(fields: Fields) -> list[str]:
    videos = fields.items("videos")
    if all(isinstance(video, str) and video for video in videos):
        if not videos and isinstance(fields.get("videos"), list):
            fields.fault("'videos' is empty; list the files, as paths from the folder of this file")
        return videos
    fields.fault(f"'videos' must be names of files, as paths from the folder of this file, got {videos!r}")
    return []


def _where_annotations(
    fields: Fields, path: Path, place: str, num_videos: int, declared: tuple[str, ...], faults: list[Fault]
) -> AnnotationList | Path | None:
    value = fields.get("annotations")
    if value is None:
        return None
    if isinstance(value, str) and value:
        return path.parent / value
    if isinstance(value, list):
        return _annotation_list(value, path, place, num_videos, declared, faults)
    fields.fault(f"'annotations' must be a list, or the name of a file with one, got {value!r}")
    return AnnotationList(path, place, ())


def _annotation_list(
    values: Sequence[Any],
    path: Path,
    place: str,
    num_videos: int,
    declared: tuple[str, ...],
    faults: list[Fault],
) -> AnnotationList:
    items = []
    for number, value in enumerate(values):
        entry = f"annotation {number}"
        fields = Fields(value, path, f"{place}, {entry}" if place else entry, _ANNOTATION_KEYS, faults)
        if not fields.is_object:
            continue
        label = fields.text("label")
        if label and declared and label not in declared:
            fields.fault(f"label {label!r} is not among the dataset's 'labels': {', '.join(declared)}")
        seconds, frame, part = fields.number("seconds"), fields.whole("frame"), fields.whole("part")
        if not fields.has_one_of("seconds", "frame"):
            fields.fault("needs 'seconds' or 'frame', one of the two")
        if part is None and num_videos > 1:
            fields.fault(f"needs 'part', as the match has {count_text(num_videos, 'video')}")
        elif part is not None and num_videos and not 1 <= part <= num_videos:
            fields.fault(f"'part' is {part}; the match has {count_text(num_videos, 'video')}, counted from 1")
        elif label and (seconds is None) != (frame is None):
            items.append(
                FiledAnnotation(
                    number=number,
                    part=part or 1,
                    label=label,
                    seconds=seconds,
                    frame=frame,
                    team=fields.optional_text("team"),
                    visible=fields.flag("visible", default=True),
                )
            )
    return AnnotationList(path, place, tuple(items))


def _is_folder_name(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not (set(name) & set("\\:\0")) and ".." not in parts and not name.startswith("/") and name != "."


def _repetitions(path: Path, matches: Sequence[DatasetMatch]) -> list[Fault]:
    """Return matches and videos that stand twice: what is learnt from one would be asked of the other."""
    faults: list[Fault] = []
    names: dict[str, DatasetMatch] = {}
    videos: dict[Path, DatasetMatch] = {}
    for match in matches:
        if match.name in names:
            other = names[match.name]
            folds = f", in folds {other.fold} and {match.fold}" if match.fold != other.fold else ""
            faults.append(Fault(path, match.place, f"stands twice{folds}: {other.place} has the same name"))
        names.setdefault(match.name, match)
        for video in match.videos:
            if video.resolve() in videos:
                other = videos[video.resolve()]
                faults.append(Fault(path, match.place, f"{video} is also a video of {other.place}"))
            videos.setdefault(video.resolve(), match)
        stems = [video.stem for video in match.videos]
        if len(set(stems)) < len(set(match.videos)):
            faults.append(
                Fault(
                    path, match.place, f"two videos are called alike ({stems}); score curves go by the name"
                )
            )
    return faults


def _fold_faults(path: Path, matches: Sequence[DatasetMatch]) -> list[Fault]:
    labelled = [match for match in matches if not match.is_challenge]
    folds = {match.fold for match in labelled if match.fold is not None}
    if not folds:
        return []
    without = [
        Fault(path, match.place, "has no 'fold' while other matches have one; give all or none")
        for match in labelled
        if match.fold is None
    ]
    return without + [
        Fault(
            path, "", f"fold {fold} has no match; folds are counted from 0 up to {max(folds)} without a gap"
        )
        for fold in range(max(folds))
        if fold not in folds
    ]
