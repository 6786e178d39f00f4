"""Import of SpaceJam: clips and joints side by side, `annotation_dict.json`, `labels_dict.json`."""

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bvas.data.importing.clip_drafts import clip_draft, drawn_splits, find_clip, is_plain_path, missing_faults
from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.joints import joints_file, read_joints
from bvas.data.json_object import read_json_file, short_text
from bvas.data.raw_annotations import Fault
from bvas.errors import DataError
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

ANNOTATION_FILE = "annotation_dict.json"
_LABEL_FILE = "labels_dict.json"
_LABELS = (
    "block",
    "pass",
    "run",
    "dribble",
    "shoot",
    "ball in hand",
    "defense",
    "pick",
    "no_action",
    "walk",
    "discard",
)
_DISCARD = "discard"


def read_spacejam(
    source: Path, videos: Path | None = None, *, shares: Sequence[float] | None = None, seed: int = 0
) -> Import:
    """Read clips and their classes. An original is a group with its copies, such as `0000012_flipped_rotate_330`.

    Clips of class `discard` are left out. The splits are drawn.

    Args:
        source: The folder with `annotation_dict.json`, or a file like it, such as `augmented_annotation_dict.json`.
        videos: Folder of `ID.mp4` and `ID.npy`; None: `examples` beside the file.
        shares: Of train, valid and test; None: 70, 20, 10.
        seed: Of the draw.
    """
    path = source / ANNOTATION_FILE if source.is_dir() else source
    videos = videos or path.parent / "examples"
    faults: list[Fault] = []
    content = read_json_file(path, faults)
    labels = _labels(path.parent / _LABEL_FILE, faults)
    if not isinstance(content, dict) and not faults:
        faults.append(Fault(path, "", f"must be an object of class numbers by ID, got {short_text(content)}"))
    if faults:
        return Import(labels=(), matches=(), faults=tuple(faults))
    drafts, missing = _drafts(path, content, videos, labels, faults)
    faults += missing_faults(missing, len(content), path, videos)
    if not content:
        faults.append(Fault(path, "", "is empty; there is nothing to import"))
    names = tuple(name for _, name in sorted(labels.items()) if name != _DISCARD)
    return Import(labels=names, matches=tuple(drafts), faults=tuple(faults), drawn=drawn_splits(shares, seed))


def original_of(name: str) -> str:
    """Return the ID of the original of a copy: the number that the ID begins with.

    >>> original_of("0000012_flipped_rotate_330")
    '0000012'
    """
    found = re.match(r"\d+(?=_|$)", name, re.ASCII)
    return found[0] if found else name


def _drafts(
    path: Path, content: Mapping[str, Any], videos: Path, labels: Mapping[int, str], faults: list[Fault]
) -> tuple[list[MatchDraft], list[Fault]]:
    """Return the clips, and the faults of missing videos."""
    drafts: list[MatchDraft] = []
    missing: list[Fault] = []
    counts = Counter[str]()
    for name, number in content.items():
        entry = f"ID {name!r}"
        if not is_plain_path(name) or "/" in name:
            faults.append(Fault(path, entry, "is not the name of a file in the folder of the clips"))
            continue
        label = labels.get(number) if type(number) is int else None
        if label is None:
            known = ", ".join(f"{number} {name}" for number, name in sorted(labels.items()))
            faults.append(Fault(path, entry, f"class {short_text(number)} is unknown; known are {known}"))
            continue
        counts[label] += 1
        if label == _DISCARD:
            continue
        video = find_clip(videos, f"{name}.mp4")
        if video is None:
            missing.append(Fault(path, entry, f"no video {videos / name}.mp4; get it, or remove the entry"))
            continue
        joints = joints_file(video)
        if joints is not None:
            try:
                read_joints(joints)
            except DataError as error:
                faults.append(Fault(joints, "", str(error).removeprefix(str(joints)).lstrip(": ")))
        drafts.append(clip_draft(name, video, label, group=original_of(name)))
    if counts[_DISCARD]:
        logger.info("%s: %s of class discard left out", path, count_text(counts[_DISCARD], "clip"))
    return drafts, missing


def _labels(path: Path, faults: list[Fault]) -> dict[int, str]:
    """Return the name of each class number; SpaceJam's own where the file is absent."""
    if not path.is_file():
        logger.info("no %s: the names of SpaceJam's own classes are taken", path)
        return dict(enumerate(_LABELS))
    content = read_json_file(path, faults)
    if content is None and faults:
        return {}
    if not isinstance(content, dict) or not content:
        faults.append(Fault(path, "", f"must be an object of names by number, got {short_text(content)}"))
        return {}
    found: dict[int, str] = {}
    for key, name in content.items():
        if not key.isdecimal() or not isinstance(name, str) or not name.strip():
            message = f"class {key!r} is {short_text(name)}; each is a number with a name"
            faults.append(Fault(path, "", message))
            continue
        if int(key) in found or name in found.values():
            faults.append(Fault(path, "", f"class {key!r}, {name!r}, stands twice; name each once"))
        found.setdefault(int(key), name)
    return found
