"""Drafts of clips with one label each: their names, their videos, and splits where a data set has none."""

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from bvas.data.importing.draft import Import, MatchDraft
from bvas.data.raw_annotations import Fault, RawAnnotation
from bvas.data.soccernet_files import VIDEO_SUFFIXES
from bvas.data.splits import SPLITS, SplitName, draw_splits
from bvas.system.text_files import read_text, text_lines
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

SHARES = (70.0, 20.0, 10.0)
"""Of train, valid and test, where a data set has no splits."""
VALID_SHARES = (90.0, 10.0)
"""Of train and valid, where a data set has no valid split."""
CLIP_SUFFIXES = (*VIDEO_SUFFIXES, ".mpeg", ".wmv", ".flv", ".3gp", ".ogv", ".mts", ".m2ts")
SPLIT_NAMES: Mapping[str, SplitName] = {
    "train": "train",
    "valid": "valid",
    "val": "valid",
    "validate": "valid",
    "validation": "valid",
    "test": "test",
}
"""Splits by the names that data sets give them."""


def clip_draft(
    name: str,
    video: Path,
    label: str,
    *,
    group: str | None = None,
    split: SplitName | None = None,
    span: tuple[float, float] = (0.0, math.inf),
) -> MatchDraft:
    """Return the draft of a video, or of a stretch of it in seconds, with one label.

    Args:
        name: Its parts are separated by slashes; what no name may have becomes an underscore.
        video: The file.
        label: Its class.
        group: What no split may cut; None: the video.
        split: None where splits are drawn.
        span: Begin and end; an infinite end is the end of the video.
    """
    return MatchDraft(
        name=name.replace("\\", "_").replace(":", "_"),
        videos=[video],
        annotations=[RawAnnotation(None, 1, label, span[0], end_seconds=span[1])],
        group=group,
        split=split,
        is_sample=True,
    )


def label_of(draft: MatchDraft) -> str:
    """Return the label of a clip."""
    assert draft.annotations is not None
    return draft.annotations[0].label


def is_video_name(path: Path) -> bool:
    """Return whether a file is a video by its name; files that macOS adds are not."""
    return path.suffix.lower() in CLIP_SUFFIXES and not path.name.startswith(".")


def find_clip(folder: Path, name: str) -> Path | None:
    """Return the video that a list names below a folder, without its folders too, or with another container."""
    path = PurePosixPath(name)
    places = [folder / path, folder / path.name]
    for place in places:
        found = [place, *(place.with_suffix(suffix) for suffix in CLIP_SUFFIXES)]
        for one in found:
            if one.is_file():
                return one
    return None


def is_plain_path(name: str) -> bool:
    """Return whether a name stays below its folder."""
    path = PurePosixPath(name)
    return (
        bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not set(name) & set("\\\0")
    )


def list_lines(path: Path) -> list[tuple[str, str]]:
    """Return (place, text) of the lines of a list that are not empty.

    Raises:
        DataError: the file cannot be read.
    """
    lines = enumerate(text_lines(read_text(path)), start=1)
    return [(f"line {number}", line.strip()) for number, line in lines if line.strip()]


def missing_faults(missing: Sequence[Fault], num_listed: int, source: Path, videos: Path) -> list[Fault]:
    """Return the faults of missing videos: one where none of them is there."""
    if len(missing) < max(num_listed, 2):
        return list(missing)
    listed = count_text(num_listed, "listed video")
    return [Fault(source, "", f"none of the {listed} lies in {videos}; say where with --videos")]


def drawn_splits(shares: Sequence[float] | None, seed: int) -> dict[str, Any]:
    """Return the keys of a data root whose splits are drawn by group."""
    named = dict(zip(SPLITS, shares or SHARES, strict=False))
    return {"splits": named, **({"seed": seed} if seed else {})}


def with_valid(
    drafts: Sequence[MatchDraft], shares: Sequence[float] | None, seed: int, source: Path
) -> list[MatchDraft]:
    """Return clips some of which went from train to valid, where no clip is in valid; a log line says so.

    Groups are drawn within each label, so that each label with two groups in train is in valid. A group counts for the
    label that most of its clips have.
    """
    train = [draft for draft in drafts if draft.split == "train"]
    if not train or any(draft.split == "valid" for draft in drafts):
        return list(drafts)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for draft in train:
        labels[_group(draft)][label_of(draft)] += 1
    groups_of: dict[str, list[str]] = defaultdict(list)
    for draft in train:
        groups_of[labels[_group(draft)].most_common(1)[0][0]].append(_group(draft))
    named = dict(zip(SPLITS, (shares or VALID_SHARES)[:2], strict=False))
    split_of: dict[str, SplitName] = {}
    for groups in groups_of.values():
        split_of |= dict(zip(groups, draw_splits(groups, named, seed), strict=True))
    found = [
        replace(draft, split=split_of[_group(draft)]) if draft.split == "train" else draft for draft in drafts
    ]
    num_valid = sum(draft.split == "valid" for draft in found)
    logger.info(
        "%s has no valid split: %d of %s are drawn for it, by group, with seed %d",
        *(source, num_valid, count_text(len(train), "training clip"), seed),
    )
    return found


def _group(draft: MatchDraft) -> str:
    return draft.group or draft.name


def with_labels(found: Import, names: Sequence[str], path: Path) -> Import:
    """Return clips with the labels of a file, in its order; a fault for each label that it does not have."""
    counts = Counter(label_of(draft) for draft in found.matches if draft.is_sample)
    unknown = [label for label in counts if label not in names]
    faults = [
        Fault(path, "", f"does not name {label!r}, the label of {count_text(counts[label], 'clip')}; add it")
        for label in sorted(unknown)
    ]
    return replace(found, labels=tuple(names), faults=(*found.faults, *faults))
