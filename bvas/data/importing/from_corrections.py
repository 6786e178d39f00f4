"""Import of `corrections.json`, which the page of `bvas report` saves; described in docs/report.md."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.json_object import Count, Flag, Items, Name, Names, Place, read_json_file
from bvas.data.labelled_ranges import overlap_faults
from bvas.data.raw_annotations import AnnotationList, Fault, RawAnnotation
from bvas.values.plural import count_text
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)

FORMAT = "bvas-corrections-1"
_NEEDED_OF_VIDEOS = ("match", "file", "num_frames", "annotations")


@dataclass(frozen=True, slots=True)
class _FileObject:
    labels: Names = ()
    videos: Items = ()


@dataclass(frozen=True, slots=True)
class _VideoObject:
    match: Name = ""
    file: Name = ""
    path: Name | None = None
    num_frames: Count | None = None
    reviewed: Flag = True
    annotations: Items = ()


@dataclass(frozen=True, slots=True)
class _AnnotationObject:
    frame: Count | None = None
    from_frame: Count | None = None
    to_frame: Count | None = None
    label: Name = ""
    team: Any = None
    visible: Any = True


def is_corrections(content: Any) -> bool:
    """Return whether a JSON value is a file of corrections, of any version."""
    return isinstance(content, dict) and str(content.get("format", "")).startswith("bvas-corrections-")


def read_corrections(source: Path, videos: Path) -> Import:
    """Read corrections.

    Videos that had no annotations and were not reviewed are left out: without a review, no annotation does not mean
    that nothing happens.

    Args:
        source: The file.
        videos: Folder that the paths of the videos begin in; or where they lie by their names, or in a folder named
            as the match.
    """
    faults: list[Fault] = []
    content = read_json_file(source, faults)
    place = Place(source, "", faults)
    found = content.get("format") if isinstance(content, dict) else None
    if not faults and found != FORMAT:
        place.fault(f"its format is {found!r}; this version reads {FORMAT}")
    if faults:
        return Import(labels=(), matches=(), faults=tuple(faults))
    file = place.read(content, _FileObject, needs=("labels", "videos"), others=True)
    assert file is not None
    matches: dict[str, MatchDraft] = {}
    for number, value in enumerate(file.videos):
        entry = place.inner(f"video {number}")
        video = entry.read(value, _VideoObject, needs=_NEEDED_OF_VIDEOS, others=True)
        if video is not None and video.match and video.file:
            _read_video(video, entry, videos, file.labels, matches)
    if not matches and not faults:
        place.fault("no video in it was reviewed: keep, delete or add something on the page, and save again")
    return Import(labels=tuple(file.labels), matches=tuple(matches.values()), faults=tuple(faults))


def _read_video(
    entry: _VideoObject, place: Place, videos: Path, labels: Sequence[str], matches: dict[str, MatchDraft]
) -> None:
    if not entry.reviewed:
        logger.warning("%s of %s is left out: it was not reviewed", entry.file, entry.match)
        return
    video = _find_video(videos, entry.path, entry.match, entry.file)
    if video is None:
        place.fault(f"no video {entry.file} of {entry.match} in {videos}; say where with --videos")
        return
    index = build_index(video)[0]
    if entry.num_frames != index.num_frames:
        place.fault(
            f"{video} has {count_text(index.num_frames, 'frame')}, and the corrections are about one with "
            f"{entry.num_frames}; name the folder of the right one with --videos"
        )
        return
    match = matches.setdefault(entry.match, MatchDraft(name=entry.match, annotations=[]))
    match.videos.append(video)
    assert match.annotations is not None
    items = []
    for number, value in enumerate(entry.annotations):
        inner = place.inner(f"annotation {number}")
        is_range = isinstance(value, dict) and value.get("frame") is None and "from_frame" in value
        needs = ("from_frame", "to_frame") if is_range else ("frame",)
        item = inner.read(value, _AnnotationObject, needs=(*needs, "label"), others=True, whole=True)
        if item is None:
            continue
        first, end = (item.from_frame, item.to_frame) if is_range else (item.frame, None)
        assert first is not None
        if end is not None and end <= first:
            inner.fault(f"has frames {first} to {end}; 'to_frame' is the first frame after the range")
        elif (last := first if end is None else end - 1) >= index.num_frames:
            inner.fault(f"has frame {last}; the video has frames 0 to {index.num_frames - 1}")
        elif item.label not in labels:
            inner.fault(f"has label {item.label!r}, which is not among {', '.join(labels)}")
        else:
            team, is_visible = str(item.team) if item.team else None, item.visible is not False
            part = len(match.videos)
            items.append(RawAnnotation(number, part, item.label, None, first, team, is_visible, None, end))
    raw = AnnotationList(place.path, place.place, tuple(items))
    place.faults.extend(overlap_faults(raw, items, index, {}))
    match.annotations += items


def _find_video(folder: Path, path: str | None, match: str, file: str) -> Path | None:
    places = [folder / match / file, folder / file]
    if path is not None:
        places.insert(0, folder / path)
    return next((place for place in places if place.is_file()), None)
