"""Format `dataset.json`: matches, videos, annotations and folds of data that is not SoccerNet's; see docs/data.md.

A file is read to its end whatever is wrong with it, so that all its faults are found in one run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.data.json_object import Count, Flag, Items, Moment, Name, Names, Place, read_json_file
from bvas.data.raw_annotations import AnnotationList, Fault, RawAnnotation
from bvas.values.plural import count_text

DATASET_NAME = "dataset.json"
FORMAT = "bvas-dataset-1"


@dataclass(frozen=True, slots=True)
class _FileObject:
    """The whole file."""

    format: Name = ""
    labels: Names = ()
    matches: Items = ()
    note: Any = None


@dataclass(frozen=True, slots=True)
class _MatchObject:
    """One entry of `matches`."""

    name: Name = ""
    fold: Count | None = None
    videos: Names = ()
    annotations: Any = None
    """A list, or the name of a file with one."""
    challenge: Flag | None = None
    """None: if there are no annotations."""
    test: Flag = False
    note: Any = None


@dataclass(frozen=True, slots=True)
class _AnnotationsObject:
    """A file with the annotations of one match."""

    annotations: Items = ()
    note: Any = None


@dataclass(frozen=True, slots=True)
class _AnnotationObject:
    """One annotation: `seconds` or `frame`."""

    part: Count | None = None
    seconds: Moment | None = None
    frame: Count | None = None
    label: Name = ""
    team: Name | None = None
    visible: Flag = True
    note: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetMatch:
    """One match of a `dataset.json`."""

    name: str
    place: str
    """Its place in the file, for messages."""
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
    """Contents of a `dataset.json`."""

    labels: tuple[str, ...] = ()
    matches: tuple[DatasetMatch, ...] = ()


def read_dataset(path: Path) -> tuple[Dataset, list[Fault]]:
    """Read a `dataset.json`; annotations that stand in files beside it are read by `read_annotations`.

    Returns:
        The contents, as far as they could be read, and all faults of the file.
    """
    faults: list[Fault] = []
    content = read_json_file(path, faults)
    return (Dataset(), faults) if faults else parse_dataset(content, path)


def parse_dataset(content: Any, path: Path) -> tuple[Dataset, list[Fault]]:
    """Return the contents of the JSON value of a `dataset.json`, and all its faults."""
    faults: list[Fault] = []
    place = Place(path, "", faults)
    file = place.read(content, _FileObject, needs=("format", "labels", "matches"))
    if file is None:
        return Dataset(), faults
    if file.format and file.format != FORMAT:
        place.fault(f"'format' is {file.format!r}; this version reads {FORMAT!r}")
    if len(set(file.labels)) < len(file.labels):
        place.fault(f"'labels' names one twice: {file.labels!r}")
    if not file.labels and isinstance(content.get("labels"), list) and not faults:
        place.fault("'labels' is empty; name at least one")
    labels = tuple(dict.fromkeys(file.labels))
    matches = [_match(value, place, number, labels) for number, value in enumerate(file.matches)]
    if not matches and not faults:
        place.fault("'matches' is empty; list at least one")
    there = [match for match in matches if match is not None]
    _check_repetitions(place, there)
    _check_folds(place, there)
    return Dataset(labels=labels, matches=tuple(there)), faults


def read_annotations(match: DatasetMatch) -> tuple[AnnotationList, list[Fault]]:
    """Return the annotations of a match that has some, and their faults."""
    assert match.annotations is not None
    if isinstance(match.annotations, AnnotationList):
        # Read with the dataset, and its faults are noted there.
        return match.annotations, []
    path, faults = match.annotations, list[Fault]()
    content = read_json_file(path, faults)
    place = Place(path, "", faults)
    file = None if faults else place.read(content, _AnnotationsObject, needs=("annotations",))
    if file is None:
        return AnnotationList(path, "", ()), faults
    return _annotation_list(file.annotations, place, len(match.videos), match.declared), faults


def _match(value: Any, file: Place, number: int, declared: tuple[str, ...]) -> DatasetMatch | None:
    name = value.get("name") if isinstance(value, dict) else None
    place = file.inner(f"match {number} {name!r}" if isinstance(name, str) else f"match {number}")
    match = place.read(value, _MatchObject, needs=("name", "videos"))
    if match is None:
        return None
    is_name = not match.name or _is_folder_name(match.name)
    if not is_name:
        rule = "it becomes a folder below the predictions, so no '..', '\\' or ':'"
        place.fault(f"'name' is {match.name!r}; {rule}")
    if value.get("videos") == []:
        place.fault("'videos' is empty; list the files, as paths from the folder of this file")
    annotations = _where_annotations(match, place, declared)
    challenge = annotations is None if match.challenge is None else match.challenge
    if annotations is None and not challenge:
        place.fault("is not a challenge match and has no 'annotations'; [] says that nothing happens in it")
    if challenge and match.fold is not None:
        place.fault(f"is a challenge match in fold {match.fold}; such matches have no fold")
    if not match.name or not is_name:
        return None
    return DatasetMatch(
        name=match.name,
        place=place.place,
        fold=None if challenge else match.fold,
        is_challenge=challenge,
        is_test=match.test,
        videos=tuple(file.path.parent / video for video in match.videos),
        annotations=annotations,
        declared=declared,
    )


def _where_annotations(
    match: _MatchObject, place: Place, declared: tuple[str, ...]
) -> AnnotationList | Path | None:
    value = match.annotations
    if value is None:
        return None
    if isinstance(value, str) and value:
        return place.path.parent / value
    if isinstance(value, list):
        return _annotation_list(value, place, len(match.videos), declared)
    place.fault(f"'annotations' must be a list, or the name of a file with one, got {value!r}")
    return AnnotationList(place.path, place.place, ())


def _annotation_list(
    values: Sequence[Any], place: Place, num_videos: int, declared: tuple[str, ...]
) -> AnnotationList:
    items = []
    videos = count_text(num_videos, "video")
    for number, value in enumerate(values):
        entry = place.inner(f"annotation {number}")
        item = entry.read(value, _AnnotationObject, needs=("label",))
        if item is None:
            continue
        if item.label and declared and item.label not in declared:
            entry.fault(f"label {item.label!r} is not among the dataset's 'labels': {', '.join(declared)}")
        # Of the file itself: a wrong value has its own fault.
        if (value.get("seconds") is None) == (value.get("frame") is None):
            entry.fault("needs 'seconds' or 'frame', one of the two")
        if value.get("part") is None and num_videos > 1:
            entry.fault(f"needs 'part', as the match has {videos}")
        elif item.part is not None and num_videos and not 1 <= item.part <= num_videos:
            entry.fault(f"'part' is {item.part}; the match has {videos}, counted from 1")
        elif item.label and (item.seconds is None) != (item.frame is None):
            part = item.part or 1
            items.append(
                RawAnnotation(number, part, item.label, item.seconds, item.frame, item.team, item.visible)
            )
    return AnnotationList(place.path, place.place, tuple(items))


def _is_folder_name(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not (set(name) & set("\\:\0")) and ".." not in parts and not name.startswith("/") and name != "."


def _check_repetitions(file: Place, matches: Sequence[DatasetMatch]) -> None:
    """Note each repeated match and video: training data would be tested on."""
    names: dict[str, DatasetMatch] = {}
    videos: dict[Path, DatasetMatch] = {}
    for match in matches:
        place = file.inner(match.place)
        if match.name in names:
            other = names[match.name]
            folds = f", in folds {other.fold} and {match.fold}" if match.fold != other.fold else ""
            place.fault(f"stands twice{folds}: {other.place} has the same name")
        names.setdefault(match.name, match)
        for video in match.videos:
            if video.resolve() in videos:
                place.fault(f"{video} is also a video of {videos[video.resolve()].place}")
            videos.setdefault(video.resolve(), match)
        stems = [video.stem for video in match.videos]
        if len(set(stems)) < len(set(match.videos)):
            place.fault(f"two videos are called alike ({stems}); score curves go by the name")


def _check_folds(file: Place, matches: Sequence[DatasetMatch]) -> None:
    labelled = [match for match in matches if not match.is_challenge]
    folds = {match.fold for match in labelled if match.fold is not None}
    for match in labelled:
        if folds and match.fold is None:
            file.inner(match.place).fault("has no 'fold' while other matches have one; give all or none")
    last = max(folds, default=0)
    for fold in sorted(set(range(last)) - folds):
        file.fault(f"fold {fold} has no match; folds are counted from 0 up to {last} without a gap")
