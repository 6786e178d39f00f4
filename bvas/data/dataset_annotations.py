"""Annotations of a `dataset.json`: moments, and from version 2 on ranges."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bvas.data.json_object import Count, Flag, Items, Moment, Name, Place
from bvas.data.raw_annotations import AnnotationList, RawAnnotation
from bvas.values.plural import count_text

_POINTS = ("seconds", "frame")
_RANGES = (("from_seconds", "to_seconds"), ("from_frame", "to_frame"))
RANGE_KEYS = tuple(key for pair in _RANGES for key in pair)


@dataclass(frozen=True, slots=True)
class RangeObject:
    """Keys of a range; both of a pair or neither."""

    from_seconds: Moment | None = None
    to_seconds: Moment | None = None
    from_frame: Count | None = None
    to_frame: Count | None = None


@dataclass(frozen=True, slots=True)
class AnnotationsObject:
    """A file with the annotations of one match."""

    annotations: Items = ()
    note: Any = None


@dataclass(frozen=True, slots=True)
class _AnnotationObject(RangeObject):
    """One annotation: a moment or a range."""

    part: Count | None = None
    seconds: Moment | None = None
    frame: Count | None = None
    label: Name = ""
    team: Name | None = None
    visible: Flag = True
    note: Any = None


def annotation_list(
    values: Sequence[Any], place: Place, *, num_videos: int, declared: tuple[str, ...], version: int
) -> AnnotationList:
    """Return the annotations that JSON values hold, and note their faults.

    Args:
        values: The JSON values.
        place: Place of the list.
        num_videos: Videos of the match.
        declared: Labels of the dataset.
        version: Version of the format; version 1 has no ranges.
    """
    items = []
    videos = count_text(num_videos, "video")
    for number, value in enumerate(values):
        entry = place.inner(f"annotation {number}")
        item = entry.read(value, _AnnotationObject, needs=("label",))
        if item is None:
            continue
        check_label(item.label, entry, declared)
        if version == 1:
            check_keys_of_2(value, RANGE_KEYS, entry)
        # Of the file itself: a wrong value has its own fault.
        given = [key for key in _POINTS if value.get(key) is not None]
        given += [pair[0] for pair in _RANGES if any(value.get(key) is not None for key in pair)]
        if len(given) != 1:
            ranges = (
                "" if version == 1 else ", or a range: 'from_seconds' and 'to_seconds', or frames likewise"
            )
            entry.fault(f"needs 'seconds' or 'frame', one of the two{ranges}")
        has_range = check_range(item, value, entry)
        if value.get("part") is None and num_videos > 1:
            entry.fault(f"needs 'part', as the match has {videos}")
        elif item.part is not None and num_videos and not 1 <= item.part <= num_videos:
            entry.fault(f"'part' is {item.part}; the match has {videos}, counted from 1")
        elif item.label and len(given) == 1 and (has_range or (item.seconds is None) != (item.frame is None)):
            items.append(_raw(item, number))
    return AnnotationList(place.path, place.place, tuple(items))


def _raw(item: _AnnotationObject, number: int) -> RawAnnotation:
    return RawAnnotation(
        number,
        item.part or 1,
        item.label,
        item.seconds if item.from_seconds is None else item.from_seconds,
        item.frame if item.from_frame is None else item.from_frame,
        item.team,
        item.visible,
        item.to_seconds,
        item.to_frame,
    )


def sample_annotation(item: RangeObject, label: str, place: Place) -> AnnotationList:
    """Return the one annotation of a sample: its label, over its range or the whole video."""
    begin, end = item.from_seconds, item.to_seconds
    if begin is None and item.from_frame is None:
        begin, end = 0.0, math.inf
    annotation = RawAnnotation(
        None, 1, label, begin, item.from_frame, end_seconds=end, end_frame=item.to_frame
    )
    return AnnotationList(place.path, place.place, (annotation,))


def check_range(item: RangeObject, value: dict[str, Any], place: Place) -> bool:
    """Return whether an object has a range, and note a range that is half or ends before it begins."""
    for first, last in _RANGES:
        missing = [key for key in (first, last) if value.get(key) is None]
        if len(missing) == 1:
            place.fault(f"has one end of a range; give {missing[0]!r} too")
        begin, end = getattr(item, first), getattr(item, last)
        if begin is not None and end is not None:
            if end > begin:
                return True
            place.fault(f"{last!r} is {end}; it must be after {first!r} ({begin})")
    return False


def check_label(label: str, place: Place, declared: tuple[str, ...]) -> None:
    """Note a label that the dataset does not declare."""
    if label and declared and label not in declared:
        place.fault(f"label {label!r} is not among the dataset's 'labels': {', '.join(declared)}")


def check_keys_of_2(value: Any, keys: Sequence[str], place: Place) -> None:
    """Note keys that version 1 does not have."""
    for key in keys:
        if isinstance(value, dict) and value.get(key) is not None:
            place.fault(f"{key!r} is a key of version 2; set 'format' to 'bvas-dataset-2'")
