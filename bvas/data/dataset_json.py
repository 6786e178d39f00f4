"""Format `dataset.json`: matches, videos, annotations and folds of data that is not SoccerNet's; see docs/data.md.

A file is read to its end whatever is wrong with it, so that all its faults are found in one run.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.data.dataset_annotations import (
    AnnotationsObject,
    RangeObject,
    annotation_list,
    check_keys_of_2,
    check_label,
    check_range,
    sample_annotation,
)
from bvas.data.dataset_match import Dataset, DatasetMatch, check_repetitions, check_sides
from bvas.data.json_object import Count, Flag, Items, Moment, Name, Names, Place, read_json_file
from bvas.data.raw_annotations import AnnotationList, Fault
from bvas.data.splits import SPLITS, SplitName
from bvas.errors import redacted
from bvas.video.container.read_options import remote_name
from bvas.video.index.remote_file import RemoteFile, is_remote

DATASET_NAME = "dataset.json"
FORMAT = "bvas-dataset-1"
FORMAT_2 = "bvas-dataset-2"
_NAME_RULE = "it becomes a folder below the predictions, so no '..', '\\' or ':'"


@dataclass(frozen=True, slots=True)
class _FileObject:
    """The whole file; what is behind `note` needs version 2."""

    format: Name = ""
    labels: Names = ()
    matches: Items = ()
    note: Any = None
    samples: Items = ()
    folds: Count | None = None
    """Number of folds to draw."""
    splits: Any = None
    """Shares of the splits to draw."""
    seed: Count | None = None


@dataclass(frozen=True, slots=True)
class _SharesObject:
    """Shares of samples in each split, on any scale."""

    train: Moment = 0.0
    valid: Moment = 0.0
    test: Moment = 0.0


@dataclass(frozen=True, slots=True)
class _MatchObject:
    """One entry of `matches`; `group` and `split` need version 2."""

    name: Name = ""
    fold: Count | None = None
    videos: Names = ()
    annotations: Any = None
    """A list, or the name of a file with one."""
    challenge: Flag | None = None
    """None: if there are no annotations."""
    test: Flag = False
    note: Any = None
    group: Name | None = None
    split: Name | None = None


@dataclass(frozen=True, slots=True)
class _SampleObject(RangeObject):
    """One entry of `samples`: a video, or a range of it, with one label."""

    video: Name = ""
    label: Name = ""
    name: Name | None = None
    group: Name | None = None
    fold: Count | None = None
    split: Name | None = None
    note: Any = None


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
    is_2 = isinstance(content, dict) and content.get("format") == FORMAT_2
    lists = ("samples",) if is_2 and content.get("matches") is None else ("matches",)
    file = place.read(content, _FileObject, needs=("format", "labels", *lists))
    if file is None:
        return Dataset(), faults
    if file.format and file.format not in (FORMAT, FORMAT_2):
        place.fault(f"'format' is {file.format!r}; this version reads {FORMAT!r} and {FORMAT_2!r}")
    if len(set(file.labels)) < len(file.labels):
        place.fault(f"'labels' names one twice: {file.labels!r}")
    if not file.labels and isinstance(content.get("labels"), list) and not faults:
        place.fault("'labels' is empty; name at least one")
    if not is_2:
        check_keys_of_2(content, ("samples", "folds", "splits", "seed"), place)
    labels, version = tuple(dict.fromkeys(file.labels)), 2 if is_2 else 1
    matches = [_match(value, place, number, labels, version) for number, value in enumerate(file.matches)]
    matches += [_sample(value, place, number, labels) for number, value in enumerate(file.samples)]
    if not matches and not faults:
        place.fault(f"{lists[0]!r} is empty; list at least one")
    there = [match for match in matches if match is not None]
    check_repetitions(place, there)
    check_sides(place, there)
    shares = {} if file.splits is None else _shares(file.splits, place.inner("'splits'"))
    if (
        sum(
            (
                bool(shares),
                bool(file.folds),
                any(match.fold is not None for match in there),
                any(match.split is not None for match in there),
            )
        )
        > 1
    ):
        place.fault(
            "gives two of 'folds', 'splits', a fold with each match, and a split with each match; keep one"
        )
    dataset = Dataset(
        labels=labels, matches=tuple(there), num_folds=file.folds or 0, shares=shares, seed=file.seed or 0
    )
    return dataset, faults


def read_annotations(match: DatasetMatch) -> tuple[AnnotationList, list[Fault]]:
    """Return the annotations of a match that has some, and their faults."""
    assert match.annotations is not None
    if isinstance(match.annotations, AnnotationList):
        # Read with the dataset, and its faults are noted there.
        return match.annotations, []
    path, faults = match.annotations, list[Fault]()
    content = read_json_file(path, faults)
    place = Place(path, "", faults)
    file = None if faults else place.read(content, AnnotationsObject, needs=("annotations",))
    if file is None:
        return AnnotationList(path, "", ()), faults
    found = annotation_list(
        file.annotations,
        place,
        num_videos=len(match.videos),
        declared=match.declared,
        version=match.version,
    )
    return found, faults


def _match(
    value: Any, file: Place, number: int, declared: tuple[str, ...], version: int
) -> DatasetMatch | None:
    name = value.get("name") if isinstance(value, dict) else None
    place = file.inner(f"match {number} {name!r}" if isinstance(name, str) else f"match {number}")
    match = place.read(value, _MatchObject, needs=("name", "videos"))
    if match is None:
        return None
    is_name = not match.name or _is_folder_name(match.name)
    if not is_name:
        place.fault(f"'name' is {match.name!r}; {_NAME_RULE}")
    if version == 1:
        check_keys_of_2(value, ("group", "split"), place)
    if value.get("videos") == []:
        place.fault("'videos' is empty; list the files, as paths from the folder of this file")
    annotations = _where_annotations(match, place, declared, version)
    challenge = annotations is None if match.challenge is None else match.challenge
    if annotations is None and not challenge:
        place.fault("is not a challenge match and has no 'annotations'; [] says that nothing happens in it")
    for key in ("fold", "split"):
        if challenge and getattr(match, key) is not None:
            place.fault(f"is a challenge match in {key} {getattr(match, key)}; such matches have no {key}")
    if not match.name or not is_name:
        return None
    return DatasetMatch(
        name=match.name,
        place=place.place,
        group=match.group or match.name,
        fold=None if challenge else match.fold,
        split=None if challenge else _split(match.split, place),
        is_challenge=challenge,
        is_test=match.test,
        videos=tuple(_video(video, file) for video in match.videos),
        annotations=annotations,
        declared=declared,
        version=version,
    )


def _sample(value: Any, file: Place, number: int, declared: tuple[str, ...]) -> DatasetMatch | None:
    video = value.get("video") if isinstance(value, dict) else None
    shown = f" {redacted(video)!r}" if isinstance(video, str) else ""
    place = file.inner(f"sample {number}{shown}")
    sample = place.read(value, _SampleObject, needs=("video", "label"))
    if sample is None or not sample.video:
        return None
    check_label(sample.label, place, declared)
    has_range = check_range(sample, value, place)
    name = sample.name or _sample_name(sample, has_range)
    if not _is_folder_name(name):
        place.fault(f"'name' is {name!r}; {_NAME_RULE}")
        return None
    return DatasetMatch(
        name=name,
        place=place.place,
        # Ranges of one video belong together.
        group=sample.group or (remote_name(sample.video) if is_remote(sample.video) else sample.video),
        fold=sample.fold,
        split=_split(sample.split, place),
        is_sample=True,
        videos=(_video(sample.video, file),),
        annotations=sample_annotation(sample, sample.label, place),
        declared=declared,
        version=2,
    )


def _video(text: str, file: Place) -> Path | RemoteFile:
    return RemoteFile(text) if is_remote(text) else file.path.parent / text


def _sample_name(sample: _SampleObject, has_range: bool) -> str:
    """Return the path of the video without its suffix; of a range, with its ends."""
    path = PurePosixPath(RemoteFile(sample.video).place if is_remote(sample.video) else sample.video)
    name = (path.parent / path.stem).as_posix()
    if path.is_absolute() or ".." in path.parts:
        name = path.stem
    if not has_range:
        return name
    if sample.from_seconds is not None:
        return f"{name}_{sample.from_seconds:.10g}-{sample.to_seconds:.10g}s"
    return f"{name}_{sample.from_frame}-{sample.to_frame}"


def _split(name: str | None, place: Place) -> SplitName | None:
    found = [split for split in SPLITS if split == name]
    if name is not None and not found:
        place.fault(f"'split' is {name!r}; it must be one of {', '.join(SPLITS)}")
    return found[0] if found else None


def _shares(value: Any, place: Place) -> dict[SplitName, float]:
    file = place.read(value, _SharesObject, needs=("train", "valid"))
    if file is None:
        return {}
    shares = {split: float(getattr(file, split)) for split in SPLITS if getattr(file, split) > 0}
    place_faults = [split for split in SPLITS[:2] if split not in shares and value.get(split) is not None]
    if place_faults:
        place.fault(f"{place_faults[0]!r} is {value[place_faults[0]]!r}; training needs some of it")
    return shares


def _where_annotations(
    match: _MatchObject, place: Place, declared: tuple[str, ...], version: int
) -> AnnotationList | Path | None:
    value = match.annotations
    if value is None:
        return None
    if isinstance(value, str) and value:
        return place.path.parent / value
    if isinstance(value, list):
        num_videos = len(match.videos)
        return annotation_list(value, place, num_videos=num_videos, declared=declared, version=version)
    place.fault(f"'annotations' must be a list, or the name of a file with one, got {value!r}")
    return AnnotationList(place.path, place.place, ())


def _is_folder_name(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not (set(name) & set("\\:\0")) and ".." not in parts and not name.startswith("/")
