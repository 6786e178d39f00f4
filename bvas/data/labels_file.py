"""Labels file of `bvas label`: a `dataset.json` of version 2 with a match for each video; begun, or read again."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

from bvas.data.dataset_annotations import RANGE_KEYS
from bvas.data.dataset_json import FORMAT_2, parse_dataset, read_annotations
from bvas.data.dataset_match import DatasetMatch
from bvas.data.labelled_ranges import ends_of, late_faults, overlap_faults
from bvas.data.matches import frame_faults
from bvas.data.raw_annotations import RawAnnotation, raise_faults
from bvas.errors import ConfigError
from bvas.system.file_names import output_stem
from bvas.system.text_files import read_json
from bvas.values.frame_boundaries import nearest_boundary
from bvas.video.index.frame_table import VideoIndex

_PLACE_KEYS = ("seconds", "frame", *RANGE_KEYS, "part", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsFile:
    """Contents of a labels file, and which of its matches are labelled now."""

    path: Path
    content: Mapping[str, Any]
    """JSON value of the file. Matches that are labelled list their annotations, which name frames."""
    entries: tuple[int, ...]
    """For each video its place in `matches`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the file."""
        return tuple(self.content["labels"])

    def rows(self, video: int) -> list[dict[str, Any]]:
        """Return the annotations of a video, none where it has none yet."""
        return list(self.content["matches"][self.entries[video]].get("annotations", ()))

    def with_ranges(
        self, video: int, index: VideoIndex, ranges: Sequence[tuple[str, int, int]]
    ) -> "LabelsFile":
        """Return the file with more ranges of one video; those that it has already are kept once.

        Args:
            video: Number of the video.
            index: The video.
            ranges: Label, first frame and last frame of each; an empty label is the file's first.

        Raises:
            ConfigError: a label is unknown, a range is reversed or goes beyond the end of the video, or two ranges of
                a label overlap.
        """
        rows = self.rows(video)
        for label, first, last in ranges:
            label = label or self.labels[0]
            if label not in self.labels:
                raise ConfigError(
                    f"label {label!r} of range {first}-{last} is not among {', '.join(self.labels)}; add it to --labels"
                )
            if last < first:
                raise ConfigError(f"range {first}-{last} ends before it begins; write {last}-{first}")
            if last >= index.num_frames:
                raise ConfigError(
                    f"range {first}-{last} goes beyond the end of {index.path}, whose last frame is "
                    f"{index.num_frames - 1} (frames count from 0)"
                )
            row = {"from_frame": first, "to_frame": last + 1, "label": label}
            same = [one for one in rows if one["label"] == label and "from_frame" in one]
            if any(_ends(one) == _ends(row) for one in same):
                continue
            for one in same:
                begin, end = _ends(one)
                if first < end and begin <= last:
                    raise ConfigError(
                        f"range {first}-{last} overlaps range {begin}-{end - 1} of the same label {label!r}; "
                        f"join them: {min(first, begin)}-{max(last, end - 1)}"
                    )
            rows.append(row)
        rows.sort(key=lambda one: (one.get("from_frame", one.get("frame")), one["label"]))
        matches = list(self.content["matches"])
        matches[self.entries[video]] = {**matches[self.entries[video]], "annotations": rows}
        return replace(self, content={**self.content, "matches": matches})


def open_labels_file(path: Path, indexes: Sequence[VideoIndex], labels: Sequence[str]) -> LabelsFile:
    """Return the labels file of some videos: as it is where it exists, with a match for each new video.

    Args:
        path: The file; nothing is written.
        indexes: The videos.
        labels: Labels in the order of their keys; others of the file come behind them.

    Raises:
        ConfigError: no label is named, one twice, or a video is named twice or is part of a match of several.
        DataError: the file is not a `dataset.json`, or has faults.
    """
    repeated = [label for number, label in enumerate(labels) if label in labels[:number]]
    if repeated:
        raise ConfigError(f"--labels names {repeated[0]!r} twice; name each label once")
    before: dict[str, Any] = {"format": FORMAT_2, "labels": [], "matches": []}
    listed: Sequence[DatasetMatch] = ()
    if path.exists():
        before = read_json(path)
        dataset, faults = parse_dataset(before, path)
        raise_faults(faults)
        listed = dataset.matches[: len(before.get("matches", ()))]
    known = tuple(dict.fromkeys([*labels, *before["labels"]]))
    if not known:
        raise ConfigError("name the labels, in the order of their keys: --labels PASS,SHOT")
    content = {
        **before,
        "format": FORMAT_2,
        "labels": list(known),
        "matches": list(before.get("matches", ())),
    }
    entries = [_entry(content["matches"], listed, index, path) for index in indexes]
    twice = [index.path for number, index in enumerate(indexes) if entries[number] in entries[:number]]
    if twice:
        raise ConfigError(f"{twice[0]} is named twice; name each video once")
    raise_faults(parse_dataset(content, path)[1])
    return LabelsFile(path=path, content=content, entries=tuple(entries))


def _entry(
    matches: list[dict[str, Any]], listed: Sequence[DatasetMatch], index: VideoIndex, path: Path
) -> int:
    """Return the place of a video's match; a new one is appended."""
    relative = _relative(index.path, path.parent)
    for number, match in enumerate(listed):
        if index.path.resolve() not in [video.resolve() for video in match.videos if isinstance(video, Path)]:
            continue
        if len(match.videos) > 1:
            raise ConfigError(
                f"{index.path} is one of {len(match.videos)} videos of {match.place} in {path}; a page labels matches "
                "of one video: take another --out"
            )
        if match.annotations is not None:
            matches[number] = {**matches[number], "annotations": _rows(match, matches[number], index)}
        return number
    videos = [match["videos"] for match in matches]
    if [relative] in videos:
        return videos.index([relative])
    used = {match["name"] for match in matches}
    stem = output_stem(index.path.stem).replace(":", "_").replace("\\", "_")
    name = next(
        name for name in chain([stem], (f"{stem}_{number}" for number in count(2))) if name not in used
    )
    matches.append({"name": name, "videos": [relative]})
    return len(matches) - 1


def _rows(match: DatasetMatch, entry: Mapping[str, Any], index: VideoIndex) -> list[dict[str, Any]]:
    """Return the annotations of a match of one video, times replaced by frames; other keys stay.

    Raises:
        DataError: an annotation lies outside the video, or ranges of one label overlap.
    """
    raw, faults = read_annotations(match)
    raise_faults(faults)
    for item in raw.items:
        faults += frame_faults(raw, item, index) + late_faults(raw, item, index)
    raise_faults(faults or overlap_faults(raw, raw.items, index, {}))
    values = entry["annotations"]
    if not isinstance(values, list):
        values = read_json(raw.path)["annotations"]
    found = []
    for item in raw.items:
        assert item.number is not None
        more = {key: value for key, value in values[item.number].items() if key not in _PLACE_KEYS}
        found.append({**more, **_frames(item, index), "label": item.label})
    return found


def _frames(item: RawAnnotation, index: VideoIndex) -> dict[str, int]:
    """Return the frames of an annotation."""
    begin, end = (nearest_boundary(index.seconds, index.duration_seconds, at) for at in ends_of(item, index))
    begin = min(begin, index.num_frames - 1)
    return {"from_frame": begin, "to_frame": max(end, begin + 1)} if item.is_range else {"frame": begin}


def _ends(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["from_frame"], row["to_frame"]


def _relative(video: Path, folder: Path) -> str:
    """Return the path of a video from a folder; its full path on another drive."""
    absolute = video.parent.resolve() / video.name
    try:
        return Path(os.path.relpath(absolute, folder.resolve())).as_posix()
    except ValueError:
        return absolute.as_posix()
