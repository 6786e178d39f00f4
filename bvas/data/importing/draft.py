"""Drafts of matches from other formats, and the writer of `dataset.json`."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bvas.data.dataset_json import DATASET_NAME, FORMAT, FORMAT_2, parse_dataset
from bvas.data.joints import joints_file
from bvas.data.raw_annotations import Fault, RawAnnotation
from bvas.data.splits import SplitName
from bvas.errors import DataError
from bvas.system.atomic_files import replacing, write_json
from bvas.system.file_names import output_stem, shown_name, shown_text

Placing = Literal["path", "link", "copy"]
ANNOTATIONS_FOLDER = "annotations"
VIDEOS_FOLDER = "videos"


@dataclass(slots=True, kw_only=True)
class MatchDraft:
    """One match of another format."""

    name: str
    videos: list[Path] = field(default_factory=list)
    """Its parts in order."""
    annotations: list[RawAnnotation] | None = None
    """None for a challenge match."""
    fold: int | None = None
    is_test: bool = False
    group: str | None = None
    """None: its own."""
    split: SplitName | None = None
    is_sample: bool = False
    """Whether it is one video whose one annotation is a range or whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Matches of the files of another format."""

    labels: tuple[str, ...]
    matches: tuple[MatchDraft, ...]
    faults: tuple[Fault, ...]
    """All faults of the files."""
    drawn: Mapping[str, Any] = field(default_factory=dict)
    """Keys `folds`, `splits` and `seed` of a data root that has its folds or splits drawn."""


def labels_in(matches: Sequence[MatchDraft], order: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that occur: those of `order` first, in that order, then others by name."""
    used = {item.label for match in matches for item in match.annotations or ()}
    return (*[label for label in order if label in used], *sorted(used - set(order)))


def write_dataset(found: Import, out: Path, *, placing: Placing, overwrite: bool = False) -> Path:
    """Write `dataset.json` and a file of annotations for each match, and return the path of the first.

    Args:
        found: Matches without faults.
        out: The data root to make.
        placing: `path` names the videos where they lie: relative to `out` if they lie below it, else by absolute
            path; `link` makes symbolic links below `out`; `copy` copies them there. Joints of samples follow them.
        overwrite: Replace an existing `dataset.json`.

    Names of matches, links and copies that are not UTF-8 are changed, as a JSON file cannot hold them.

    Raises:
        DataError: one exists already, no match is left to write, the disk refuses, or the path of a video that is
            named where it lies is not UTF-8.
    """
    assert not found.faults
    if placing == "path":
        _check_names(found, out)
    path = out / DATASET_NAME
    if path.exists() and not overwrite:
        raise DataError(f"{path} exists already; choose another --out, or replace it with --overwrite")
    samples = [_sample_json(match, out, placing) for match in found.matches if match.is_sample]
    content = {
        "format": FORMAT_2 if found.drawn or samples or any(map(_needs_2, found.matches)) else FORMAT,
        "labels": list(found.labels),
        **found.drawn,
        "matches": [_match_json(match, out, placing) for match in found.matches if not match.is_sample],
    }
    if samples:
        content["samples"] = samples
    _, faults = parse_dataset(content, path)
    if faults:
        raise DataError(f"these matches make no dataset: {faults[0]} ({len(faults) - 1} more)")
    for match in found.matches:
        for video in match.videos:
            target = out / video_name(video, match, out, placing)
            _place(video, target, placing)
            joints = joints_file(video) if match.is_sample and placing != "path" else None
            if joints is not None:
                _place(joints, target.with_suffix(joints.suffix), placing)
        if match.annotations is not None and not match.is_sample:
            rows = [_annotation_json(item, len(match.videos)) for item in match.annotations]
            write_json(out / _annotations_name(match), {"annotations": rows})
    # Last, so that an existing dataset is complete.
    write_json(path, content)
    return path


def _needs_2(match: MatchDraft) -> bool:
    is_range = any(item.is_range for item in match.annotations or ())
    return match.group is not None or match.split is not None or is_range


def _sample_json(match: MatchDraft, out: Path, placing: Placing) -> dict[str, Any]:
    assert match.annotations is not None
    (item,) = match.annotations
    times = {} if item.end_seconds == math.inf else _times_json(item)
    entry = {"video": video_name(match.videos[0], match, out, placing), "label": item.label, **times}
    return {"name": _json_name(match.name), **entry, **_side_json(match)}


def _side_json(match: MatchDraft) -> dict[str, Any]:
    sides = {"group": match.group, "fold": match.fold, "split": match.split}
    return {key: value for key, value in sides.items() if value is not None}


def _match_json(match: MatchDraft, out: Path, placing: Placing) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": _json_name(match.name), **_side_json(match)}
    if match.is_test:
        entry["test"] = True
    entry["videos"] = [video_name(video, match, out, placing) for video in match.videos]
    if match.annotations is not None:
        entry["annotations"] = _annotations_name(match)
    return entry


def _annotations_name(match: MatchDraft) -> str:
    return f"{ANNOTATIONS_FOLDER}/{_json_name(match.name)}.json"


def video_name(video: Path, match: MatchDraft, out: Path, placing: Placing) -> str:
    """Return the path of a video in the `dataset.json` of a data root, with forward slashes."""
    if placing != "path":
        return f"{VIDEOS_FOLDER}/{_json_name(match.name)}/{_json_name(video.stem)}{video.suffix}"
    absolute, root = _absolute(video), out.resolve()
    return (absolute.relative_to(root) if absolute.is_relative_to(root) else absolute).as_posix()


def _check_names(found: Import, out: Path) -> None:
    """Refuse videos that no text file can name."""
    for match in found.matches:
        for video in match.videos:
            name = video_name(video, match, out, "path")
            if shown_text(name) != name:
                raise DataError(
                    f"{shown_name(name)} is not UTF-8, and {DATASET_NAME} cannot hold it; rename it, or import with "
                    "--link or --copy, which give it another name"
                )


def _json_name(name: str) -> str:
    """Return a name, of several parts or one, that JSON can hold: the same wherever it is UTF-8."""
    return name if shown_text(name) == name else "/".join(output_stem(part) for part in name.split("/"))


def _absolute(video: Path) -> Path:
    """Return the full path; a video that is a link keeps its own name."""
    return video.parent.resolve() / video.name


def _annotation_json(item: RawAnnotation, num_videos: int) -> dict[str, Any]:
    row: dict[str, Any] = {"part": item.part} if num_videos > 1 else {}
    row |= _times_json(item)
    row["label"] = item.label
    if item.team is not None:
        row["team"] = item.team
    if not item.visible:
        row["visible"] = False
    return row


def _times_json(item: RawAnnotation) -> dict[str, Any]:
    unit, begin, end = "seconds", item.seconds, item.end_seconds
    if item.frame is not None:
        unit, begin, end = "frame", item.frame, item.end_frame
    return {f"from_{unit}": begin, f"to_{unit}": end} if item.is_range else {unit: begin}


def _place(video: Path, target: Path, placing: Placing) -> None:
    if placing == "path" or (target.exists() and target.samefile(video)):
        return
    if placing == "copy" and target.is_file() and target.stat().st_size == video.stat().st_size:
        return  # copied before an interruption
    with replacing(target) as temporary:
        if placing == "copy":
            shutil.copy2(video, temporary)
        else:
            temporary.symlink_to(_absolute(video))
