"""Import of FiftyOne's temporal detections, a `FiftyOneTemporalDetectionDataset`.

`{"classes": ["PASS"], "labels": {key: [{"label": 0, "support": [1, 1]}]}}`, in `labels.json` beside the folder `data`
or the list `data.json`. Frames count from 1, and `support` holds the last frame. See
https://docs.voxel51.com/user_guide/import_datasets.html#fiftyonetemporaldetectiondataset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvas.data.importing.clip_drafts import CLIP_SUFFIXES
from bvas.data.importing.draft import Import, MatchDraft, labels_in
from bvas.data.importing.frame_ranges import add_range, add_video, set_moments
from bvas.data.json_object import Items, Names, Place, read_json_file, short_text
from bvas.data.named_files import named_file
from bvas.data.raw_annotations import Fault

LABELS_NAME = "labels.json"


@dataclass(frozen=True, slots=True)
class _FileObject:
    classes: Names = ()
    labels: Any = None


@dataclass(frozen=True, slots=True)
class _DetectionObject:
    label: Any = None
    support: Items = ()


def is_fiftyone(content: Any) -> bool:
    """Return whether a JSON value has the form of such a file."""
    lists = content.get("labels") if isinstance(content, dict) else None
    is_of_lists = isinstance(lists, dict) and all(isinstance(one, list | None) for one in lists.values())
    return is_of_lists and content.keys() <= {"classes", "labels"}


def read_fiftyone(source: Path, videos: Path | None) -> Import:
    """Read a file of labels, or the folder that holds it as `labels.json`.

    Each video is a match, named after its file; one without a list is a challenge match. Labels whose ranges all have
    one frame are moments.

    Args:
        source: The file or folder.
        videos: Folder of the videos; None: `data` beside the file, else the folder of the file.
    """
    path = source / LABELS_NAME if source.is_dir() else source
    faults: list[Fault] = []
    content = read_json_file(path, faults)
    if not faults and not is_fiftyone(content):
        faults.append(
            Fault(path, "", "is not a file of FiftyOne's temporal detections: 'classes' and 'labels'")
        )
    manifest = path.with_name("data.json")
    listed = read_json_file(manifest, faults) if manifest.is_file() else {}
    if faults:
        return Import(labels=(), matches=(), faults=tuple(faults))
    place = Place(path, "", faults)
    file = place.read(content, _FileObject, others=True) or _FileObject()
    data = path.with_name("data")
    folder = videos or (data if data.is_dir() else path.parent)
    matches: dict[str, MatchDraft] = {}
    for key, detections in sorted(content["labels"].items()):
        inner = place.inner(f"video {short_text(key)}")
        name = listed.get(key, key) if isinstance(listed, dict) else key
        video = _video(folder, str(name))
        if video is None:
            inner.fault(f"no video of this name in {folder}; say where with --videos")
            continue
        match = add_video(matches, None, video, inner)
        if match is not None and detections is not None:
            _add(detections, file.classes, inner, match)
    set_moments(matches.values())
    drafts = tuple(matches.values())
    return Import(labels=labels_in(drafts, file.classes), matches=drafts, faults=tuple(faults))


def _add(detections: Items, classes: Sequence[str], place: Place, match: MatchDraft) -> None:
    match.annotations = []
    for number, value in enumerate(detections):
        inner = place.inner(f"detection {number}")
        held = inner.read(value, _DetectionObject, needs=("label", "support"), others=True, whole=True)
        if held is None:
            continue
        label = held.label
        if type(label) is int and 0 <= label < len(classes):
            label = classes[label]
        if not isinstance(label, str) or not label.strip():
            inner.fault(f"label {short_text(label)} is neither a name nor a number of 'classes'")
            continue
        first, last = held.support if len(held.support) == 2 else (None, None)
        add_range(match, number, label, first, last, inner)


def _video(folder: Path, name: str) -> Path | None:
    names = (name, *(f"{name}{suffix}" for suffix in CLIP_SUFFIXES))
    return next((video for text in names if (video := named_file(folder, text)) is not None), None)
