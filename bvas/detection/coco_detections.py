"""Detections in COCO's JSON: a list of results, or a dataset with images and annotations.

    [{"image_id": 0, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9}, ...]
    {"images": [{"id": 7, "file_name": "game/000001.jpg"}, ...],
     "annotations": [{"image_id": 7, "category_id": 1, "bbox": [...], "score": 0.9}, ...],
     "categories": [{"id": 1, "name": "person"}, ...]}

A dataset's frame is the last number in `file_name`; that of a list is `image_id`. Both may count from 0 or from 1:
they count from 0 where number 0 is there, from 1 where the number of frames of the video is there, or where a dataset's
first image has number 1. Otherwise `first_image` must say it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from bvas.data.json_object import Count, Items, Name, Place, Rule, read_json_file
from bvas.data.raw_annotations import Fault
from bvas.detection.detection_rows import DetectionRow, frame_boxes
from bvas.errors import ConfigError, DataError
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.values.arrays import Floats
from bvas.values.plural import count_text

PERSON_NAMES = ("person", "player")
"""Categories whose boxes are taken, in any case."""
_COCO_PERSON = 1
# Longer ones are hashes, and no numbers of frames.
_DIGITS = re.compile(r"(?<!\d)\d{1,18}(?!\d)", re.ASCII)
_SHOWN_FAULTS = 3


def _box(value: Any, _: Any) -> tuple[float, float, float, float]:
    if isinstance(value, list) and len(value) == 4 and all(type(side) in (int, float) for side in value):
        x, y, width, height = (float(side) for side in value)
        return x, y, width, height
    raise ValueError


def _number(value: Any, _: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    raise ValueError


_Box = Annotated[tuple[float, float, float, float], Rule("a list of four numbers, x, y, width, height", _box)]
_Score = Annotated[float, Rule("a number", _number)]


@dataclass(frozen=True, slots=True)
class _Result:
    image_id: Count = 0
    category_id: Count = _COCO_PERSON
    bbox: _Box = (0.0, 0.0, 0.0, 0.0)
    score: _Score = 1.0


@dataclass(frozen=True, slots=True)
class _Image:
    id: Count = 0
    file_name: Name = ""


@dataclass(frozen=True, slots=True)
class _Category:
    id: Count = 0
    name: Name = ""


@dataclass(frozen=True, slots=True)
class _Dataset:
    images: Items = ()
    annotations: Items = ()
    categories: Items = ()


def read_coco(path: Path, seconds: Floats, *, first_image: int | None = None) -> list[FrameBoxes]:
    """Return the persons of each frame that has any, in order of frames; a box without a score has 1.

    Categories are taken by name (`PERSON_NAMES`). Without names it is the only category that is there, or, of several,
    number 1, COCO's person.

    Args:
        path: The file.
        seconds: Times of the video's F frames [F].
        first_image: Number of the first frame in the file, 0 or 1; None: as the file shows it.

    Raises:
        ConfigError: `first_image` is neither 0 nor 1.
        DataError: the file is missing or malformed, has frames that the video has not, or does not show whether its
            frames count from 0 or from 1.
    """
    if first_image not in (None, 0, 1):
        raise ConfigError(
            f"first_image must be 0 or 1, got {first_image}: it is the number of the video's first frame"
        )
    faults: list[Fault] = []
    value = read_json_file(path, faults)
    raise_all(faults)
    whole = Place(path, "", faults)
    dataset = None if isinstance(value, list) else whole.read(value, _Dataset, needs=_NEEDS, others=True)
    entries = value if dataset is None else dataset.annotations
    raise_all(faults)
    results = _entries(entries, whole, "entry" if dataset is None else "annotation", _Result, _RESULT_NEEDS)
    if dataset is None:
        number_of, numbers = None, [result.image_id for _, result in results]
        person = _person_of(results, whole)
    else:
        number_of = _image_numbers(dataset, whole)
        numbers = list(number_of.values())
        person = _named_person(dataset, whole, results)
    raise_all(faults)
    kept = [(place, result) for place, result in results if person is None or result.category_id in person]
    if not kept:
        return []
    # Without images any result is an error, which `_rows` raises.
    first = first_image if numbers else 0
    if first is None:
        first = _first_of(numbers, len(seconds), path, is_dataset=dataset is not None)
    return frame_boxes(_rows(kept, number_of, first), seconds)


_NEEDS = ("images", "annotations")
_RESULT_NEEDS = ("image_id", "bbox")


def _entries(
    values: Sequence[Any], whole: Place, what: str, type_: type[_Result], needs: Sequence[str]
) -> list[tuple[str, _Result]]:
    found = []
    for number, value in enumerate(values, start=1):
        place = whole.inner(f"{what} {number}")
        entry = place.read(value, type_, needs=needs, others=True, whole=True)
        if entry is not None:
            found.append((f"{place.path}: {place.place}", entry))
    return found


def _image_numbers(dataset: _Dataset, whole: Place) -> dict[int, int]:
    """Return the number in the file's name of each image, by its id."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for entry, value in enumerate(dataset.images, start=1):
        place = whole.inner(f"image {entry}")
        image = place.read(value, _Image, needs=("id", "file_name"), others=True, whole=True)
        if image is None:
            continue
        digits = _DIGITS.findall(PurePosixPath(image.file_name.replace("\\", "/")).stem)
        if not digits:
            place.fault(
                f"'file_name' is {image.file_name!r}, which has no number of a frame; name it like 000012.jpg"
            )
            continue
        if image.id in found:
            place.fault(f"the id {image.id} is that of another image already; number images differently")
        number = int(digits[-1])
        if number in taken:
            place.fault(
                f"'file_name' is {image.file_name!r}, and frame {number} is that of another image; give the images of "
                "one video"
            )
        taken.add(number)
        found[image.id] = number
    return found


def _named_person(
    dataset: _Dataset, whole: Place, results: Sequence[tuple[str, _Result]]
) -> frozenset[int] | None:
    if not dataset.categories:
        return _person_of(results, whole)
    categories = []
    for entry, value in enumerate(dataset.categories, start=1):
        read = whole.inner(f"category {entry}").read(value, _Category, needs=("id", "name"), others=True)
        if read is not None:
            categories.append(read)
    found = frozenset(one.id for one in categories if one.name.casefold() in PERSON_NAMES)
    if not found and len(categories) > 1:
        whole.fault(
            f"none of the categories {', '.join(one.name for one in categories)} is {' or '.join(PERSON_NAMES)}; "
            "rename the one of the players"
        )
    return found or None


def _person_of(results: Sequence[tuple[str, _Result]], whole: Place) -> frozenset[int] | None:
    """Return the persons' category of results without names; None: all results."""
    numbers = sorted({result.category_id for _, result in results})
    if len(numbers) <= 1:
        return None
    # COCO counts categories from 1; with 0 among them, 1 is something else than a person.
    if numbers[0] == 0 or _COCO_PERSON not in numbers:
        whole.fault(
            f"the categories {', '.join(map(str, numbers))} have no names, and are not COCO's own, whose person is "
            f"{_COCO_PERSON}; add 'categories' with names, or keep the players only"
        )
    return frozenset({_COCO_PERSON})


def _first_of(numbers: Sequence[int], num_frames: int, path: Path, *, is_dataset: bool) -> int:
    """Return whether numbers of frames begin at 0 or at 1.

    Raises:
        DataError: they may begin at either.
    """
    least, most = min(numbers), max(numbers)
    if least == 0:
        return 0
    if most == num_frames or (is_dataset and least == 1):
        return 1
    if most > num_frames:
        raise DataError(
            f"{path} has frame {most}, and the video has {count_text(num_frames, 'frame')}; the file may be of another "
            "video, or of one with another rate: give the detections of this video"
        )
    what = "numbers in its file names" if is_dataset else "image ids"
    raise DataError(
        f"the {what} of {path} run from {least} to {most}, and may count from 0 or from 1 (the video has "
        f"{count_text(num_frames, 'frame')}); list all frames as 'images' with their file names, from Python give "
        "first_image=0 or 1, or write a table with the frames from 0"
    )


def _rows(
    results: Iterable[tuple[str, _Result]], number_of: dict[int, int] | None, first: int
) -> Iterable[DetectionRow]:
    for place, result in results:
        number = result.image_id
        if number_of is not None:
            if number not in number_of:
                raise DataError(
                    f"{place}: image_id is {number}, and no image has this id; add it to 'images'"
                )
            number = number_of[number]
        yield DetectionRow(place, number - first, result.bbox, result.score)


def raise_all(faults: Sequence[Fault]) -> None:
    """Raise if there is a fault.

    Raises:
        DataError: with the first faults, and the number of the others.
    """
    if faults:
        more = f"; {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise DataError(f"{'; '.join(map(str, faults[:_SHOWN_FAULTS]))}{more}")
